"""Reads the steps of a file: each is one step type's key beside keys that all steps have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.calling import CALL, CallSite
from engine.playbooks.complaints import complaints, located
from engine.playbooks.playbook import NO_EXAMPLE, Foreach, OnInterrupt, Retry, Section, Step, Until
from engine.playbooks.reading import IN_CALL, IN_STEPS, IN_WHEN, OF_AN_ITEM, Reading
from engine.playbooks.step_schema import COMMON_KEYS, CallModel, CommonModel, ParallelModel
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Templates
from engine.problem import nearest
from engine.rules.conditions import Conditions

PARALLEL: Final = "parallel"
# What holds for one thing that is done, and not for several that are.
_NOT_FOR_SEVERAL: Final = (
    *("retry", "until", "timeout", "foreach", "output", "on_interrupt", "example"),
)
# Of these there is nothing to look at a second time.
_DONE_ONCE: Final = ("wait", "set", "stop", "approve")


class StepReader(Reading):
    """Reads steps of the given step types."""

    def __init__(
        self,
        marked: MarkedYaml,
        step_types: Mapping[str, StepType[Any]],
        templates: Templates,
        conditions: Conditions,
    ) -> None:
        super().__init__(marked, templates, conditions)
        self._step_types = step_types
        self._known = (*step_types, PARALLEL, CALL, *COMMON_KEYS)
        self._ids: dict[str, Path] = {}
        self.calls: list[CallSite] = []

    def section(self, raw: Any, section: Section) -> tuple[Step, ...]:
        """The steps of one of the three lists."""
        return self._steps(raw, (section.value,), section.value)

    def _steps(self, raw: Any, path: Path, at: str) -> tuple[Step, ...]:
        """`path` is where they stand in the file, `at` what the flow calls that place."""
        if not isinstance(raw, list):
            return ()
        read = [self._step(item, (*path, i), f"{at}/{i}") for i, item in enumerate(raw)]
        return tuple(step for step in read if step is not None)

    def _step(self, raw: Any, path: Path, at: str) -> Step | None:
        if not isinstance(raw, dict):
            hint = "such as `- wait: 30s` or `- shell: [ls, /tmp]`"
            self.problem("not-a-step", "a step is a mapping", path, hint)
            return None
        types = self._types_of(raw, path)
        given = {key: value for key, value in raw.items() if key in COMMON_KEYS}
        common = self.check(CommonModel, given, path)
        if common is not None:
            self._check_common(common, given, types, path)
        of_item = OF_AN_ITEM if "foreach" in raw else frozenset[str]()
        branches: tuple[tuple[Step, ...], ...] | None = ()
        fast = True
        trees: list[dict[str, Any] | None] = []
        for key in types:
            if key == PARALLEL:
                branches, fast = self._parallel(raw[key], (*path, key), at)
                trees.append(None if branches is None else {})
            elif key == CALL:
                trees.append(self._call(raw[key], (*path, key), of_item))
            else:
                trees.append(self._parameters(key, raw[key], (*path, key), of_item))
        if common is None or len(types) != 1 or trees[0] is None or branches is None:
            return None
        return Step(
            path=at,
            type=types[0],
            parameters=trees[0],
            id=common.id,
            name=common.name,
            when=common.when,
            retry=Retry(**common.retry.model_dump()) if common.retry else Retry(),
            timeout=common.timeout,
            continue_on_error=common.continue_on_error,
            example=raw.get("example", NO_EXAMPLE),
            until=None
            if common.until is None
            else Until(common.until.condition, common.until.every, common.until.for_),
            foreach=None
            if common.foreach is None
            else Foreach(common.foreach, common.max_parallel),
            on_interrupt=None if common.on_interrupt is None else OnInterrupt(common.on_interrupt),
            output=common.output,
            branches=branches,
            fail_fast=fast,
        )

    def _types_of(self, raw: dict[str, Any], path: Path) -> list[str]:
        types = [key for key in raw if key in self._step_types or key in (PARALLEL, CALL)]
        for key in raw:
            if key not in self._known:
                said = f"there is no key '{key}' in a step"
                hint = self._inside(key, types) or nearest(key, self._known)
                self.problem("unknown-key", said, (*path, key), hint, at_key=True)
        if len(types) > 1:
            named = " and ".join(f"'{key}'" for key in types)
            said = f"a step does one thing; this one has {named}"
            self.problem(
                "two-step-types", said, (*path, types[1]), "make them two steps", at_key=True
            )
        elif not types and len(raw) == sum(key in COMMON_KEYS for key in raw):
            hint = f"give it one of: {', '.join((*self._step_types, PARALLEL, CALL))}"
            self.problem("no-step-type", "this step does nothing", path, hint)
        return types

    def _inside(self, key: str, types: Sequence[str]) -> str | None:
        """Where a key belongs that is one of what the step does, and stands beside it."""
        for type_ in types:
            fields = (
                self._step_types[type_].parameters.model_fields if type_ in self._step_types else {}
            )
            if key in {field.alias or name for name, field in fields.items()}:
                return f"it belongs inside '{type_}': {type_}: {{..., {key}: ...}}"
        return None

    def _check_common(
        self, common: CommonModel, given: dict[str, Any], types: list[str], path: Path
    ) -> None:
        """What the keys of a step have to do with each other."""
        for key in ("when", "foreach"):
            condition = getattr(common, key)
            if condition is not None:
                self.check_names(condition, (*path, key), IN_WHEN)
        # What `set` sets may have any name; and `until` sees what `output` made of the result.
        if common.output is not None and "set" not in types and CALL not in types:
            self.check_result_names(common.output, (*path, "output"), "output")
        if common.until is not None and common.output is None:
            where = (*path, "until", "condition")
            self.check_result_names(common.until.condition, where, "until")
        if common.id is not None:
            self._take_id(common.id, (*path, "id"))
        for key, hint in dict(misplaced(given, types)).items():
            if key in given:
                said = f"'{key}' has no meaning here"
                self.problem("misplaced-key", said, (*path, key), hint, at_key=True)

    def _parallel(
        self, raw: Any, path: Path, at: str
    ) -> tuple[tuple[tuple[Step, ...], ...] | None, bool]:
        short = isinstance(raw, list)
        if not short and not isinstance(raw, dict):
            said = "'parallel' takes a list of branches, each of them a list of steps"
            self.problem("wrong-value", said, path, None)
            return None, True
        given = {"branches": raw} if short else raw
        model = self.check(ParallelModel, given, path, unwritten=1 if short else 0)
        if model is None:
            return None, True
        place = path if short else (*path, "branches")
        branches = tuple(
            self._steps(branch, (*place, number), f"{at}[{number}]")
            for number, branch in enumerate(model.branches)
        )
        return branches, model.fail == "fast"

    def _call(self, raw: Any, path: Path, more: frozenset[str]) -> dict[str, Any] | None:
        short = not isinstance(raw, dict)
        if short and not isinstance(raw, str):
            self.problem("wrong-value", "'playbook' takes a name or a mapping", path, None)
            return None
        given: dict[str, Any] = {"call": raw} if short else raw
        model = self.check(CallModel, given, path, unwritten=1 if short else 0)
        if model is None:
            return None
        inputs = self.compile(model.inputs, (*path, "inputs"), IN_CALL | more)
        self.calls.append(CallSite(path if short else (*path, "call"), model.call, inputs))
        return {"call": model.call, "inputs": inputs}

    def _parameters(
        self, key: str, raw: Any, path: Path, more: frozenset[str]
    ) -> dict[str, Any] | None:
        model = self._step_types[key].parameters
        short = model.shorthand if not isinstance(raw, dict) else None
        if not isinstance(raw, dict) and short is None:
            self.problem("wrong-value", f"'{key}' takes a mapping", path, None)
            return None
        value: dict[str, Any] = raw if short is None else {short: raw}

        def place(loc: Path) -> Path:
            return (*path, *(loc if short is None else loc[1:]))

        names = IN_STEPS | more
        tree = {
            name: item if name in model.constants else self.compile(item, place((name,)), names)
            for name, item in value.items()
        }
        try:
            parameters = model.model_validate(tree, context=self.conditions)
        except ValidationError as error:
            self.problems.extend(complaints(error, model, self.marked, place))
            return None
        found = [located(one, self.marked, place) for one in parameters.complaints()]
        self.problems.extend(found)
        return None if found else tree

    def _take_id(self, id_: str, path: Path) -> None:
        first = self._ids.setdefault(id_, path)
        if first != path:
            line = self.marked.locate(first).line
            said = f"the id '{id_}' is taken by the step of line {line}"
            self.problem("duplicate-id", said, path, "steps.<id> has to name one step")


def misplaced(given: Mapping[str, Any], types: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The keys that have no meaning in a step like this, and what to do instead."""
    if "foreach" not in given:
        yield "max_parallel", "it is for a step with `foreach`"
    if "until" in given:
        yield "retry", "`until` tries again by itself"
    if "stop" in types:
        yield "foreach", "a `stop` is done once"
    for type_ in types:
        if type_ in _DONE_ONCE:
            yield (
                "until",
                f"it is for what may come out differently next time, and `{type_}` may not",
            )
    if PARALLEL in types:
        yield from ((key, "give it to the steps of its branches") for key in _NOT_FOR_SEVERAL)
    if CALL in types:
        for key in _NOT_FOR_SEVERAL:
            if key != "foreach":
                yield key, "give it to the steps of the called playbook"
