"""Reads what Flashduty posts: custom actions, webhooks, and calls of the label-mapping API.

Facts: the vendor's three webhook pages, and the one of the label-mapping API. A custom action's
payload does not name the button, so the endpoint does. There is no signature: a token in a custom
header or in the URL is all the sender can show. `event_id` stands at the top level in the pages'
tables and inside `incident` in the example of the custom action. An incident webhook also delivers
`i_custom`, so that one click may arrive twice; they are two events, told apart by `event.source`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import orjson
from typing_extensions import override

from engine.events.event import LABEL_MAPPING, Event
from engine.events.json_body import BodyLimits, read_object
from engine.events.kept import Kept
from engine.events.senders import Senders
from engine.events.source import Refusal, Request

_MAX_TIME: Final = 2**63 - 1  # what a database column holds


@dataclass(frozen=True, slots=True)
class _Identity:
    """What tells a delivery from another one."""

    key: str
    type: str
    time: int | None  # Unix milliseconds


@dataclass(frozen=True, slots=True)
class FlashdutySource:
    """What all kinds of delivery have in common."""

    senders: Senders = field(default_factory=Senders)
    kept: Kept = field(default_factory=Kept)
    limits: BodyLimits = field(default_factory=BodyLimits)

    name: ClassVar[str]
    about: ClassVar[str | None]  # the object that a body has to hold; None: the console may differ
    default_type: ClassVar[str]  # where a body names no event_type

    def admit(self, request: Request) -> Refusal | None:
        return self.senders.refusal(request) or _other_than_json(request.headers)

    def read(self, request: Request, body: bytes, *, id_: str, received: float) -> Event | Refusal:
        payload = read_object(body, self.limits)
        if isinstance(payload, Refusal):
            return payload
        if self.about is not None and not isinstance(payload.get(self.about), dict):
            return Refusal(422, "not-flashduty", f"the body has no '{self.about}' object")
        identity = self._identify(payload, id_)
        if isinstance(identity, Refusal):
            return identity
        return Event(
            id=id_,
            source=self.name,
            action=request.action,
            key=identity.key,
            type=identity.type,
            time=identity.time,
            query=self.kept.query(request.query),
            headers=self.kept.headers(request.headers),
            payload=payload,
            received=received,
        )

    def _identify(self, payload: Mapping[str, Any], _: str) -> _Identity | Refusal:
        key = _delivery_key(payload)
        if key is None:
            return Refusal(
                422,
                "no-identity",
                "the body has neither an event_id nor an event_time with an "
                f"{self.about or 'incident'}_id: "
                "a repeated delivery could not be told from a new one",
            )
        type_ = _text(payload.get("event_type")) or self.default_type
        return _Identity(key, type_, _time(payload))


class CustomActionSource(FlashdutySource):
    """`POST /flashduty/actions/{action}`: a responder pressed a button."""

    __slots__ = ()
    name = "custom-action"
    about: ClassVar[str | None] = "incident"
    default_type = "i_custom"


class IncidentWebhookSource(FlashdutySource):
    """`POST /flashduty/incidents`: something happened to an incident.

    The console can replace this body by a template of one's own: whatever standard keys are in it
    are read, the rest is in `payload`.
    """

    __slots__ = ()
    name = "incident-webhook"
    about: ClassVar[str | None] = None
    default_type = "unknown"


class AlertWebhookSource(FlashdutySource):
    """`POST /flashduty/alerts`: something happened to an alert."""

    __slots__ = ()
    name = "alert-webhook"
    about: ClassVar[str | None] = "alert"
    default_type = "unknown"


class LabelMappingSource(FlashdutySource):
    """`POST /flashduty/labels/{action}`: an alert is being ingested, and lacks labels.

    Fact: such a call has no event_id, and its times are in seconds.
    """

    __slots__ = ()
    name = LABEL_MAPPING
    about: ClassVar[str | None] = "event"
    default_type = "label_mapping"

    @override
    def _identify(self, payload: Mapping[str, Any], id_: str) -> _Identity | Refusal:
        asked = payload.get("result_label_keys")
        if not isinstance(asked, list) or not all(isinstance(key, str) for key in asked):
            return Refusal(
                422, "not-flashduty", "the body has no 'result_label_keys' that is a list of texts"
            )
        alert = _object(payload, "event")
        seconds = _time(alert)
        time = None if seconds is None or abs(seconds) > _MAX_TIME // 1000 else seconds * 1000
        alert_key = _text(alert.get("alert_key")) or _text(alert.get("alert_id"))
        if alert_key is None or time is None:
            # Nothing tells it from another call: it is taken for a new one, and answered.
            return _Identity(id_, self.default_type, time)
        origin, status = _text(alert.get("data_source_id")), _text(alert.get("event_status"))
        parts = [origin, alert_key, time, status, *sorted(set(asked))]
        return _Identity(orjson.dumps(parts).decode(), self.default_type, time)


def _other_than_json(headers: Mapping[str, str]) -> Refusal | None:
    content_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        shown = f"not {content_type[:100]}" if content_type else "and none was sent"
        return Refusal(
            415,
            "unsupported-media-type",
            f"the Content-Type has to be application/json, {shown}",
        )
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        return Refusal(
            415, "encoded-body", f"the body has to be sent as it is, not in {encoding[:100]}"
        )
    return None


def _delivery_key(payload: Mapping[str, Any]) -> str | None:
    incident, alert = _object(payload, "incident"), _object(payload, "alert")
    event_id = (
        _text(payload.get("event_id"))
        or _text(incident.get("event_id"))
        or _text(alert.get("event_id"))
    )
    if event_id:
        return event_id
    # The alert comes first: an alert webhook may name the incident its alert belongs to.
    id_ = _text(alert.get("alert_id")) or _text(incident.get("incident_id"))
    time = _time(payload)
    if time is None or not id_:
        return None
    person_id = _object(payload, "person").get("person_id")
    return f"{payload.get('event_type')}:{time}:{id_}:{person_id}"


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def _time(payload: Mapping[str, Any]) -> int | None:
    time = payload.get("event_time")
    is_time = isinstance(time, int) and not isinstance(time, bool) and abs(time) <= _MAX_TIME
    return time if is_time else None


def _text(value: object) -> str | None:
    """Flashduty's ids are opaque texts; a number is taken for the text it shows."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None
