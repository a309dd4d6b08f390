"""What is read of a request's head, and whose word about the sender counts."""

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request as HttpRequest

from engine.events.senders import address_of
from engine.web.head import read_head

OURS = tuple(map(ipaddress.ip_network, ("10.0.0.0/24", "fd00::/64")))


def http(
    peer: str | None, *lines: tuple[str, str], query: bytes = b"", action: str | None = None
) -> HttpRequest:
    return HttpRequest(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines],
            "client": None if peer is None else (peer, 5000),
            "path_params": {} if action is None else {"action": action},
        }
    )


def sender(peer: str | None, *forwarded: str) -> str | None:
    lines = [("x-forwarded-for", value) for value in forwarded]
    return read_head(http(peer, *lines), OURS).client


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1", "10.0.0.2,10.0.0.3"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, unknown"], None),
        ("10.0.0.1", ["unknown, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("10.0.0.1", ["2001:DB8:0::7"], "2001:db8::7"),
        ("10.0.0.1", ["198.51.100.1, fd00::9"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.1.1", ["198.51.100.1"], "10.0.1.1"),
        (None, ["198.51.100.1"], None),
        ("testclient", ["198.51.100.1"], None),
    ],
)
def test_the_sender_is_the_nearest_address_that_is_none_of_our_proxies(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    assert sender(peer, *forwarded) == client


@pytest.mark.parametrize("name", ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip"])
def test_without_trusted_proxies_no_header_says_who_sends(name: str) -> None:
    for peer in ("203.0.113.9", "127.0.0.1", "10.0.0.1"):
        assert read_head(http(peer, (name, "198.51.100.1"))).client == peer


HOPS = st.sampled_from(["10.0.0.2", "fd00::2", "192.0.2.66", "198.51.100.1", "x", "", " "])


@given(
    st.lists(HOPS, max_size=5), st.sampled_from(["192.0.2.66", "unknown", "a:b:c", "[", "10.0.0.2"])
)
@example([], ",,,")
def test_what_the_sender_writes_before_its_own_address_changes_nothing(
    claims: Sequence[str], claim: str
) -> None:
    """Our proxy adds whom it was asked by to whatever was there."""
    own = "203.0.113.9"
    assert sender("10.0.0.1", *claims, claim, own) == own
    assert sender("10.0.0.1", ", ".join([*claims, claim, own])) == own
    assert sender(own, *claims, claim) == own


@given(
    st.lists(
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
    )
)
def test_whatever_is_forwarded_is_an_address_or_nobody(forwarded: list[str]) -> None:
    client = sender("10.0.0.1", *forwarded)
    assert client is None or address_of(client) is not None


def test_lines_of_one_name_are_one_list() -> None:
    lines = [("x-engine-token", "a"), ("x-team", "sre"), ("x-engine-token", "b")]
    read = read_head(http("10.0.0.1", *lines))
    assert read.headers == {"x-engine-token": "a, b", "x-team": "sre"}


def test_the_action_is_the_routes_and_the_query_is_decoded() -> None:
    read = read_head(http(None, query=b"token=a%20b&dc=nj&dc=sh&", action="restart-host"))
    assert (read.action, dict(read.query)) == ("restart-host", {"token": "a b", "dc": "sh"})
    assert read_head(http(None)).action is None
