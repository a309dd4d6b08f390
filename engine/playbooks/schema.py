"""The shape of a playbook file: what pydantic checks of it, and what an editor may offer."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from engine.playbooks.answer import Labels
from engine.playbooks.parameters import ConditionField, Duration, Flag, Model

HOUR: Final = 3600.0

NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$"
IDENTIFIER: Final = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"
Name = Annotated[str, Field(pattern=NAME)]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


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


class RetryModel(Model):
    """How a failed step is tried again."""

    attempts: Annotated[int, Field(ge=1, le=1000, description="All attempts, the first included")]
    delay: Duration = 1.0
    backoff: Annotated[float, Field(ge=1, le=100, description="What each delay grows by")] = 1.0
    max_delay: Duration | None = None


class CommonModel(Model):
    """The keys that every step can have beside its step type."""

    id: Annotated[Identifier | None, Field(default=None, description="Makes `steps.<id>`")]
    name: Annotated[str | None, Field(default=None, description="What people see")]
    when: ConditionField | None = None
    retry: RetryModel | None = None
    timeout: Annotated[Duration, Field(gt=0)] | None = None
    continue_on_error: Flag = False
    example: Annotated[Any, Field(default=None, description="A result for rehearsal")]

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

# Words of the language that this version does not carry out. Taking them silently would be worse
# than refusing: a guard that guards nothing.
LATER_KEYS: Final = frozenset(
    {"guard", "foreach", "parallel", "until", "approve", "playbook", "on_interrupt", "output"}
)
