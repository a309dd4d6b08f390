"""Who may look at the metrics, and at more than red or green."""

import ipaddress

import pytest
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient

from engine.web.failures import MOST, Failures
from engine.web.monitor import Monitor
from tests.web.conftest import Receiving
from tests.web.test_head import http

INSIDE = (ipaddress.ip_network("10.0.0.0/24"),)
BEARER = ("authorization", "Bearer m0nitor")


def asked(peer: str | None, *lines: tuple[str, str]) -> HttpRequest:
    return http(peer, ("host", "127.0.0.1:8787"), *lines)


def code(monitor: Monitor, request: HttpRequest) -> str | None:
    refusal = monitor.refusal(request)
    assert monitor.may_look(request) == (refusal is None)
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asked("127.0.0.1"), None),
        (asked("::1"), None),
        (asked("::ffff:127.0.0.1"), None),
        (asked("10.0.0.7"), "not-local"),
        (asked(None), "not-local"),
        (asked("127.0.0.1", ("x-forwarded-for", "127.0.0.1")), "not-local"),
        (http("127.0.0.1", ("host", "evil.example")), "not-local"),
        (asked("10.0.0.7", BEARER), "not-local"),
    ],
)
def test_where_nothing_is_set_this_machine_alone_may_look(
    request_: HttpRequest, said: str | None
) -> None:
    assert code(Monitor(Failures(lambda: 0.0)), request_) == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([BEARER], None),
        ([("authorization", "bearer  old ")], None),
        ([], "unauthorized"),
        ([("authorization", "Bearer ")], "unauthorized"),
        ([("authorization", "Bearer m0nito")], "unauthorized"),
        ([("authorization", "m0nitor")], "unauthorized"),
        ([("authorization", "Basic m0nitor")], "unauthorized"),
        ([("x-engine-token", "m0nitor")], "unauthorized"),
    ],
)
def test_a_token_that_is_set_is_asked_of_everybody(
    lines: list[tuple[str, str]], said: str | None
) -> None:
    monitor = Monitor(Failures(lambda: 0.0), ("m0nitor", "old"))
    for peer in ("127.0.0.1", "203.0.113.7"):
        assert code(monitor, asked(peer, *lines)) == said


def test_addresses_that_are_set_are_asked_of_everybody() -> None:
    inside = Monitor(Failures(lambda: 0.0), (), INSIDE)
    assert code(inside, asked("10.0.0.7")) is None
    assert code(inside, asked("10.0.1.7")) == "address-not-allowed"
    assert code(inside, asked("127.0.0.1")) == "address-not-allowed"


def test_with_both_set_both_are_asked() -> None:
    both = Monitor(Failures(lambda: 0.0), ("m0nitor",), INSIDE)
    assert code(both, asked("10.0.0.7", BEARER)) is None
    assert code(both, asked("10.0.0.7")) == "unauthorized"
    assert code(both, asked("10.0.1.7", BEARER)) == "address-not-allowed"


def test_who_asks_through_a_trusted_proxy_is_whom_it_names() -> None:
    behind = Monitor(Failures(lambda: 0.0), (), (ipaddress.ip_network("198.51.100.0/24"),), INSIDE)
    assert code(behind, asked("10.0.0.1", ("x-forwarded-for", "198.51.100.7"))) is None
    assert code(behind, asked("10.0.0.1", ("x-forwarded-for", "203.0.113.7"))) is not None


def test_who_may_not_look_is_refused_sooner_and_probes_are_not_counted() -> None:
    monitor = Monitor(Failures(lambda: 0.0), ("m0nitor",))
    for _ in range(MOST * 2):
        assert not monitor.may_look(asked("10.0.0.7"))
    codes = [getattr(monitor.refusal(asked("10.0.0.7")), "code", None) for _ in range(MOST + 1)]
    assert codes == ["unauthorized"] * MOST + ["too-many-failures"]
    assert monitor.refusal(asked("10.0.0.7", BEARER)) is None


def test_red_and_green_are_for_everybody_and_what_is_behind_them_is_not(
    client: TestClient, receiving: Receiving
) -> None:
    outside = {"x-forwarded-for": "203.0.113.7"}
    assert client.get("/healthz", headers=outside).json() == {"status": "alive"}
    assert client.get("/readyz", headers=outside).json() == {"status": "ready"}
    answer = client.get("/metrics", headers=outside)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not-local")
    receiving.refusing = "disk I/O error"
    answer = client.get("/readyz", headers=outside)
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
