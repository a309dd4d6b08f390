"""Reads what Flashduty posts: custom actions, webhooks, and calls of the label-mapping API.

Facts: the vendor's three webhook pages, and the one of the label-mapping API. A custom action's
payload does not name the button, so the endpoint does. There is no signature: a token in a custom
header or in the URL is all the sender can show. `event_id` stands at the top level in the pages'
tables and inside `incident` in the example of the custom action. An incident webhook also delivers
`i_custom`, so that one click may arrive twice; they are two events, told apart by `event.source`.
"""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import quote

import orjson
from typing_extensions import override

from engine.events.event import LABEL_MAPPING, Event
from engine.events.source import Refusal, Request

TOKEN_HEADER: Final = "x-engine-token"  # noqa: S105 - where the token is, not what it is
TOKEN_PARAMETER: Final = "token"  # noqa: S105
MAX_DEPTH: Final = 100  # far beyond Flashduty's bodies, well within what can be written down again
_SECRET_WORDS: Final = (
    *("token", "secret", "key", "auth", "pass", "pwd", "credential"),
    *("bearer", "session", "cookie", "signature"),
)
_MAX_TIME: Final = 2**63 - 1  # what a database column holds

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class _Identity:
    """What tells a delivery from another one."""

    key: str
    type: str
    time: int | None  # Unix milliseconds


@dataclass(frozen=True, slots=True)
class FlashdutySource:
    """What all kinds of delivery have in common."""

    token: str | None
    allow_from: Sequence[Network] = ()

    name: ClassVar[str]
    about: ClassVar[str | None]  # the object that a body has to hold; None: the console may differ
    default_type: ClassVar[str]  # where a body names no event_type

    def admit(self, request: Request) -> Refusal | None:
        if self.token is not None and not self._shows_token(request):
            return Refusal(
                401,
                "unauthorized",
                f"send the webhook token in the header {TOKEN_HEADER} or as ?{TOKEN_PARAMETER}=",
            )
        if self.allow_from and not self._is_allowed(request.client):
            return Refusal(403, "address-not-allowed", f"{request.client} is not in allow_from")
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type != "application/json":
            shown = f"not {content_type[:100]}" if content_type else "and none was sent"
            return Refusal(
                415,
                "unsupported-media-type",
                f"the Content-Type has to be application/json, {shown}",
            )
        return None

    def read(self, request: Request, body: bytes, *, id_: str, received: float) -> Event | Refusal:
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return Refusal(400, "not-json", f"the body is not JSON: {error}")
        if not isinstance(payload, dict):
            return Refusal(422, "not-flashduty", "the body has to be a JSON object")
        # A body with few brackets need not be walked.
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_too_deep(payload):
            return Refusal(400, "too-deep", f"the body is nested deeper than {MAX_DEPTH} levels")
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
            query=self._without_secrets(request.query),
            headers={
                name: value
                for name, value in self._without_secrets(request.headers).items()
                if name.startswith("x-")
            },
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

    def _shows_token(self, request: Request) -> bool:
        expected = (self.token or "").encode()
        header, parameter = request.headers.get(TOKEN_HEADER), request.query.get(TOKEN_PARAMETER)
        shown = (
            (header or "").encode(errors="replace"),
            (header or "").encode("latin-1", errors="replace"),  # as HTTP servers decode headers
            (parameter or "").encode(errors="replace"),
        )
        # All are compared, whatever the first says: the time taken tells nothing.
        matches = [hmac.compare_digest(text, expected) for text in shown]
        return any(matches) and expected != b""

    def _is_allowed(self, client: str | None) -> bool:
        try:
            address = ipaddress.ip_address(client or "")
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.allow_from)

    def _without_secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Proxies repeat the URL, and with it the token, in headers such as x-original-url."""
        tokens = (self.token, quote(self.token, safe="")) if self.token else ()
        return {
            name: value
            for name, value in values.items()
            if not any(word in name.lower() for word in _SECRET_WORDS)
            and not any(token in value for token in tokens)
        }


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
    return value if isinstance(value, Mapping) else {}


def _time(payload: Mapping[str, Any]) -> int | None:
    time = payload.get("event_time")
    is_time = isinstance(time, int) and not isinstance(time, bool) and abs(time) <= _MAX_TIME
    return time if is_time else None


def _is_too_deep(payload: Mapping[str, Any]) -> bool:
    level: list[Any] = [payload]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    return bool(level)


def _text(value: object) -> str | None:
    """Flashduty's ids are opaque texts; a number is taken for the text it shows."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None
