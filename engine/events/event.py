"""An event: one delivery's content, as Flashduty said it. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    payload: Mapping[str, Any]
    received: float  # Unix seconds, by the receiver's clock

    @property
    def incident_id(self) -> str | None:
        """The incident the event is about, where it is about one."""
        for holder in (self.payload, self.payload.get("alert")):
            incident = holder.get("incident") if isinstance(holder, Mapping) else None
            value = incident.get("incident_id") if isinstance(incident, Mapping) else None
            if isinstance(value, str):
                return value
        return None
