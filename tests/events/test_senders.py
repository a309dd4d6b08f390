"""Who may send: a token that is valid there, from an address that is allowed."""

import hmac
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events.senders import (
    UNAUTHORIZED,
    Senders,
    address_of,
    is_in,
    is_local,
    shows_one,
)
from engine.events.source import Refusal, Request


def request(
    token: str | None = None,
    action: str | None = None,
    client: str | None = "10.0.0.7",
    **headers: str,
) -> Request:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["x-engine-token"] = token
    return Request(action, {}, sent, client)


@pytest.mark.parametrize("token", ["new", "old"])
def test_while_a_token_is_replaced_both_are_valid(token: str) -> None:
    both = Senders(("new", "old"))
    assert both.refusal(request(token)) is None
    assert both.refusal(Request(None, {"token": token}, {}, None)) is None
    assert both.refusal(request("older")) == UNAUTHORIZED
    assert Senders(("new",)).refusal(request("old")) == UNAUTHORIZED


OWN = Senders(("general",), {"restart-host": ("special", "special-2")})


@pytest.mark.parametrize(
    ("token", "action", "admitted"),
    [
        ("general", "enrich", True),
        ("general", None, True),
        ("special", "restart-host", True),
        ("special-2", "restart-host", True),
        ("general", "restart-host", False),
        ("special", "enrich", False),
        ("special", None, False),
        ("special", "restart-host2", False),
        ("special", "Restart-Host", False),
        (None, "restart-host", False),
        ("", "restart-host", False),
    ],
)
def test_an_action_with_a_token_of_its_own_takes_no_other(
    token: str | None, action: str | None, admitted: bool
) -> None:
    assert OWN.refusal(request(token, action)) == (None if admitted else UNAUTHORIZED)


def test_without_a_general_token_an_action_still_has_its_own() -> None:
    own = Senders(None, {"restart-host": ("special",)})
    assert own.refusal(request(None, "restart-host")) == UNAUTHORIZED
    assert own.refusal(request("special", "restart-host")) is None
    assert own.refusal(request(None, "enrich")) is None


@pytest.mark.parametrize("tokens", [(), ("",), ("", "")])
def test_where_no_token_is_valid_nobody_may_send(tokens: tuple[str, ...]) -> None:
    nobody = Senders(tokens)
    for shown in (None, "", "x", "None"):
        assert nobody.refusal(request(shown)) == UNAUTHORIZED


def test_every_token_is_compared_whatever_matched_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for shown in (b"first", b"second", b"neither"):
        compared.clear()
        shows_one(("first", "second", "third"), [shown])
        assert compared == [b"first", b"second", b"third"]


TEXTS = st.text("abé密", max_size=3)


@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_a_token_is_valid_if_and_only_if_it_is_one_of_them(tokens: list[str], shown: str) -> None:
    as_sent = shown.encode().decode("latin-1")  # as HTTP servers read a header
    valid = shown != "" and shown in tokens
    assert (Senders(tokens).refusal(request(as_sent)) is None) == valid
    query = Request(None, {"token": shown}, {}, None)
    assert (Senders(tokens).refusal(query) is None) == valid


def test_who_may_not_send_at_all_learns_nothing_of_a_token() -> None:
    inside = Senders(("s3cret",), allow_from=(ipaddress.ip_network("10.0.0.0/24"),))
    refused = Refusal(403, "address-not-allowed", "192.0.2.1 is not in allow_from")
    for token in ("s3cret", "wrong", None):
        assert inside.refusal(request(token, client="192.0.2.1")) == refused
    assert inside.refusal(request("wrong")) == UNAUTHORIZED
    assert inside.refusal(request("s3cret")) is None


NETWORKS = tuple(map(ipaddress.ip_network, ("10.0.0.0/24", "fd00::/8", "fe80::/64")))


@pytest.mark.parametrize(
    ("client", "within"),
    [
        ("10.0.0.7", True),
        ("::ffff:10.0.0.7", True),
        ("::ffff:0a00:0007", True),
        ("10.0.1.7", False),
        ("::10.0.0.7", False),
        ("64:ff9b::a00:7", False),
        ("fd12::1", True),
        ("FD12::1", True),
        ("fe80::1%eth0", True),
        ("fe80:0:0:1::1", False),
        ("0x0a.0.0.7", False),
        ("167772167", False),
        ("010.0.0.7", False),
        ("10.0.0.7 ", False),
        ("unknown", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_is_in_a_network_in_whichever_form_it_comes(
    client: str | None, within: bool
) -> None:
    assert is_in(address_of(client), NETWORKS) is within


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (None, True),
        ("127.0.0.1", True),
        ("127.0.0.1:8787", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("[::1]", True),
        ("[::1]:8787", True),
        ("[::ffff:127.0.0.1]:1", True),
        ("evil.example", False),
        ("evil.example:8787", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:80", False),
        ("evil.example@127.0.0.1", False),
        ("127.0.0.1, evil.example", False),
        ("evil.example, 127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - only read
        ("", False),
        (":", False),
        ("[", False),
        ("]", False),
        ("10.0.0.1", False),
    ],
)
def test_without_a_token_only_this_machine_may_send(host: str | None, local: bool) -> None:
    """A page in a browser there can have its own name lead to 127.0.0.1."""
    asked = request(client="127.0.0.1") if host is None else request(client="127.0.0.1", host=host)
    assert is_local(asked) is local
    refused = Refusal(
        403,
        "not-local",
        "without a token only this machine may send: set flashduty.webhook_token",
    )
    assert Senders().refusal(asked) == (None if local else refused)
    assert Senders(("s3cret",)).refusal(
        Request(None, {"token": "s3cret"}, asked.headers, None)
    ) is None  # fmt: skip


@pytest.mark.parametrize("header", ["x_forwarded_for", "x_real_ip", "forwarded", "via"])
def test_what_a_proxy_hands_on_is_not_of_this_machine(header: str) -> None:
    asked = request(client="127.0.0.1", **{"host": "localhost", header: "203.0.113.7"})
    assert not is_local(asked)


@given(st.text(max_size=40))
def test_any_host_is_told(host: str) -> None:
    is_local(request(host=host))
    address_of(host)
