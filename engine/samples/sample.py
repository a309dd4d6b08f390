"""Finds sample events by name. The JSON files beside this one are bodies as Flashduty sends them.

Facts: the field tables and examples of the vendor's webhook pages. The shapes are documented, and
the values made up: one incident, of the host es.nj.01, in the states that each event implies. An
incident webhook has no `alerts`, and no event says what changed or what was commented.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from engine.problem import EngineError, Problem, nearest

ACTION: Final = "custom-action"
INCIDENT: Final = "incident-webhook"
ALERT: Final = "alert-webhook"
LABELS: Final = "label-mapping"


@dataclass(frozen=True, slots=True)
class Sample:
    """One body; `source` is what `event.source` says of it."""

    name: str
    source: str
    says: str

    @property
    def endpoint(self) -> str:
        """Where Flashduty posts such a body."""
        return {
            ACTION: "/flashduty/actions/{action}",
            INCIDENT: "/flashduty/incidents",
            ALERT: "/flashduty/alerts",
            LABELS: "/flashduty/labels/{action}",
        }[self.source]

    @property
    def body(self) -> bytes:
        """The JSON text."""
        return (files(__package__) / f"{self.name}.json").read_bytes()


SAMPLES: Final = (
    Sample("custom-action", ACTION, "a responder pressed a button"),
    Sample("label-mapping", LABELS, "an alert comes in, and its labels are asked for"),
    Sample("i_new", INCIDENT, "an alert opened an incident"),
    Sample("i_new-by-hand", INCIDENT, "a person opened an incident: it has no labels"),
    Sample("i_assign", INCIDENT, "it was assigned"),
    Sample("i_a_rspd", INCIDENT, "responders were added"),
    Sample("i_snooze", INCIDENT, "it was snoozed"),
    Sample("i_wake", INCIDENT, "its snooze was cancelled"),
    Sample("i_ack", INCIDENT, "it was acknowledged"),
    Sample("i_unack", INCIDENT, "its acknowledgement was cancelled"),
    Sample("i_storm", INCIDENT, "a storm warning: many alerts came into it"),
    Sample("i_custom", INCIDENT, "a button was pressed, as the incident webhook tells of it"),
    Sample("i_rslv", INCIDENT, "it was closed"),
    Sample("i_reopen", INCIDENT, "it was opened again"),
    Sample("i_merge", INCIDENT, "another incident was merged into it"),
    Sample("i_comm", INCIDENT, "it was commented"),
    Sample("i_r_title", INCIDENT, "its title was changed"),
    Sample("i_r_desc", INCIDENT, "its description was changed"),
    Sample("i_r_impact", INCIDENT, "its impact was changed"),
    Sample("i_r_rc", INCIDENT, "its root cause was changed"),
    Sample("i_r_rsltn", INCIDENT, "its resolution was changed"),
    Sample("i_r_severity", INCIDENT, "its severity was changed"),
    Sample("i_r_field", INCIDENT, "a custom field of it was changed"),
    Sample("a_new", ALERT, "an alert began"),
    Sample("a_update", ALERT, "an alert changed"),
    Sample("a_merge", ALERT, "an alert was merged into an incident"),
    Sample("a_close", ALERT, "an alert was closed by hand"),
)


def sample(name: str) -> Sample:
    """The sample of this name. Raises EngineError with the nearest one."""
    for one in SAMPLES:
        if one.name == name:
            return one
    said = f"there is no sample event '{name}'"
    raise EngineError(
        Problem("no-such-sample", said, None, nearest(name, [one.name for one in SAMPLES]))
    )
