"""The shape of a playbook file: what pydantic checks of it, and what an editor may offer."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from engine.playbooks.answer import Labels
from engine.playbooks.guard import QUEUE_MAX, QUEUE_TTL, Rate
from engine.playbooks.parameters import ConditionField, Duration, Flag, Model
from engine.playbooks.units import parse_duration

HOUR: Final = 3600.0

NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$"
IDENTIFIER: Final = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"
Name = Annotated[str, Field(pattern=NAME)]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


_RATE = re.compile(r"([1-9][0-9]{0,5}) per (\S+)")


def _rate(value: object) -> Rate:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is not None:
            return Rate(int(match[1]), parse_duration(match[2]))
    except ValueError as error:
        raise PydanticCustomError("rate", "{said}", {"said": str(error)}) from None
    given = f", not {value!r}" if isinstance(value, str | int | float) else ""
    raise PydanticCustomError("rate", "a rate is written like 5 per 1h{given}", {"given": given})


def _branch(value: object) -> object:
    if isinstance(value, list) and value:
        return value
    said = "is empty" if value == [] else "is a list of steps"
    hint = "such as `- - wait: 30s`: a list in the list"
    raise PydanticCustomError(
        "not-a-branch", "a branch of `parallel` {said}", {"said": said, "hint": hint}
    )


Branch = Annotated[list[Any], BeforeValidator(_branch)]


class TriggerModel(Model):
    """Which events start the playbook. What is left out means any."""

    events: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(default_factory=list, description="Event types, such as i_custom or i_new"),
    ]
    action: Annotated[
        str | None,
        Field(default=None, description="The last part of /flashduty/actions/{action}"),
    ]
    when: Annotated[
        ConditionField | None,
        Field(default=None, description="A JMESPath condition on the event's document"),
    ]
    stale: Annotated[
        Literal["run", "skip"] | None,
        Field(
            default=None,
            description="What to do about an event that is older than the newest one of its "
            "incident; default: skip for webhooks, run for buttons",
        ),
    ]
    own: Annotated[
        Flag, Field(description="Whether events that the engine itself caused start it, too")
    ] = False
    reconcile: Annotated[
        Flag, Field(description="Whether events that were missed start it, once they are found")
    ] = False
    max_age: Annotated[
        Duration | None,
        Field(
            default=None,
            gt=0,
            description="How old an event may be; default: any, and 15m for missed ones",
        ),
    ]
    answer: Annotated[
        Literal["labels"] | None,
        Field(
            default=None,
            description="Take calls to /flashduty/labels/{action}, which wait for the `answer` "
            "of the playbook, and nothing else",
        ),
    ]


class GuardModel(Model):
    """What keeps the playbook from becoming a storm."""

    key: Annotated[
        ConditionField | None,
        Field(default=None, description="What a run acts on, in JMESPath: labels.resource"),
    ]
    concurrency: Annotated[
        Literal["single", "queue", "restart", "parallel"] | None,
        Field(default=None, description="Default: single with a key, parallel without"),
    ]
    max: Annotated[int | None, Field(default=None, ge=1, description="Of a parallel lane at once")]
    queue_max: Annotated[int, Field(ge=1, le=100_000)] = QUEUE_MAX
    queue_ttl: Annotated[Duration, Field(gt=0)] = QUEUE_TTL
    cooldown: Duration = 0.0
    rate: Annotated[Rate | None, BeforeValidator(_rate)] = None
    breaker: Annotated[int | None, Field(default=None, ge=1)]

    @field_validator("max", "queue_max", "queue_ttl")
    @classmethod
    def _for_its_mode(cls, value: object, info: ValidationInfo) -> object:
        """Each by itself, so that all that have no meaning are told at once."""
        if "key" not in info.data or "concurrency" not in info.data:
            return value  # what is wrong with these comes first
        mode = info.data["concurrency"] or ("parallel" if info.data["key"] is None else "single")
        wanted = "parallel" if info.field_name == "max" else "queue"
        if mode != wanted:
            raise PydanticCustomError(
                "guard-mode",
                "'{name}' has no meaning with concurrency {mode}",
                {
                    "name": info.field_name,
                    "mode": mode,
                    "hint": f"it is for concurrency: {wanted}",
                    "of_key": True,
                },
            )
        return value


class RetryModel(Model):
    """How a failed step is tried again."""

    attempts: Annotated[int, Field(ge=1, le=1000, description="All attempts, the first included")]
    delay: Duration = 1.0
    backoff: Annotated[float, Field(ge=1, le=100, description="What each delay grows by")] = 1.0
    max_delay: Duration | None = None


class UntilModel(Model):
    """How a step is performed again until its result is as it should be."""

    condition: ConditionField
    every: Annotated[Duration, Field(gt=0)] = 5.0
    for_: Annotated[Duration, Field(gt=0, alias="for")]


class ParallelModel(Model):
    """Lists of steps that go on side by side. A list of lists is short for `branches`."""

    branches: Annotated[list[Branch], Field(min_length=1)]
    fail: Literal["fast", "late"] = "fast"


class CallModel(Model):
    """Another playbook, carried out within this run. Its name alone is short for `call`."""

    call: Annotated[str, Field(min_length=1, description="The name of the other playbook")]
    inputs: Annotated[
        dict[str, Any],
        Field(default_factory=dict, description="What it declares under `inputs`, by name"),
    ]


class InputModel(Model):
    """What a playbook takes from whoever calls it."""

    type: Annotated[
        Literal["string", "number", "integer", "boolean", "array", "object"],
        Field(description="As JSON Schema names it"),
    ]
    default: Annotated[
        Any, Field(default=None, description="What it is where nobody gives it; none: it has to be")
    ]
    description: str = ""


def _on_resolved(value: object) -> object:
    if isinstance(value, list) or value in ("continue", "cancel"):
        return value
    given = f", not {value!r}" if isinstance(value, str | int | float) else ""
    said = "'on_resolved' is continue, cancel or a list of steps{given}"
    raise PydanticCustomError("wrong-value", said, {"given": given})


class CommonModel(Model):
    """The keys that every step can have beside its step type."""

    id: Annotated[Identifier | None, Field(default=None, description="Makes `steps.<id>`")]
    name: Annotated[str | None, Field(default=None, description="What people see")]
    when: ConditionField | None = None
    retry: RetryModel | None = None
    timeout: Annotated[Duration, Field(gt=0)] | None = None
    continue_on_error: Flag = False
    example: Annotated[Any, Field(default=None, description="A result for rehearsal")]
    until: UntilModel | None = None
    foreach: ConditionField | None = None
    max_parallel: Annotated[int, Field(ge=1, le=100)] = 1
    on_interrupt: Literal["retry", "fail", "ask"] | None = None
    output: ConditionField | None = None

    @field_validator("foreach", mode="before")
    @classmethod
    def _no_written_list(cls, value: object) -> object:
        if isinstance(value, list):
            raise PydanticCustomError(
                "condition-type",
                "`foreach` is a JMESPath text that names a list",
                {"hint": "put the list into `vars`, and write vars.NAME"},
            )
        return value

    @field_validator("when", mode="before")
    @classmethod
    def _no_plain_truth(cls, value: object) -> object:
        if isinstance(value, bool):
            raise PydanticCustomError(
                "condition-type",
                "a condition is a JMESPath text",
                {"hint": "leave `when` out to perform the step always"},
            )
        return value


class PlaybookModel(Model):
    """The keys of the file itself. Steps are read one by one, each by its step type."""

    name: Name
    description: str = ""
    trigger: TriggerModel
    guard: GuardModel | None = None
    inputs: Annotated[
        dict[Identifier, InputModel],
        Field(default_factory=dict, description="What it takes from a playbook that calls it"),
    ]
    on_resolved: Annotated[
        Literal["continue", "cancel"] | list[Any],
        BeforeValidator(_on_resolved),
        Field(
            description="What becomes of a run when its incident is closed meanwhile; steps end "
            "it, too, and are carried out before `finally`"
        ),
    ] = "continue"
    vars: Annotated[dict[Identifier, Any], Field(default_factory=dict)]
    answer: Annotated[
        Labels | None,
        Field(default=None, min_length=1, description="Labels for the call; null leaves one out"),
    ]
    timeout: Annotated[Duration, Field(gt=0)] = HOUR
    steps: Annotated[list[Any], Field(min_length=1)]
    on_failure: Annotated[list[Any], Field(default_factory=list)]
    finally_: Annotated[list[Any], Field(default_factory=list, alias="finally")]


COMMON_KEYS: Final = tuple(CommonModel.model_fields)
