"""Faults happen to the calls they were asked for, and a real client sees them over a real socket."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
import pytest
from starlette.testclient import TestClient

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.faults import Fault, Faults, Kind
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulator import create_simulator
from tests.flashduty.served import served

ID = "6551f3888713372ad1054d57"
COMMENT = "/incident/comment"
BODY = {"incident_ids": [ID], "comment": "Restarted."}


def account_with_incident() -> SimulatedAccount:
    account = SimulatedAccount(lambda: 1_795_000_000)
    account.add_incident({"incident_id": ID, "incident_severity": "Critical", "title": "nj"})
    return account


def comments(account: SimulatedAccount) -> list[str]:
    return [one["detail"]["comment"] for one in account.feed(ID) if one["type"] == "i_comm"]


def call(
    account: SimulatedAccount, *faults: Fault, http: Literal["h11", "httptools"] = "httptools"
) -> tuple[int, Any, Mapping[str, str]]:
    """Comment once, over a socket."""

    async def story() -> tuple[int, Any, Mapping[str, str]]:
        app = create_simulator(account, app_key="key", faults=Faults(*faults))
        async with (
            served(app, http) as url,
            aiohttp.ClientSession() as session,
            session.post(f"{url}{COMMENT}?app_key=key", json=BODY) as answer,
        ):
            return answer.status, await answer.json(), answer.headers

    return asyncio.run(story())


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize(("kind", "done"), [("cut-before", []), ("cut-after", ["Restarted."])])
def test_a_connection_is_cut_before_or_after_the_call_took_effect(
    kind: Kind,
    done: list[str],
    http: Literal["h11", "httptools"],
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = account_with_incident()
    caplog.set_level(logging.INFO)
    with pytest.raises((aiohttp.ServerDisconnectedError, ConnectionResetError)):
        call(account, Fault(kind), http=http)
    assert comments(account) == done
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "ServiceUnavailable")])
def test_a_server_error_comes_in_the_envelope_and_nothing_was_done(status: int, code: str) -> None:
    account = account_with_incident()
    answered, content, headers = call(account, Fault("error", status=status))
    assert (answered, content["error"]["code"]) == (status, code)
    assert headers["Flashcat-Request-Id"] == content["request_id"]
    assert comments(account) == []


@pytest.mark.parametrize("retry_after", [None, 3])
def test_too_many_calls_are_refused_with_or_without_retry_after(retry_after: int | None) -> None:
    account = account_with_incident()
    status, content, headers = call(account, Fault("too-frequent", retry_after=retry_after))
    assert (status, content["error"]["code"]) == (429, "RequestTooFrequently")
    assert headers.get("Retry-After") == (None if retry_after is None else "3")
    assert comments(account) == []


def test_a_delayed_call_is_answered_as_ever() -> None:
    account = account_with_incident()
    status, content, _ = call(account, Fault("delay", seconds=0.01))
    assert (status, content["data"]) == (200, {})
    assert comments(account) == ["Restarted."]


def test_faults_can_be_changed_while_the_simulator_serves() -> None:
    async def story() -> list[int]:
        faults = Faults()
        app = create_simulator(account_with_incident(), app_key="key", faults=faults)
        seen = []
        async with served(app) as url, aiohttp.ClientSession() as session:
            for asked in ([], [Fault("error")], []):
                faults.clear()
                for fault in asked:
                    faults.add(fault)
                async with session.post(f"{url}{COMMENT}?app_key=key", json=BODY) as answer:
                    seen.append(answer.status)
        return seen

    assert asyncio.run(story()) == [200, 500, 200]


def test_without_a_socket_the_caller_gets_the_broken_connection_itself() -> None:
    account = account_with_incident()
    app = create_simulator(account, app_key="key", faults=Faults(Fault("cut-after")))
    with TestClient(app) as client, pytest.raises(ConnectionResetError):
        client.post(f"{COMMENT}?app_key=key", json=BODY)
    assert comments(account) == ["Restarted."]


# What strikes when --------------------------------------------------------------------------


def struck(faults: Faults, *paths: str) -> list[Kind | None]:
    found = [faults.strike(path)[1] for path in paths]
    return [fault.kind if fault else None for fault in found]


def test_a_fault_is_for_its_path_and_for_so_many_times() -> None:
    faults = Faults(Fault("error", path="/a", times=2), Fault("cut-before", path="/b"))
    assert struck(faults, "/a", "/c", "/b", "/a", "/a", "/b") == [
        *("error", None, "cut-before", "error", None, "cut-before"),
    ]
    assert faults.struck == {
        "delay": 0,
        "error": 2,
        "too-frequent": 0,
        "cut-before": 2,
        "cut-after": 0,
    }
    assert [one["path"] for one in faults.asked_for()] == ["/b"]


def test_the_first_fault_that_fits_strikes_and_the_others_keep_their_times() -> None:
    faults = Faults(Fault("error", times=1), Fault("cut-after", times=1))
    assert struck(faults, "/a", "/a", "/a") == ["error", "cut-after", None]


def test_delays_add_up_and_go_with_other_faults() -> None:
    delays = (Fault("delay", seconds=1), Fault("delay", seconds=2))
    faults = Faults(delays[0], Fault("error"), delays[1])
    assert faults.strike("/a") == (3, Fault("error"))


def test_the_same_seed_strikes_the_same_calls() -> None:
    def run(seed: int) -> list[Kind | None]:
        return struck(Faults(Fault("cut-after", probability=0.1), seed=seed), *["/a"] * 1000)

    assert run(7) == run(7) != run(8)
    assert 70 < run(7).count("cut-after") < 130


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"kind": "fire"},
            "kind must be one of delay, error, too-frequent, cut-before, cut-after.",
        ),
        ({"kind": "error", "path": "a"}, "path must begin with a slash, as in /incident/comment."),
        ({"kind": "error", "probability": 1.5}, "probability must be from 0 to 1."),
        ({"kind": "error", "times": 0}, "times must be at least 1."),
        (
            {"kind": "delay"},
            "seconds is the length of a delay: more than 0 there, and nowhere else.",
        ),
        (
            {"kind": "error", "seconds": 1},
            "seconds is the length of a delay: more than 0 there, and nowhere else.",
        ),
        ({"kind": "error", "status": 404}, "status must be 500 or 503."),
        ({"kind": "error", "retry_after": 1}, "retry_after is for too-frequent alone."),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusalError) as caught:
        Fault(**given)
    assert caught.value.message == message
