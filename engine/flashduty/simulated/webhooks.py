"""What a simulated account calls out to, and what it has to deliver there.

The account only writes down what is to be delivered; `delivery.py` sends it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import orjson

from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.refusal import RefusalError

Kind = Literal[
    "incident",  # the incident webhook: INCIDENT_EVENTS
    "alert",  # the alert webhook: ALERT_EVENTS
    "action",  # a custom action: delivers i_custom when a person presses its button
    "labels",  # the label-mapping API: asked for labels while an alert event comes in
]
# Reference 1.2. Timeline entries of other types are no events.
INCIDENT_EVENTS: Final = (
    *("i_new", "i_assign", "i_a_rspd", "i_snooze", "i_wake", "i_ack", "i_unack", "i_storm"),
    *("i_custom", "i_rslv", "i_reopen", "i_merge", "i_comm", "i_r_title", "i_r_desc"),
    *("i_r_impact", "i_r_rc", "i_r_rsltn", "i_r_severity", "i_r_field"),
)
ALERT_EVENTS: Final = ("a_new", "a_update", "a_merge", "a_close")
# What the label-mapping API must not send; of webhooks nothing is said (reference 1.7).
_FORBIDDEN: Final = {
    *("authorization", "proxy-authorization", "cookie", "x-api-key", "x-access-token"),
    *("x-forwarded-for", "x-real-ip", "true-client-ip", "x-client-ip", "host"),
    *("x-forwarded-host", "x-forwarded-proto", "x-internal-id", "x-user-id"),
    *("transfer-encoding", "upgrade", "connection"),
}
# "Not selectable": whoever has the alert webhook gets it (reference 1.3).
_UNASKED: Final = ("a_close",)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An integration that calls out; the account gives the ids that are 0."""

    kind: Kind
    url: str
    name: str = ""
    integration_id: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # the custom ones
    event_types: Sequence[str] = ()  # of a webhook; none is all
    channel_ids: Sequence[int] = ()  # none is all; 0 is what belongs to no channel
    result_label_keys: Sequence[str] = ()  # of the label-mapping API: what it is asked for
    # The vendor's sample of a custom action has the id in the incident, its table at the top
    # (reference 1.6); neither is proven.
    event_id_in: Literal["incident", "top"] = "incident"

    def is_for(self, channel_id: int) -> bool:
        return not self.channel_ids or channel_id in self.channel_ids

    def wants(self, kind: str, event_type: str, channel_id: int) -> bool:
        asked = not self.event_types or event_type in (*self.event_types, *_UNASKED)
        return self.kind == kind and asked and self.is_for(channel_id)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body for one webhook. `event_time` is in milliseconds."""

    webhook: Webhook
    event_type: str
    event_time: int
    ref_id: str  # of the incident or the alert
    channel_id: int
    body: bytes


class Webhooks:
    """The webhooks of one account; `outbox` has what is to be delivered, in order."""

    def __init__(self, ids: SimulatedIds, clock: Callable[[], float]) -> None:
        self.outbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._ids = ids
        self._clock = clock
        self._webhooks: dict[int, Webhook] = {}

    def add(self, webhook: Webhook) -> Webhook:
        """Take a webhook and give it back with its id and its name. Raises RefusalError."""
        forbidden = sorted(_FORBIDDEN & {name.lower() for name in webhook.headers})
        if webhook.kind == "labels" and forbidden:
            raise RefusalError.parameter(f"label mapping must not send the header {forbidden[0]}.")
        integration_id = webhook.integration_id or self._ids.number()
        name = webhook.name or f"{webhook.kind} {integration_id}"
        kept = replace(webhook, integration_id=integration_id, name=name)
        self._webhooks[integration_id] = kept
        return kept

    def all(self) -> list[Webhook]:
        return list(self._webhooks.values())

    def of_kind(self, kind: Kind) -> list[Webhook]:
        return [one for one in self._webhooks.values() if one.kind == kind]

    def action(self, integration_id: int, channel_id: int) -> Webhook:
        """Give a custom action, which must be there for the incident's channel."""
        webhook = self._webhooks.get(integration_id)
        if webhook is None or webhook.kind != "action":
            raise RefusalError.not_found(f"integration_id {integration_id}")
        if not webhook.is_for(channel_id):
            raise RefusalError.parameter(
                f"integration_id {integration_id} is not associated with channel {channel_id}."
            )
        return webhook

    def announce(
        self,
        kind: Literal["incident", "alert"],
        event_type: str,
        subject: Mapping[str, Any],
        person: Mapping[str, Any] | None,
    ) -> None:
        """Write down a delivery for each webhook that wants the event; `subject` is what it shows.

        All of them have one `event_id`, as the vendor's pages call it the event's.
        """
        channel_id = subject["channel_id"]
        wanting = [
            one for one in self._webhooks.values() if one.wants(kind, event_type, channel_id)
        ]
        if not wanting:
            return
        at = int(self._clock() * 1000)
        event = {
            "event_id": self._ids.event_id(),
            "event_time": at,
            "event_type": event_type,
            kind: subject,
            **({"person": person} if person else {}),
        }
        ref_id, body = subject[f"{kind}_id"], orjson.dumps(event)
        for webhook in wanting:
            self.outbox.put_nowait(Delivery(webhook, event_type, at, ref_id, channel_id, body))

    def pressed(
        self, webhook: Webhook, incident: Mapping[str, Any], person: Mapping[str, Any] | None
    ) -> Delivery:
        """Make the delivery of a press; it is for who sends it at once, not for the outbox."""
        event_id = {"event_id": self._ids.event_id()}
        inside = webhook.event_id_in == "incident"
        at = int(self._clock() * 1000)
        event = {
            **({} if inside else event_id),
            "event_time": at,
            "event_type": "i_custom",
            "incident": {**event_id, **incident} if inside else incident,
            **({"person": person} if person else {}),
        }
        incident_id, channel_id = incident["incident_id"], incident["channel_id"]
        return Delivery(webhook, "i_custom", at, incident_id, channel_id, orjson.dumps(event))
