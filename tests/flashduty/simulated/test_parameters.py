"""A parameter that is missing or wrong is refused with a sentence that names it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"


@pytest.fixture
def client() -> TestClient:
    account = sample_account(lambda: NOW)
    account.add_incident({"incident_id": ID, "channel_id": 7, "title": "nj / es.nj.01"})
    return TestClient(create_simulator(account, app_key="k"))


def refused(client: TestClient, path: str, body: Any) -> str:
    answer = client.post(path, json=body, params={"app_key": "k"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/incident/ack", {}, "incident_ids is required."),
        ("/incident/ack", {"incident_ids": ID}, "incident_ids must be a list."),
        ("/incident/ack", {"incident_ids": []}, "incident_ids must have at least 1 item."),
        (
            "/incident/ack",
            {"incident_ids": [ID] * 101},
            "incident_ids must have at most 100 items.",
        ),
        (
            "/incident/ack",
            {"incident_ids": [ID, "xyz"]},
            "incident_ids[1] must be a string of 24 hex digits.",
        ),
        ("/incident/snooze", {"incident_ids": [ID]}, "minutes is required."),
        ("/incident/snooze", {"incident_ids": [ID], "minutes": 0}, "minutes must be at least 1."),
        (
            "/incident/snooze",
            {"incident_ids": [ID], "minutes": 1441},
            "minutes must be at most 1440.",
        ),
        (
            "/incident/snooze",
            {"incident_ids": [ID], "minutes": True},
            "minutes must be an integer.",
        ),
        (
            "/incident/resolve",
            {"incident_ids": [ID], "resolution": "x" * 1025},
            "resolution must have at most 1024 characters.",
        ),
        ("/incident/info", {"incident_id": 7}, "incident_id must be a string of 24 hex digits."),
        ("/incident/create", {}, "incident_severity is required."),
        (
            "/incident/create",
            {"incident_severity": "Info", "assigned_to": {"type": "assign"}},
            "assigned_to must have person_ids or escalate_rule_id.",
        ),
        (
            "/incident/create",
            {"incident_severity": "Info", "assigned_to": {"person_ids": ["me"]}},
            "assigned_to.person_ids[0] must be an integer.",
        ),
        (
            "/incident/create",
            {"incident_severity": "Info", "assigned_to": 7},
            "assigned_to must be an object.",
        ),
        ("/change/list", {"end_time": NOW}, "start_time is required."),
        ("/change/list", {"start_time": 0, "end_time": 0}, "start_time must be at least 1."),
        (
            "/change/list",
            {"start_time": 1, "end_time": NOW, "limit": 0},
            "limit must be at least 1.",
        ),
        (
            "/incident/list",
            {"start_time": 1, "end_time": NOW, "progress": ["Triggered"]},
            "progress must be a string with commas between its words.",
        ),
        ("/member/list", {"asc": "yes"}, "asc must be true or false."),
    ],
)
def test_what_a_parameter_must_be_is_said_by_name(
    client: TestClient, path: str, body: dict[str, Any], message: str
) -> None:
    assert refused(client, path, body) == message


def test_a_null_counts_as_absent_and_an_unknown_parameter_is_ignored(client: TestClient) -> None:
    body = {"incident_id": ID, "limit": None, "channel_id": "ignored"}
    answer = client.post("/incident/past/list", json=body, params={"app_key": "k"})
    assert answer.json()["data"] == {"items": []}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"title": ""},
            (
                "at least one of title, description, impact, root_cause, resolution, "
                "incident_severity is required."
            ),
        ),
        ({"title": "ab"}, "title must have at least 3 characters."),
        ({"title": "x" * 201}, "title must have at most 200 characters."),
        ({"impact": "x" * 6145}, "impact must have at most 6144 characters."),
        ({"incident_severity": "Ok"}, "incident_severity must be one of Info, Warning, Critical."),
        ({"incident_severity": 1}, "incident_severity must be a string."),
    ],
)
def test_a_reset_needs_a_text_of_the_right_length(
    client: TestClient, body: dict[str, Any], message: str
) -> None:
    assert refused(client, "/incident/reset", {"incident_id": ID, **body}) == message
