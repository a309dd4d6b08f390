"""An event: one delivery's content, as Flashduty said it. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LABEL_MAPPING: Final = "label-mapping"  # the `source` of a call that waits for labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What Flashduty said happened, and how it reached us.

    `id` is ours; Flashduty's own `event_id` is part of `key`, which with `source` and `action`
    tells a repeated delivery from a new one.
    """

    id: str
    source: str  # which kind of endpoint: custom-action
    action: str | None  # the last part of the endpoint, which names the button
    key: str  # what makes this delivery the same as another one
    type: str  # i_custom, i_new, ...; types we have never heard of are kept
    time: int | None  # Flashduty's event_time: Unix milliseconds
    query: Mapping[str, str]
    headers: Mapping[str, str]  # the custom ones; never a token
    payload: dict[str, Any]  # what a JSON parser made, which makes plain dicts only
    received: float  # Unix seconds, by the receiver's clock
    stale: bool = False  # older than the newest one of its subject when it was accepted
    known_before: bool = False  # it was reconciled, and playbooks were asked, before it arrived
    own: bool | None = None  # the engine itself caused it; None: not judged, or nobody could tell
    origin: str | None = None  # the event that a person had repeated by this one

    @property
    def subject(self) -> str | None:
        """What it is about, and in whose order it stands: `alert:ID` or `incident:ID`.

        Fact: Flashduty keeps the order of the events of one incident, or of one alert, in theory.
        """
        alert = self.payload.get("alert")
        if isinstance(alert, dict):
            alert_id = alert.get("alert_id")
            return f"alert:{alert_id}" if isinstance(alert_id, str) else None
        incident_id = self.incident_id
        return f"incident:{incident_id}" if incident_id is not None else None

    @property
    def person_id(self) -> int | None:
        """Who did it; None for what nobody did."""
        person = self.payload.get("person")
        value = person.get("person_id") if isinstance(person, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def asked(self) -> frozenset[str]:
        """The labels that a call waits for; none for any other event."""
        keys = self.payload.get("result_label_keys")
        if self.source != LABEL_MAPPING or not isinstance(keys, list):
            return frozenset()
        return frozenset(key for key in keys if isinstance(key, str))

    @property
    def incident_id(self) -> str | None:
        """The incident the event is about, where it is about one."""
        for holder in (self.payload, self.payload.get("alert")):
            incident = holder.get("incident") if isinstance(holder, dict) else None
            value = incident.get("incident_id") if isinstance(incident, dict) else None
            if isinstance(value, str):
                return value
        return None
