"""The shape of a `*.test.yaml` file: the cases of one playbook, and what each of them expects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.marked_yaml.read import read_yaml
from engine.playbooks.complaints import complaints
from engine.playbooks.parameters import Duration, Flag, Model
from engine.problem import EngineError, Location, Problem, in_file_order

_MERGED: Final = ("set", "mocks", "config")


def _clock(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise PydanticCustomError(
            "clock",
            "a time is written like 2026-11-23T03:00:00Z, or is a number of Unix seconds",
            {"hint": "a time of the day needs its zone"},
        )
    return time.timestamp()


def _event(value: object) -> object:
    if isinstance(value, str | dict) and value:
        return value
    raise PydanticCustomError(
        "event",
        "an event is the name of a sample, {file: press.json}, or the body itself",
        {"hint": "`engine samples list` has the names"},
    )


def _lane(value: object) -> object:
    return {"decision": value} if isinstance(value, str) else value


class GivenModel(Model):
    """What a case begins with. At the top of the file: what all its cases begin with."""

    event: Annotated[
        str | dict[str, Any] | None,
        BeforeValidator(_event),
        Field(default=None, description="A sample's name, {file: ...}, or a body"),
    ]
    action: Annotated[
        str | None, Field(default=None, description="The button; default: that of the trigger")
    ]
    type: Annotated[str | None, Field(default=None, description="The event's type, in its place")]
    set: Annotated[
        dict[str, Any], Field(default_factory=dict, description="Changes of the body, by path")
    ]
    mocks: Annotated[
        dict[str, Any], Field(default_factory=dict, description="What comes back, by step")
    ]
    config: Annotated[
        dict[str, Any], Field(default_factory=dict, description="Constants, over config.yaml's")
    ]
    secrets: Annotated[
        list[str],
        Field(
            default_factory=list, description="Names beside config.yaml's; each is shown as $NAME"
        ),
    ]
    clock: Annotated[
        float | None,
        BeforeValidator(_clock),
        Field(default=None, description="When it arrives; default: when it happened"),
    ]
    stale: Annotated[Flag, Field(description="Whether a newer event came before it")] = False
    own: Annotated[Flag, Field(description="Whether the engine itself caused it")] = False


class EarlierModel(Model):
    """A run that the guard knows of."""

    state: Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled"]
    ago: Annotated[
        Duration, Field(description="Since it ended; of one that has not: since it came")
    ]
    key: Annotated[Any, Field(default=None, description="Default: that of the case's own run")]


class LaneModel(Model):
    """What the guard makes of the run."""

    decision: Literal["start", "queue", "skip", "restart"]
    reason: Annotated[str | None, Field(default=None, description="A part of it")]
    key: Annotated[Any, Field(default=None, description="What the run acts on")]


class ExpectModel(Model):
    """What is compared: nothing but what is named."""

    verdict: Literal["yes", "no", "cannot tell"] | None = None
    lane: Annotated[LaneModel | None, BeforeValidator(_lane)] = None
    state: Literal["succeeded", "failed", "cancelled", "skipped"] | None = None
    reason: Annotated[str | None, Field(default=None, description="A part of it")]
    steps: Annotated[
        list[str] | None, Field(default=None, description="Those that are performed, in order")
    ]
    attempts: Annotated[dict[str, int] | None, Field(default=None, description="How many, by step")]
    rendered: Annotated[
        dict[str, dict[str, Any]] | None,
        Field(default=None, description="By step: JMESPath over what goes out, and its value"),
    ]
    comments: Annotated[
        list[str] | None, Field(default=None, description="Written to the incident, in order")
    ]
    answer: Annotated[
        dict[str, Any] | None, Field(default=None, description="Labels; null: left out")
    ]
    took: Annotated[Duration | None, Field(default=None, description="By the run's own clock")]


class CaseModel(GivenModel):
    """One event, what comes back, and what has to come of it."""

    name: Annotated[str, Field(min_length=1)]
    inputs: Annotated[
        dict[str, Any] | None,
        Field(default=None, description="As if another playbook called it with these"),
    ]
    earlier: Annotated[
        list[EarlierModel], Field(default_factory=list, description="Runs before this one")
    ]
    expect: ExpectModel

    @field_validator("expect")
    @classmethod
    def _something(cls, value: ExpectModel) -> ExpectModel:
        if not value.model_fields_set:
            raise PydanticCustomError(
                "expects-nothing", "a case that expects nothing shows nothing", {}
            )
        return value


class ScenarioModel(GivenModel):
    """The file."""

    playbook: Annotated[
        str | None, Field(default=None, description="Its file; default: the one of the same name")
    ]
    cases: Annotated[list[CaseModel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Case:
    """One case with what it shares with the others; `at` is where it stands in the file."""

    at: Path
    model: CaseModel
    marked: MarkedYaml

    @property
    def location(self) -> Location:
        """Of its name."""
        return self.marked.locate((*self.at, "name"))

    def place(self, path: Path) -> Path:
        """Where a key of it stands: in the case, or at the top of the file."""
        own = (*self.at, *path)
        return own if own in self.marked.values or path not in self.marked.values else path


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """The cases of one playbook."""

    marked: MarkedYaml
    model: ScenarioModel

    @property
    def cases(self) -> Iterator[Case]:
        """What a case says stands before what the file says for all of them."""
        for number, case in enumerate(self.model.cases):
            shared = {
                name: getattr(self.model, name)
                for name in GivenModel.model_fields
                if name in self.model.model_fields_set and name not in case.model_fields_set
            }
            merged: Mapping[str, Any] = {
                name: {**getattr(self.model, name), **getattr(case, name)} for name in _MERGED
            }
            update = {**shared, **merged}
            yield Case(("cases", number), case.model_copy(update=update), self.marked)


def read_scenarios(text: str, file: str) -> ScenarioFile:
    """A test file. Raises EngineError with every problem, in file order."""
    marked = read_yaml(text, file)
    if not isinstance(marked.value, dict):
        said = "the file is empty" if marked.value is None else "a test file is a mapping"
        hint = "begin with `cases:`, a list of {name, expect}"
        raise EngineError(Problem("not-a-test", said, marked.locate(()), hint))
    try:
        model = ScenarioModel.model_validate(marked.value)
    except ValidationError as error:
        found = complaints(error, ScenarioModel, marked, lambda loc: loc)
        raise EngineError(*in_file_order(found)) from None
    return ScenarioFile(marked, model)
