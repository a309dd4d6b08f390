"""From the text of a YAML file to a playbook, or to every problem that keeps it from being one.

The same loader serves `engine serve`, `engine lint` and every rehearsal.
"""

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from engine.events.document import NAMES
from engine.marked_yaml.mark import MarkedYaml, Path
from engine.marked_yaml.read import read_yaml
from engine.playbooks.answer import half_an_answer
from engine.playbooks.complaints import complaints, located
from engine.playbooks.playbook import NO_EXAMPLE, Playbook, Retry, Section, Step
from engine.playbooks.schema import COMMON_KEYS, LATER_KEYS, CommonModel, PlaybookModel
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Templates, TemplateSyntaxError
from engine.problem import EngineError, Problem, in_file_order, nearest
from engine.rules.condition import Condition
from engine.rules.match import Trigger

M = TypeVar("M", bound=BaseModel)

_JINJA_GLOBALS: Final = frozenset({"range", "dict", "lipsum", "cycler", "joiner", "namespace"})
_IN_STEPS: Final = frozenset({*NAMES, "secrets", *_JINJA_GLOBALS})
_IN_VARS: Final = _IN_STEPS - {"secrets", "steps"}
_IN_ANSWER: Final = _IN_STEPS - {"secrets"}
_IN_WHEN: Final = frozenset(NAMES)
_IN_TRIGGER: Final = _IN_WHEN - {"vars", "steps", "run"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a set of files: the good playbooks, and the problems of the others."""

    playbooks: tuple[Playbook, ...]
    problems: tuple[Problem, ...]


class Loader:
    """Reads playbooks whose steps are of the given step types."""

    def __init__(self, step_types: Mapping[str, StepType[Any]]) -> None:
        self._step_types = step_types
        self._templates = Templates()

    def load(self, text: str, file: str) -> Playbook:
        """Raises EngineError with every problem, in file order."""
        reading = _Reading(read_yaml(text, file), self._step_types, self._templates)
        playbook = reading.playbook(text)
        if reading.problems or playbook is None:
            raise EngineError(*in_file_order(reading.problems))
        return playbook

    def load_all(self, files: Iterable[tuple[str, str]]) -> Loaded:
        """Load (name, text) pairs. A bad file leaves the good ones alone; a name may stand once."""
        playbooks: dict[str, Playbook] = {}
        problems: list[Problem] = []
        for file, text in files:
            try:
                playbook = self.load(text, file)
            except EngineError as error:
                problems.extend(error.problems)
                continue
            first = playbooks.setdefault(playbook.name, playbook)
            if first is not playbook:
                where = read_yaml(text, file).locate(("name",))
                problems.append(
                    Problem(
                        "duplicate-name",
                        f"the name '{playbook.name}' is taken",
                        where,
                        f"{first.file} has it; runs are told apart by it",
                    )
                )
        return Loaded(tuple(playbooks.values()), in_file_order(problems))


class _Reading:
    """One file on its way to a playbook; collects problems instead of stopping at the first."""

    def __init__(
        self, marked: MarkedYaml, step_types: Mapping[str, StepType[Any]], templates: Templates
    ) -> None:
        self._marked = marked
        self._step_types = step_types
        self._templates = templates
        self._ids: dict[str, Path] = {}
        self.problems: list[Problem] = []

    def playbook(self, text: str) -> Playbook | None:
        raw = self._marked.value
        if not isinstance(raw, dict):
            what = "the file is empty" if raw is None else "a playbook is a mapping"
            self._problem("not-a-playbook", what, (), "begin with `name:`, `trigger:` and `steps:`")
            return None
        late = {key for key in raw if key in LATER_KEYS}
        self._refuse_later(late, ())
        head = self._check(PlaybookModel, {k: v for k, v in raw.items() if k not in late}, ())
        if head is not None and head.trigger.when is not None:
            self._check_names(head.trigger.when, ("trigger", "when"), _IN_TRIGGER)
        sections = {section: self._steps(raw.get(section.value), section) for section in Section}
        variables = raw.get("vars")
        if isinstance(variables, dict):
            variables = self._compile(variables, ("vars",), _IN_VARS)
        answer = raw.get("answer")
        if isinstance(answer, dict):
            answer = self._compile(answer, ("answer",), _IN_ANSWER)
        half = half_an_answer(self._marked)
        if half is not None:
            self.problems.append(half)
        if head is None or self.problems:
            return None
        trigger = head.trigger
        return Playbook(
            name=head.name,
            description=head.description.strip(),
            trigger=Trigger(
                events=tuple(trigger.events),
                action=trigger.action,
                when=trigger.when,
                stale=None if trigger.stale is None else trigger.stale == "run",
                own=trigger.own,
                reconcile=trigger.reconcile,
                max_age=trigger.max_age,
                answers=trigger.answer is not None,
            ),
            variables=variables or {},
            timeout=head.timeout,
            steps=sections[Section.STEPS],
            on_failure=sections[Section.ON_FAILURE],
            finally_=sections[Section.FINALLY],
            file=self._marked.file,
            text=text,
            version=hashlib.sha256(text.encode()).hexdigest()[:12],
            answer=answer,
        )

    def _steps(self, raw: Any, section: Section) -> tuple[Step, ...]:
        if not isinstance(raw, list):
            return ()
        read = (self._step(item, (section.value, index)) for index, item in enumerate(raw))
        return tuple(step for step in read if step is not None)

    def _step(self, raw: Any, path: Path) -> Step | None:
        if not isinstance(raw, dict):
            self._problem(
                "not-a-step",
                "a step is a mapping",
                path,
                "such as `- wait: 30s` or `- shell: [ls, /tmp]`",
            )
            return None
        types = [key for key in raw if key in self._step_types]
        known = (*self._step_types, *COMMON_KEYS)
        late = {key for key in raw if key in LATER_KEYS}
        self._refuse_later(late, path)
        for key in raw:
            if key not in known and key not in late:
                self._problem(
                    "unknown-key",
                    f"there is no key '{key}' in a step",
                    (*path, key),
                    nearest(key, known),
                    at_key=True,
                )
        if len(types) > 1:
            named = " and ".join(f"'{key}'" for key in types)
            self._problem(
                "two-step-types",
                f"a step does one thing; this one has {named}",
                (*path, types[1]),
                "make them two steps",
                at_key=True,
            )
        elif not types and len(raw) == sum(key in COMMON_KEYS for key in raw):
            self._problem(
                "no-step-type",
                "this step does nothing",
                path,
                f"give it one of: {', '.join(self._step_types)}",
            )
        common = self._check(
            CommonModel, {key: value for key, value in raw.items() if key in COMMON_KEYS}, path
        )
        if common is not None and common.when is not None:
            self._check_names(common.when, (*path, "when"), _IN_WHEN)
        if common is not None and common.id is not None:
            self._take_id(common.id, (*path, "id"))
        trees = [self._parameters(key, raw[key], (*path, key)) for key in types]
        if common is None or len(types) != 1 or trees[0] is None:
            return None
        retry = common.retry
        return Step(
            path="/".join(str(part) for part in path),
            type=types[0],
            parameters=trees[0],
            id=common.id,
            name=common.name,
            when=common.when,
            retry=Retry(**retry.model_dump()) if retry else Retry(),
            timeout=common.timeout,
            continue_on_error=common.continue_on_error,
            example=raw.get("example", NO_EXAMPLE),
        )

    def _parameters(self, key: str, raw: Any, path: Path) -> dict[str, Any] | None:
        model = self._step_types[key].parameters
        short = model.shorthand if not isinstance(raw, dict) else None
        if not isinstance(raw, dict) and short is None:
            self._problem("wrong-value", f"'{key}' takes a mapping", path, None)
            return None
        value: dict[str, Any] = raw if short is None else {short: raw}

        def place(loc: Path) -> Path:
            return (*path, *(loc if short is None else loc[1:]))

        tree = {
            name: item
            if name in model.constants
            else self._compile(item, place((name,)), _IN_STEPS)
            for name, item in value.items()
        }
        try:
            parameters = model.model_validate(tree)
        except ValidationError as error:
            self.problems.extend(complaints(error, model, self._marked, place))
            return None
        found = [located(one, self._marked, place) for one in parameters.complaints()]
        self.problems.extend(found)
        return None if found else tree

    def _compile(self, value: Any, path: Path, names: frozenset[str]) -> Any:
        """Every text with a template in it becomes a Template."""
        if isinstance(value, dict):
            return {key: self._compile(item, (*path, key), names) for key, item in value.items()}
        if isinstance(value, list):
            return [self._compile(item, (*path, index), names) for index, item in enumerate(value)]
        if not isinstance(value, str) or not self._templates.is_template(value):
            return value
        try:
            template = self._templates.parse(value)
        except TemplateSyntaxError as error:
            where = self._marked.locate_in(path, error.offset)
            self.problems.append(Problem("template-syntax", error.message, where, error.hint))
            return value
        for name in sorted(template.names - names):
            where = self._marked.locate_in(path, self._templates.offset_of(name, value))
            hint = nearest(name, tuple(names - _JINJA_GLOBALS))
            if name in _IN_STEPS:
                hint = f"steps can use '{name}', {path[0]} cannot"
            elif f"-{name}" in value:
                hint = "a key with a dash is read as labels['k8s-app']"
            self.problems.append(
                Problem("unknown-name", f"there is nothing named '{name}' here", where, hint)
            )
        return template

    def _check(self, model: type[M], value: dict[str, Any], path: Path) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            found = complaints(error, model, self._marked, lambda loc: (*path, *loc))
            self.problems.extend(found)
            return None

    def _check_names(self, condition: Condition, path: Path, names: frozenset[str]) -> None:
        """A name that is nowhere is null, and a condition on it is never what one meant."""
        for name, offset in condition.roots:
            if name in names:
                continue
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
            hint = f"did you mean '{near[0]}'?" if near else f"a text is quoted so: '{name}'"
            if name in _IN_STEPS:
                hint = (
                    "it is not known here yet" if name != "secrets" else "conditions see no secrets"
                )
            self.problems.append(
                Problem(
                    "unknown-name",
                    f"there is nothing named '{name}' here",
                    self._marked.locate_in(path, offset),
                    hint,
                )
            )

    def _take_id(self, id_: str, path: Path) -> None:
        first = self._ids.setdefault(id_, path)
        if first != path:
            line = self._marked.locate(first).line
            self._problem(
                "duplicate-id",
                f"the id '{id_}' is taken by the step of line {line}",
                path,
                "steps.<id> has to name one step",
            )

    def _refuse_later(self, keys: Iterable[str], path: Path) -> None:
        for key in keys:
            self._problem(
                "not-yet",
                f"'{key}' is not carried out by this version",
                (*path, key),
                "remove it, or wait for the version that does",
                at_key=True,
            )

    def _problem(
        self, code: str, message: str, path: Path, hint: str | None, *, at_key: bool = False
    ) -> None:
        where = self._marked.locate_key(path) if at_key else self._marked.locate(path)
        self.problems.append(Problem(code, message, where, hint))
