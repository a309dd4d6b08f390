"""A person can press buttons, act as others and make things go wrong, over HTTP and without a key."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulated.webhooks import Webhook
from engine.flashduty.simulator import create_simulator

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
LISI = 1999632289504


@pytest.fixture
def account() -> SimulatedAccount:
    account = sample_account(lambda: NOW)
    account.add_incident({"incident_id": ID, "channel_id": CHANNEL, "title": "nj"})
    return account


@pytest.fixture
def client(account: SimulatedAccount) -> Iterator[TestClient]:
    with TestClient(create_simulator(account, app_key="k", controls=True)) as client:
        yield client


def said(client: TestClient, path: str, body: Any) -> str:
    """Give the message of what must be refused."""
    content = client.post(path, json=body).json()
    assert content.keys() == {"request_id", "error"}
    message: str = content["error"]["message"]
    return message


def test_the_addresses_are_closed_unless_they_are_wanted(account: SimulatedAccount) -> None:
    with TestClient(create_simulator(account, app_key="k")) as client:
        for path in ("/simulator", "/simulator/faults"):
            assert client.get(path).status_code == 404


def test_any_operation_can_be_done_by_anybody(
    client: TestClient, account: SimulatedAccount
) -> None:
    body = {"incident_ids": [ID], "comment": "Looking."}
    done = client.post(f"/simulator/as/{LISI}/incident/comment", json=body)
    assert done.json()["data"] == {}
    assert [one["creator_id"] for one in account.feed(ID)] == [0, LISI]
    assert account.actor == account.own_member_id


def test_what_the_open_api_refuses_is_refused_here_too(client: TestClient) -> None:
    assert said(client, f"/simulator/as/{LISI}/incident/ack", {}) == "incident_ids is required."
    assert "person_id 7" in said(client, "/simulator/as/7/incident/ack", {"incident_ids": [ID]})
    assert said(client, f"/simulator/as/{LISI}/nowhere", {}) == "There is no operation /nowhere."


def test_a_button_is_pressed_by_its_name(account: SimulatedAccount) -> None:
    account.add_webhook(Webhook("action", "http://127.0.0.1:1/", "restart-host", 77))
    with TestClient(create_simulator(account, app_key="k", controls=True)) as client:
        for button in ("restart-host", 77):
            body = {"incident_id": ID, "button": button, "person_id": LISI}
            data = client.post("/simulator/press", json=body).json()["data"]
            assert data["message"].startswith("dial tcp: ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "incident_id is required."),
        ({"incident_id": ID}, "button must be the name or the id of a button: none."),
        (
            {"incident_id": ID, "person_id": 7},
            "The resource you request is not found: person_id 7.",
        ),
    ],
)
def test_a_press_of_nothing_is_explained(
    client: TestClient, body: dict[str, Any], message: str
) -> None:
    assert said(client, "/simulator/press", body) == message


def test_faults_are_added_shown_and_cleared(client: TestClient) -> None:
    fault = {"kind": "error", "path": "/member/info", "times": 2}
    (added,) = client.post("/simulator/faults", json=fault).json()["data"]
    assert added == {
        **fault,
        "probability": 1.0,
        "seconds": 0.0,
        "status": 500,
        "retry_after": None,
    }
    assert client.post("/member/info?app_key=k", json={}).status_code == 500
    assert client.get("/simulator").json()["data"]["faults"][0]["times"] == 1
    assert client.delete("/simulator/faults").json()["data"] == []
    assert client.post("/member/info?app_key=k", json={}).status_code == 200


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({}, "A fault has a kind; its path is a text, and what it counts are numbers."),
        (
            {"kind": "fire"},
            "kind must be one of delay, error, too-frequent, cut-before, cut-after.",
        ),
        (
            {"kind": "error", "path": 7},
            "A fault has a kind; its path is a text, and what it counts are numbers.",
        ),
        (
            {"kind": "error", "probability": "often"},
            "A fault has a kind; its path is a text, and what it counts are numbers.",
        ),
        (
            {"kind": "error", "chance": 1},
            "A fault has kind, path, probability, times, seconds, status, retry_after, and no chance.",
        ),
    ],
)
def test_a_fault_that_makes_no_sense_is_explained(
    client: TestClient, fault: dict[str, Any], message: str
) -> None:
    assert said(client, "/simulator/faults", fault) == message


def test_it_says_what_there_is_and_tells_no_headers(
    client: TestClient, account: SimulatedAccount
) -> None:
    account.add_webhook(Webhook("incident", "http://e/", headers={"X-Engine-Token": "s3cret"}))
    answer = client.get("/simulator")
    assert "s3cret" not in answer.text
    data = answer.json()["data"]
    assert [one["incident_id"] for one in data["incidents"]] == [ID]
    assert [one["url"] for one in data["webhooks"]] == ["http://e/"]
    assert LISI in [one["person_id"] for one in data["people"]]
