"""Reads what Flashduty posts when a responder presses a custom action's button.

Facts: the vendor's custom-action page. The payload does not name the button, so the endpoint does.
There is no signature: a token in a custom header or in the URL is all the sender can show.
`event_id` stands at the top level in the page's table and inside `incident` in its example.
"""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from engine.events.event import Event
from engine.events.source import Refusal, Request

TOKEN_HEADER: Final = "x-engine-token"  # noqa: S105 - where the token is, not what it is
TOKEN_PARAMETER: Final = "token"  # noqa: S105
_SECRET_WORDS: Final = ("token", "secret", "key", "auth", "password", "cookie", "signature")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class CustomActionSource:
    """`POST /flashduty/actions/{action}`."""

    token: str | None
    allow_from: Sequence[Network] = ()
    name: str = "custom-action"

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
        incident = payload.get("incident")
        if not isinstance(incident, dict):
            return Refusal(422, "not-flashduty", "the body has no 'incident' object")
        key = _delivery_key(payload, incident)
        if key is None:
            return Refusal(
                422,
                "no-identity",
                "the body has neither an event_id nor an event_time with an incident_id: "
                "a repeated delivery could not be told from a new one",
            )
        time = payload.get("event_time")
        return Event(
            id=id_,
            source=self.name,
            action=request.action,
            key=key,
            type=_text(payload.get("event_type")) or "i_custom",
            time=time if isinstance(time, int) and not isinstance(time, bool) else None,
            query=_without_secrets(request.query),
            headers={
                name: value
                for name, value in _without_secrets(request.headers).items()
                if name.startswith("x-")
            },
            payload=payload,
            received=received,
        )

    def _shows_token(self, request: Request) -> bool:
        expected = (self.token or "").encode()
        shown = (request.headers.get(TOKEN_HEADER, ""), request.query.get(TOKEN_PARAMETER, ""))
        # Both are compared, whatever the first says: the time taken tells nothing.
        matches = [hmac.compare_digest(text.encode(errors="replace"), expected) for text in shown]
        return any(matches)

    def _is_allowed(self, client: str | None) -> bool:
        try:
            address = ipaddress.ip_address(client or "")
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.allow_from)


def _delivery_key(payload: Mapping[str, Any], incident: Mapping[str, Any]) -> str | None:
    event_id = _text(payload.get("event_id")) or _text(incident.get("event_id"))
    if event_id:
        return event_id
    time, incident_id = payload.get("event_time"), _text(incident.get("incident_id"))
    if not isinstance(time, int) or not incident_id:
        return None
    person = payload.get("person")
    person_id = person.get("person_id") if isinstance(person, Mapping) else None
    return f"{payload.get('event_type')}:{time}:{incident_id}:{person_id}"


def _without_secrets(values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in values.items()
        if not any(word in name.lower() for word in _SECRET_WORDS)
    }


def _text(value: object) -> str | None:
    """Flashduty's ids are opaque texts; a number is taken for the text it shows."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None
