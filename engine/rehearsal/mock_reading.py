"""Reads mocks as people write them: by a step's name, what comes back.

A result, a list for one attempt after another, or a mapping that says what goes wrong. Of a step
with `foreach`: one for all items, a list with one for each, or a mapping by their places.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.complaints import complaints
from engine.playbooks.parameters import Duration, Model
from engine.playbooks.playbook import Playbook, Step
from engine.playbooks.step_type import StepType
from engine.problem import Problem, nearest
from engine.rehearsal.mocks import Fails, IsUnknown, Mock, Mocks, Returns, TimesOut
from engine.rehearsal.naming import StepNames

_ENDINGS: Final = ("fail", "timeout", "unknown")


class MockModel(Model):
    """What comes back where that is more than a result."""

    fail: Annotated[str | None, Field(default=None, min_length=1, description="Why it fails")]
    timeout: Annotated[Literal[True] | None, Field(default=None, description="Nothing comes back")]
    unknown: Annotated[
        Literal[True] | None,
        Field(default=None, description="Nobody knows whether it took effect"),
    ]
    result: Annotated[Any, Field(default=None, description="What comes back")]
    takes: Annotated[Duration, Field(description="How long the attempt takes")] = 0.0

    @field_validator("timeout", "unknown")
    @classmethod
    def _one_ending(cls, value: object, info: ValidationInfo) -> object:
        other = next((name for name in _ENDINGS if info.data.get(name) is not None), None)
        if value is not None and other is not None:
            raise PydanticCustomError(
                "two-endings",
                "an attempt ends once; this one has '{other}' and '{name}'",
                {"other": other, "name": info.field_name, "of_key": True},
            )
        return value

    def mock(self, result: Mapping[str, Any] | None) -> Mock:
        """What it says; `result` is its `result`, whole."""
        if self.fail is not None:
            return Mock(Fails(self.fail, result), self.takes)
        if self.timeout is not None:
            return Mock(TimesOut(), self.takes)
        if self.unknown is not None:
            said = "nobody knows whether it took effect"
            return Mock(IsUnknown(said, result), self.takes)
        return Mock(Returns(result or {}), self.takes)


class MockReader:
    """Reads the mocks for one playbook, which stand at a place of a file. Collects problems."""

    def __init__(
        self, marked: MarkedYaml, playbook: Playbook, step_types: Mapping[str, StepType[Any]]
    ) -> None:
        self.names = StepNames.of(playbook)
        self.problems: list[Problem] = []
        self._marked = marked
        self._step_types = step_types

    def read(self, given: Mapping[str, Any], at: Path) -> Mocks:
        """The mocks; those that have a problem are left out."""
        attempts: dict[str, tuple[Mock, ...]] = {}
        for name, value in given.items():
            path = self.names.path(name)
            named = None if path is None else self.names.at(path)
            if path is None or named is None:
                self.problems.append(no_such_step(name, (*at, name), self._marked, self.names))
                continue
            if (said := does_nothing(named.step)) is not None:
                where = self._marked.locate_key((*at, name))
                hint = "mock the steps that are in it"
                self.problems.append(Problem("nothing-to-mock", said, where, hint))
                continue
            items = _by_item(value) if path == named.step.path and named.step.foreach else None
            if items is None:
                attempts[path] = tuple(self._attempts(value, (*at, name), named.step))
            for index, item, key in items or ():
                found = self._attempts(item, (*at, name, key), named.step)
                attempts[f"{path}[{index}]"] = tuple(found)
        return Mocks(self.names, {path: mocks for path, mocks in attempts.items() if mocks})

    def _attempts(self, value: Any, at: Path, step: Step) -> Iterator[Mock]:
        if not isinstance(value, list):
            yield from self._mock(value, at, step)
            return
        for index, one in enumerate(value):
            yield from self._mock(one, (*at, index), step)

    def _mock(self, value: Any, at: Path, step: Step) -> Iterator[Mock]:
        if not isinstance(value, dict) or not MockModel.model_fields.keys() & value.keys():
            result = self._result(value, at, step)
            if result is not None:
                yield Mock(Returns(result))
            return
        model = self._checked(MockModel, value, at)
        if model is None:
            return
        result = None
        if "result" in value or not any(getattr(model, name) for name in _ENDINGS):
            result = self._result(value.get("result", {}), (*at, "result"), step)
            if result is None:
                return
        yield model.mock(result)

    def _result(self, value: Any, at: Path, step: Step) -> dict[str, Any] | None:
        outside = self._step_types[step.type].outside
        if outside is None:
            said = f"nothing comes back to `{step.type}` from outside: it has no result to mock"
            hint = "{fail: ...} makes it fail"
        elif not isinstance(value, dict):
            said = f"what comes back to `{step.type}` is a mapping"
            hint = f"its keys: {', '.join(_keys(outside.result))}"
        else:
            model = self._checked(outside.result, value, at)
            return None if model is None else model.whole()
        self.problems.append(Problem("not-a-result", said, self._marked.locate(at), hint))
        return None

    def _checked(self, model: type[Any], value: dict[str, Any], at: Path) -> Any:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            found = complaints(error, model, self._marked, lambda loc: (*at, *loc))
            self.problems.extend(found)
            return None


def does_nothing(step: Step) -> str | None:
    """What to say of a step to which nothing comes back itself."""
    if step.branches or step.called is not None:
        return f"a `{step.type}` does nothing itself"
    return None


def no_such_step(name: str, at: Path, marked: MarkedYaml, names: StepNames) -> Problem:
    """What to say of a name that no step has; `at` is where it stands, as a key or as a value."""
    where = marked.locate_key(at) if at[-1] == name else marked.locate(at)
    return Problem("no-such-step", f"no step is called '{name}'", where, nearest(name, names.known))


def _by_item(value: Any) -> list[tuple[int, Any, str | int]] | None:
    """Place, mock and key of each item, where they are told apart."""
    if isinstance(value, list):
        return [(index, item, index) for index, item in enumerate(value)]
    if isinstance(value, dict) and value and all(key.isdecimal() for key in value):
        return [(int(key), item, key) for key, item in value.items()]
    return None


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
