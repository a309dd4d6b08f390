"""What the engine reads of a request's head, and from which address it came."""

from collections.abc import Iterable, Sequence

from starlette.requests import Request as HttpRequest

from engine.events.senders import Network, address_of, is_in
from engine.events.source import Request


def read_head(http: HttpRequest, trusted_proxies: Sequence[Network] = ()) -> Request:
    """The action is the one of the route that matched; nothing is taken from the URL as a whole."""
    headers = _headers(http.scope["headers"])
    peer = http.client.host if http.client else None
    return Request(
        action=http.path_params.get("action"),
        query=dict(http.query_params) if http.scope["query_string"] else {},
        headers=headers,
        client=_sender(peer, headers, trusted_proxies) if trusted_proxies else peer,
    )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header lines of one name are one list, in their order (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _sender(
    peer: str | None, headers: dict[str, str], trusted_proxies: Sequence[Network]
) -> str | None:
    """The nearest address that is none of our proxies'.

    Each proxy adds to the end of X-Forwarded-For whom it was asked by; what stands before the first
    one that is not ours may be made up. None where a proxy of ours names nobody who can be known.
    """
    sender = peer
    hops = reversed(headers.get("x-forwarded-for", "").split(","))
    while is_in(address_of(sender), trusted_proxies):
        hop = next(hops, "").strip()
        if not hop:
            return sender
        sender = _without_port(hop)
    address = address_of(sender)
    return None if address is None else str(address)


def _without_port(hop: str) -> str:
    """Some proxies write a port as well: 192.0.2.7:443, [2001:db8::7]:443."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
