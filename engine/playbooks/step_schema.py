"""The shape of a step: its keys beside the step type, and the two types that hold other steps."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from engine.playbooks.parameters import ConditionField, Count, Duration, Flag, Model, Number

IDENTIFIER: Final = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"
STEP: Final = {"$comment": "a step"}  # json_schema.py puts it in, which knows all step types
STEPS: Final = {"type": "array", "items": STEP}
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


def _branch(value: object) -> object:
    if isinstance(value, list) and value:
        return value
    said = "is empty" if value == [] else "is a list of steps"
    hint = "such as `- - wait: 30s`: a list in the list"
    raise PydanticCustomError(
        "not-a-branch", "a branch of `parallel` {said}", {"said": said, "hint": hint}
    )


Steps = Annotated[list[Any], WithJsonSchema(STEPS)]
Branch = Annotated[list[Any], BeforeValidator(_branch), WithJsonSchema({**STEPS, "minItems": 1})]


class RetryModel(Model):
    """How a failed step is tried again."""

    attempts: Annotated[
        Count,
        Field(ge=1, le=1000, description="All attempts, the first included", examples=[3]),
    ]
    delay: Annotated[Duration, Field(description="Before the second attempt")] = 1.0
    backoff: Annotated[
        Number,
        Field(
            ge=1, le=100, description="What each further delay is multiplied by", examples=[2, 1.5]
        ),
    ] = 1.0
    max_delay: Annotated[
        Duration | None,
        Field(default=None, description="No delay is longer", examples=["30s"]),
    ]


class UntilModel(Model):
    """How a step is performed again until its result is as it should be."""

    condition: Annotated[
        ConditionField,
        Field(
            description="A JMESPath condition on the step's own result alone",
            examples=["body.status == 'up'"],
        ),
    ]
    every: Annotated[
        Duration, Field(gt=0, description="From the end of one attempt to the next")
    ] = 5.0
    for_: Annotated[
        Duration,
        Field(
            gt=0,
            alias="for",
            description="From the start of the first attempt; no attempt starts later, and the "
            "step has failed",
            examples=["5m"],
        ),
    ]


class ParallelModel(Model):
    """Lists of steps that go on side by side. A list of lists is short for `branches`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [[[{"wait": "1s"}], [{"http": "https://logging.internal/errors"}]]]
        }
    )

    branches: Annotated[
        list[Branch],
        Field(
            min_length=1,
            description="Each one is a list of steps, and does not see the results of the others",
            examples=[[[{"wait": "1s"}], [{"http": "https://logging.internal/errors"}]]],
        ),
    ]
    fail: Annotated[
        Literal["fast", "late"],
        Field(
            description="When a step fails. fast: nothing more begins in the other branches; "
            "late: they go on to their ends"
        ),
    ] = "fast"


class CallModel(Model):
    """Another playbook, carried out within this run. Its name alone is short for `call`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                "drain-host",
                {"call": "drain-host", "inputs": {"host": "{{ labels.resource }}"}},
            ]
        }
    )

    call: Annotated[
        str,
        Field(min_length=1, description="The name of the other playbook", examples=["drain-host"]),
    ]
    inputs: Annotated[
        dict[str, Any],
        Field(
            default={},
            description="What it declares under `inputs`, by name",
            examples=[{"host": "{{ labels.resource }}"}],
        ),
    ]


class CommonModel(Model):
    """The keys that every step can have beside its step type."""

    id: Annotated[
        Identifier | None,
        Field(
            default=None,
            description="Makes `steps.<id>`, for the steps after it; once in the file",
            examples=["lookup"],
        ),
    ]
    name: Annotated[
        str | None,
        Field(default=None, description="What people see", examples=["Look the host up"]),
    ]
    when: Annotated[
        ConditionField | None,
        Field(
            default=None,
            description="A JMESPath condition, asked once. No: the step is skipped; cannot tell: "
            "it fails; default: always",
            examples=["steps.lookup.body.protected"],
        ),
    ]
    retry: Annotated[
        RetryModel | None,
        Field(
            default=None,
            description="How a failed attempt is followed by another; default: it is not",
            examples=[{"attempts": 3, "delay": "2s", "backoff": 2}],
        ),
    ]
    timeout: Annotated[
        Annotated[Duration, Field(gt=0)] | None,
        Field(
            default=None,
            description="For one attempt; default: http 30s, shell 10m, flashduty 60s",
            examples=["10s"],
        ),
    ]
    continue_on_error: Annotated[
        Flag, Field(description="The step stays failed, and the run goes on")
    ] = False
    example: Annotated[
        Any,
        Field(
            default=None,
            description="A result for rehearsal, before `output`; nothing else reads it",
            examples=[{"status": 200, "body": {"status": "up"}}],
        ),
    ]
    until: Annotated[
        UntilModel | None,
        Field(
            default=None,
            description="Perform it again until its result is as it should be; not with `retry`",
            examples=[{"condition": "body.status == 'up'", "every": "5s", "for": "5m"}],
        ),
    ]
    foreach: Annotated[
        ConditionField | None,
        Field(
            default=None,
            description="A list, in JMESPath: the step once for each, with `item` and `index`",
            examples=["alerts[].labels.resource"],
        ),
    ]
    max_parallel: Annotated[
        Count,
        Field(ge=1, le=100, description="How many items of a `foreach` at once", examples=[5]),
    ] = 1
    on_interrupt: Annotated[
        Literal["retry", "fail", "ask"] | None,
        Field(
            default=None,
            description="The step was under way when the engine died: perform it again, take it "
            "as failed, or ask a person. Default: retry where repeating is harmless, else ask",
        ),
    ]
    output: Annotated[
        ConditionField | None,
        Field(
            default=None,
            description="What is kept of the result, in JMESPath; default: all of it",
            examples=["body.items[].name"],
        ),
    ]

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


COMMON_KEYS: Final = tuple(CommonModel.model_fields)
