"""Reads a file for the checks: what stands where, and what each place sees."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args

from pydantic import ValidationError

from engine.lint.fields import ANY, ELEMENT, VALUE
from engine.lint.mention import Asked, AskedByTemplate, Mention, asked_by, asked_by_template
from engine.lint.subject import (
    CALL,
    PARALLEL,
    SET,
    FileStep,
    Placed,
    PlacedCondition,
    PlacedTemplate,
    Sees,
    Subject,
)
from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.parameters import Parameters
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Template, Templates, TemplateSyntaxError
from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.conditions import Conditions

STEPS: Final = "steps"
AFTER_STEPS: Final = ("on_failure", "on_resolved", "finally")  # in the order they can come
_ON_DOCUMENT: Final = ("when", "foreach")
_HIDDEN_OF_TRIGGER: Final = frozenset({"vars", "steps", "run", "secrets", "inputs"})
_HIDDEN_OF_VARS: Final = frozenset({"steps", "secrets"})


class SubjectReader:
    """Reads files whose steps are of the given step types; what texts ask for is kept."""

    def __init__(
        self,
        step_types: Mapping[str, StepType[Any]],
        templates: Templates,
        conditions: Conditions,
    ) -> None:
        self._step_types = step_types
        self._templates = templates
        self._conditions = conditions
        # The parameters of each step type that are conditions, on its own result.
        self.conditions_in = {key: _conditions(one.parameters) for key, one in step_types.items()}
        self._asked_by: dict[str, Asked] = {}
        self._asked_by_template: dict[str, AskedByTemplate] = {}

    def read(self, marked: MarkedYaml) -> Subject:
        """Whatever the file holds, nothing is raised."""
        raw = marked.value if isinstance(marked.value, dict) else {}
        reading = _Reading(self)
        for key, name in (("trigger", "when"), ("guard", "key")):
            sees = Sees(hidden=_HIDDEN_OF_TRIGGER)
            reading.condition(_mapping(raw.get(key)).get(name), (key, name), sees)
        known: frozenset[str] = frozenset()
        for name, value in _mapping(raw.get("vars")).items():
            reading.texts(value, ("vars", name), Sees(known, hidden=_HIDDEN_OF_VARS))
            known |= {name}
        sections = {}
        sections[STEPS], sees = reading.steps(raw.get(STEPS), (STEPS,), Sees(known))
        reading.texts(_mapping(raw.get("answer")), ("answer",), sees.without_secrets())
        for name in AFTER_STEPS:
            sections[name], sees = reading.steps(raw.get(name), (name,), sees)
        conditions, templates = reading.conditions, reading.templates
        asking = _by_root([*conditions, *templates])
        return Subject(marked, raw, conditions, templates, sections, asking)

    def step_type(self, key: str | None) -> StepType[Any] | None:
        return None if key is None else self._step_types.get(key)

    def key_of(self, raw: Mapping[str, Any]) -> str | None:
        """The key that says what a step does, if there is one and no other."""
        keys = [key for key in raw if key in self._step_types or key in (PARALLEL, CALL)]
        return keys[0] if len(keys) == 1 else None

    def parameters(self, step_type: StepType[Any], tree: Mapping[str, Any]) -> Any:
        """The tree as the step type reads it; None where it is wrong: the loader tells of it."""
        try:
            return step_type.parameters.model_validate(tree, context=self._conditions)
        except ValidationError:
            return None

    def condition(self, text: str) -> tuple[Condition, Asked] | None:
        try:
            condition = self._conditions.parse(text)
        except ConditionSyntaxError:
            return None
        if text not in self._asked_by:
            self._asked_by[text] = asked_by(condition)
        return condition, self._asked_by[text]

    def template(self, text: str) -> tuple[Template, AskedByTemplate] | None:
        if not self._templates.is_template(text):
            return None
        try:
            template = self._templates.parse(text)
        except TemplateSyntaxError:
            return None
        if text not in self._asked_by_template:
            self._asked_by_template[text] = asked_by_template(template)
        return template, self._asked_by_template[text]


class _Reading:
    """One file on its way."""

    def __init__(self, reader: SubjectReader) -> None:
        self._reader = reader
        self.conditions: list[PlacedCondition] = []
        self.templates: list[PlacedTemplate] = []

    def condition(self, text: Any, path: Path, sees: Sees, step: FileStep | None = None) -> None:
        read = self._reader.condition(text) if isinstance(text, str) else None
        if read is not None:
            self.conditions.append(PlacedCondition(path, *read, sees, step))

    def texts(self, value: Any, path: Path, sees: Sees, step: FileStep | None = None) -> Any:
        """The value with a Template in the place of every text that is one."""
        if isinstance(value, dict):
            return {key: self.texts(one, (*path, key), sees, step) for key, one in value.items()}
        if isinstance(value, list):
            return [self.texts(one, (*path, at), sees, step) for at, one in enumerate(value)]
        read = self._reader.template(value) if isinstance(value, str) else None
        if read is None:
            return value
        self.templates.append(PlacedTemplate(path, *read, sees, step))
        return read[0]

    def steps(self, raw: Any, path: Path, sees: Sees) -> tuple[tuple[FileStep, ...], Sees]:
        """The steps of a list, and what those behind it see."""
        found: list[FileStep] = []
        for at, item in enumerate(raw if isinstance(raw, list) else []):
            if isinstance(item, dict):
                step, sees = self._step(item, (*path, at), sees)
                found.append(step)
        return tuple(found), sees

    def _step(self, raw: Mapping[str, Any], path: Path, sees: Sees) -> tuple[FileStep, Sees]:
        key = self._reader.key_of(raw)
        step_type = self._reader.step_type(key)
        step = FileStep(path, raw, key, step_type)
        after = sees
        if key == PARALLEL:
            branches = []
            for branch, place in _branches(raw[key], (*path, key)):
                steps, seen = self.steps(branch, place, sees)
                branches.append(steps)
                after = Sees(after.variables | seen.variables, {**after.steps, **seen.steps})
            step = replace(step, branches=tuple(branches))
        elif step_type is not None:
            step, set_here = self._with_parameters(step, raw[str(key)], (*path, str(key)), sees)
            if set_here:
                after = Sees(after.variables | set_here, after.steps, after.hidden)
        elif key is not None:
            self.texts(raw[key], (*path, key), sees.without_secrets(), step)
        self._conditions_of(step, sees)
        if step.id is not None:
            after = Sees(after.variables, {**after.steps, step.id: step}, after.hidden)
        return step, after

    def _conditions_of(self, step: FileStep, sees: Sees) -> None:
        raw, path = step.raw, step.path
        for name in _ON_DOCUMENT:
            if name in raw:
                self.condition(raw[name], (*path, name), sees.without_secrets(), step)
        if "output" in raw:
            of_result = Sees(result=step.own_result)
            self.condition(raw["output"], (*path, "output"), of_result, step)
        if "until" in raw:
            until = _mapping(raw["until"]).get("condition")
            kept = Sees(result=ANY if "output" in raw else step.own_result)
            self.condition(until, (*path, "until", "condition"), kept, step)

    def _with_parameters(
        self, step: FileStep, raw: Any, path: Path, sees: Sees
    ) -> tuple[FileStep, frozenset[str]]:
        """The step with its parameters, and the names that it sets."""
        step_type = step.step_type
        if step_type is None:
            return step, frozenset()
        model = step_type.parameters
        short = model.shorthand if not isinstance(raw, dict) else None
        given: dict[str, Any] = raw if isinstance(raw, dict) else {str(short): raw}
        tree = {}
        for name, value in given.items():
            place = path if short is not None else (*path, name)
            constant = name in model.constants
            tree[name] = value if constant else self.texts(value, place, sees, step)
        parameters = self._reader.parameters(step_type, tree)
        step = FileStep(step.path, step.raw, step.key, step_type, tree, parameters)
        for name in self._reader.conditions_in[str(step.key)] & given.keys():
            self.condition(given[name], (*path, name), Sees(result=step.own_result), step)
        return step, frozenset(given) if step.key == SET else frozenset()


def _conditions(model: type[Parameters]) -> frozenset[str]:
    fields = model.model_fields
    return frozenset(one for one in model.constants if _is_condition(fields[one].annotation))


def _is_condition(annotation: Any) -> bool:
    return annotation is Condition or any(_is_condition(one) for one in get_args(annotation))


def _by_root(placed: Sequence[Placed]) -> Mapping[str, Sequence[tuple[Placed, Mention]]]:
    found: dict[str, list[tuple[Placed, Mention]]] = defaultdict(list)
    for one in placed:
        for mention in one.mentions if one.sees.result is None else ():
            match mention.path:
                case (root, name) if root not in one.sees.hidden and name not in (ELEMENT, VALUE):
                    found[root].append((one, mention))
    return found


def _branches(raw: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    given, place = (raw, path) if isinstance(raw, list) else (None, path)
    if isinstance(raw, dict):
        given, place = raw.get("branches"), (*path, "branches")
    for at, branch in enumerate(given if isinstance(given, list) else []):
        yield branch, (*place, at)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
