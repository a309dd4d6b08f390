"""The shape of a playbook file: what pydantic checks of it, and what an editor may offer."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from engine.playbooks.answer import Labels
from engine.playbooks.guard import QUEUE_MAX, QUEUE_TTL, Rate
from engine.playbooks.parameters import ConditionField, Count, Duration, Flag, Model
from engine.playbooks.step_schema import Identifier, Steps
from engine.playbooks.units import parse_duration

HOUR: Final = 3600.0

NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME)]


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


RateField = Annotated[
    Rate,
    BeforeValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]{0,5} per \S+$"}),
]


class TriggerModel(Model):
    """Which events start the playbook. What is left out means any."""

    events: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(
            default=[],
            description="Event types: i_custom a button, i_new i_ack i_rslv an incident, a_new an "
            "alert; default: any",
            examples=[["i_custom"], ["i_new", "i_r_severity"]],
        ),
    ]
    action: Annotated[
        str | None,
        Field(
            default=None,
            description="The button: the last part of /flashduty/actions/{action}, or of "
            "/flashduty/labels/{action}; default: any",
            examples=["restart-host"],
        ),
    ]
    when: Annotated[
        ConditionField | None,
        Field(
            default=None,
            description="A JMESPath condition on the event; it sees no `vars`, `steps` or `run`. "
            "Only yes starts a run",
            examples=["severity == 'Critical' && labels.service"],
        ),
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
            examples=["15m", "2h"],
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
        Field(
            default=None,
            description="What a run acts on, in JMESPath on the event. Runs with the same value "
            "are one lane; without a key all of them are",
            examples=["labels.resource", "labels.service || incident.incident_id"],
        ),
    ]
    concurrency: Annotated[
        Literal["single", "queue", "restart", "parallel"] | None,
        Field(
            default=None,
            description="What becomes of a run while another one of its lane goes on. single: it "
            "is skipped; queue: it waits; restart: the other one is cancelled; parallel: it "
            "starts. Default: single with a key, parallel without",
        ),
    ]
    max: Annotated[
        Count | None,
        Field(default=None, ge=1, description="Of a parallel lane at once", examples=[3]),
    ]
    queue_max: Annotated[
        Count,
        Field(
            ge=1,
            le=100_000,
            description="Runs that wait in one lane; one more is skipped",
            examples=[10],
        ),
    ] = QUEUE_MAX
    queue_ttl: Annotated[
        Duration, Field(gt=0, description="What waited longer in a lane is skipped")
    ] = QUEUE_TTL
    cooldown: Annotated[
        Duration,
        Field(description="From the end of the lane's last run; until then runs are skipped"),
    ] = 0.0
    rate: Annotated[
        RateField | None,
        Field(
            default=None,
            description="Runs of the whole playbook in any such time; one more is skipped",
            examples=["5 per 1h"],
        ),
    ]
    breaker: Annotated[
        Count | None,
        Field(
            default=None,
            ge=1,
            description="After so many failed runs in a row all others are skipped, until "
            "`engine resume PLAYBOOK`",
            examples=[3],
        ),
    ]

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


class InputModel(Model):
    """What a playbook takes from whoever calls it."""

    type: Annotated[
        Literal["string", "number", "integer", "boolean", "array", "object"],
        Field(description="As JSON Schema names it"),
    ]
    default: Annotated[
        Any,
        Field(
            default=None,
            description="What it is where nobody gives it; none: it has to be",
            examples=[30],
        ),
    ]
    description: Annotated[
        str, Field(description="For whoever calls it", examples=["The host to take out"])
    ] = ""


def _on_resolved(value: object) -> object:
    if isinstance(value, list) or value in ("continue", "cancel"):
        return value
    given = f", not {value!r}" if isinstance(value, str | int | float) else ""
    said = "'on_resolved' is continue, cancel or a list of steps{given}"
    raise PydanticCustomError("wrong-value", said, {"given": given})


def _only_called(schema: dict[str, Any]) -> None:
    """The loader lets a file with `inputs` have no trigger."""
    schema["required"].remove("trigger")
    schema["anyOf"] = [{"required": ["trigger"]}, {"required": ["inputs"]}]


class PlaybookModel(Model):
    """The keys of the file itself. Steps are read one by one, each by its step type."""

    model_config = ConfigDict(json_schema_extra=_only_called)

    name: Annotated[
        Name,
        Field(
            description="Letters, digits, dots, dashes, underscores. No two files may share one",
            examples=["restart-host"],
        ),
    ]
    description: Annotated[
        str, Field(description="For people", examples=["Restart the host an incident is about."])
    ] = ""
    trigger: Annotated[
        TriggerModel,
        Field(
            description="What starts it. What is left out means any: {} is every delivery",
            examples=[{"events": ["i_custom"], "action": "restart-host"}],
        ),
    ]
    guard: Annotated[
        GuardModel | None,
        Field(
            default=None,
            description="What keeps it from becoming a storm",
            examples=[{"key": "labels.resource", "cooldown": "10m", "rate": "5 per 1h"}],
        ),
    ]
    inputs: Annotated[
        dict[Identifier, InputModel],
        Field(
            default={},
            description="What it takes from a playbook that calls it",
            examples=[{"host": {"type": "string", "description": "The host to take out"}}],
        ),
    ]
    on_resolved: Annotated[
        Literal["continue", "cancel"] | Steps,
        BeforeValidator(_on_resolved),
        Field(
            description="What becomes of a run when its incident is closed meanwhile; steps end "
            "it, too, and are carried out before `finally`",
            examples=["cancel", [{"shell": ["undo-maintenance"]}]],
        ),
    ] = "continue"
    vars: Annotated[
        dict[Identifier, Any],
        Field(
            default={},
            description="Names for values, rendered once, when the run begins; each may use those "
            "above it",
            examples=[{"host": "{{ labels.resource }}"}],
        ),
    ]
    answer: Annotated[
        Labels | None,
        Field(
            default=None,
            min_length=1,
            description="Labels for the call; null leaves one out. Only with `trigger.answer`",
            examples=[{"owner_team": "{{ vars.team }}"}],
        ),
    ]
    timeout: Annotated[
        Duration, Field(gt=0, description="What `steps` may take together, waits included")
    ] = HOUR
    steps: Annotated[
        Steps,
        Field(
            min_length=1,
            json_schema_extra={"minItems": 1},
            description="What is done, one after another",
            examples=[[{"shell": ["restart-host", "{{ vars.host }}"]}]],
        ),
    ]
    on_failure: Annotated[
        Steps,
        Field(
            default=[],
            description="Steps for after a failure",
            examples=[[{"flashduty": {"call": "incident/comment", "comment": "{{ run.error }}"}}]],
        ),
    ]
    finally_: Annotated[
        Steps,
        Field(
            default=[],
            alias="finally",
            description="Steps for the end, whatever happened",
            examples=[[{"shell": ["end-maintenance", "{{ vars.host }}"]}]],
        ),
    ]
