"""Who may send: whoever shows a token that is valid there, from an address that is allowed.

Every check that is configured has to pass, and nothing here looks at a URL: which endpoint it is
was decided by the route that matched.
"""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.events.source import Refusal, Request

TOKEN_HEADER: Final = "x-engine-token"  # noqa: S105 - where the token is, not what it is
TOKEN_PARAMETER: Final = "token"  # noqa: S105

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Senders:
    """What is asked of the senders of one endpoint.

    `tokens` are all valid, so that one can be replaced without a gap; None asks for none. An action
    in `by_action` has tokens of its own, and those alone are valid there.
    """

    tokens: Sequence[str] | None = None
    by_action: Mapping[str, Sequence[str]] = field(default_factory=dict)
    allow_from: Sequence[Network] = ()

    def refusal(self, request: Request) -> Refusal | None:
        """None when the sender may send."""
        # The address comes first: who may not send at all learns nothing of a token.
        if self.allow_from and not is_in(address_of(request.client), self.allow_from):
            return Refusal(403, "address-not-allowed", f"{request.client} is not in allow_from")
        tokens = self.by_action.get(request.action or "", self.tokens)
        if tokens is not None:
            return None if shows_one(tokens, _shown(request)) else UNAUTHORIZED
        if not is_local(request):
            return Refusal(
                403,
                "not-local",
                "without a token only this machine may send: set flashduty.webhook_token",
            )
        return None


UNAUTHORIZED: Final = Refusal(
    401,
    "unauthorized",
    f"send the webhook token in the header {TOKEN_HEADER} or as ?{TOKEN_PARAMETER}=",
)


def shows_one(tokens: Sequence[str], shown: Sequence[bytes]) -> bool:
    """Whether one of the shown texts is one of the tokens. An empty token is never shown."""
    # All are compared, whatever the first says: the time taken tells nothing.
    matches = [
        hmac.compare_digest(text, token.encode()) and bool(token)
        for text in shown
        for token in tokens
    ]
    return any(matches)


def header_bytes(value: str) -> tuple[bytes, bytes]:
    """What a header may have been: HTTP servers decode its bytes as Latin-1."""
    return value.encode(errors="replace"), value.encode("latin-1", errors="replace")


def address_of(text: str | None) -> Address | None:
    """An address as it is compared: an IPv4 one that came over IPv6 is an IPv4 one."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_in(address: Address | None, networks: Sequence[Network]) -> bool:
    """Whether the address is known, and in one of the networks."""
    return address is not None and any(address in network for network in networks)


def is_local(request: Request) -> bool:
    """Whether a request was meant for this machine, as far as its head tells.

    Who listens on loopback is still reached through a proxy on the same machine, and by a page in a
    browser there whose own name was made to lead to 127.0.0.1 (DNS rebinding): the first adds a
    header, the second sends the page's name as the host.
    """
    headers = request.headers
    if any(name in headers for name in _FORWARDING):
        return False
    host = headers.get("host")
    if host is None:  # no browser leaves it out
        return True
    name = host.lower().rpartition(":")[0] if _has_port(host) else host.lower()
    if name == "localhost":
        return True
    address = address_of(name.removeprefix("[").removesuffix("]"))
    return address is not None and address.is_loopback


_FORWARDING: Final = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def _shown(request: Request) -> Sequence[bytes]:
    header, parameter = request.headers.get(TOKEN_HEADER), request.query.get(TOKEN_PARAMETER)
    shown = [] if header is None else list(header_bytes(header))
    if parameter is not None:
        shown.append(parameter.encode(errors="replace"))
    return shown
