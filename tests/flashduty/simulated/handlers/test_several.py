"""More operations of the simulated Open API: states, alerts, changes, people, status pages."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator

NOW = 1_795_000_000
ME = 3790925372131
ID = "6551f3888713372ad1054d57"
PAGE = 5750613685214
KEYS = {"app_key": "k", "integration_key": "sample-change-integration"}
CHECKOUT = "01KC3GB9C6P3F7J0YZ2SEQT8MB"
INCIDENT: Mapping[str, Any] = {
    "incident_id": ID,
    "alerts": [
        {"alert_id": f"{number:024x}", "alert_severity": severity, "alert_status": severity}
        for number, severity in enumerate(("Critical", "Ok"))
    ],
    "channel_id": 1973372625504,
    "incident_severity": "Critical",
    "progress": "Triggered",
    "title": "nj / es.nj.01",
}


@pytest.fixture
def account() -> SimulatedAccount:
    account = sample_account(lambda: NOW)
    account.add_incident(INCIDENT)
    return account


@pytest.fixture
def client(account: SimulatedAccount) -> TestClient:
    return TestClient(create_simulator(account, app_key="k"))


def data(client: TestClient, path: str, body: Any) -> Any:
    answer = client.post(path, json=body, params=KEYS)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def read(client: TestClient, path: str, query: Mapping[str, str | int]) -> Any:
    answer = client.get(path, params={**KEYS, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def refused(client: TestClient, path: str, body: Any) -> str:
    answer = client.post(path, json=body, params=KEYS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")
    return str(answer.json()["error"]["message"])


def test_an_incident_goes_through_its_states(client: TestClient, account: SimulatedAccount) -> None:
    states = []
    for path, more in (
        ("/incident/ack", {}),
        ("/incident/unack", {}),
        ("/incident/snooze", {"minutes": 60}),
        ("/incident/wake", {}),
        ("/incident/resolve", {"root_cause": "A leak."}),
        ("/incident/reopen", {"reason": "It came back."}),
    ):
        assert data(client, path, {"incident_ids": [ID], **more}) == {}
        shown = account.incident(ID)
        states.append((account.feed(ID)[-1]["type"], shown["progress"], shown["snoozed_before"]))
    assert states == [
        ("i_ack", "Processing", 0),
        ("i_unack", "Triggered", 0),
        ("i_snooze", "Triggered", NOW + 3600),
        ("i_wake", "Triggered", 0),
        ("i_rslv", "Closed", 0),
        ("i_reopen", "Triggered", 0),
    ]
    assert account.incident(ID)["root_cause"] == "A leak."


def test_the_alerts_of_an_incident_are_active_or_recovered(client: TestClient) -> None:
    def statuses(more: dict[str, Any]) -> list[str]:
        listed = data(client, "/incident/alert/list", {"incident_id": ID, **more})
        assert listed["total"] == len(listed["items"])
        return [alert["alert_status"] for alert in listed["items"]]

    assert statuses({}) == ["Critical", "Ok"]
    assert statuses({"is_active": True}) == ["Critical"]
    assert statuses({"is_active": False, "include_events": True}) == ["Ok"]


def test_past_incidents_need_a_channel(client: TestClient, account: SimulatedAccount) -> None:
    past = {**INCIDENT, "incident_id": "a" * 24, "progress": "Closed"}
    account.add_incident(past)
    (found,) = data(client, "/incident/past/list", {"incident_id": ID})["items"]
    assert (found["incident_id"], found["score"]) == ("a" * 24, 1.0)

    account.add_incident({**INCIDENT, "channel_id": 0})
    answer = client.post("/incident/past/list", json={"incident_id": ID}, params=KEYS)
    assert answer.status_code == 400
    assert answer.json()["error"] == {"code": "ResourceNotFound", "message": "Channel not found"}


def test_an_incident_is_created(client: TestClient, account: SimulatedAccount) -> None:
    body = {"incident_severity": "Warning", "title": "Odd noise", "channel_id": CHANNEL}
    created = data(client, "/incident/create", body)
    shown = account.incident(created["incident_id"])
    assert created["title"] == "Odd noise"
    assert (shown["progress"], shown["channel_id"], shown["creator_id"]) == (
        *("Triggered", CHANNEL, ME),
    )
    assert account.feed(created["incident_id"])[0]["type"] == "i_new"


def test_fields_are_listed_by_a_pattern(client: TestClient) -> None:
    listed = data(client, "/field/list", {"query": "^(owner|priority)$"})
    assert [one["field_name"] for one in listed["items"]] == ["priority", "owner"]
    assert len(data(client, "/field/list", {})["items"]) == 5


def test_changes_are_found_by_text_over_title_and_labels(client: TestClient) -> None:
    window = {"start_time": NOW - 86400, "end_time": NOW}

    def keys(more: dict[str, Any]) -> list[str]:
        listed = data(client, "/change/list", {**window, **more})
        assert "events" not in listed["items"][0] if listed["items"] else True
        return [one["change_key"] for one in listed["items"]]

    assert keys({}) == ["deploy-4812", "deploy-4807", "deploy-4799"]
    assert keys({"asc": True, "limit": 1}) == ["deploy-4799"]
    assert keys({"query": "Checkout"}) == ["deploy-4812"]
    assert keys({"query": "service=engine"}) == ["deploy-4807"]
    assert keys({"query": "2026.11.22-5"}) == ["deploy-4812"]
    assert keys({"query": "("}) == []
    assert keys({"start_time": NOW - 3600}) == ["deploy-4812"]
    assert keys({"integration_ids": [1]}) == []
    assert keys({"orderby": "last_time", "p": 2, "limit": 2}) == ["deploy-4799"]
    with_events = data(client, "/change/list", {**window, "include_events": True, "limit": 1})
    assert len(with_events["items"][0]["events"]) == 2
    assert (with_events["total"], with_events["has_next_page"]) == (3, True)


def test_a_rollback_is_pushed_as_a_change(client: TestClient, account: SimulatedAccount) -> None:
    path = "/event/push/change/standard"
    labels = {"service": "checkout"}
    body = {"change_key": "deploy-4812", "change_status": "Canceled", "title": "Rolled back"}
    assert data(client, path, {**body, "labels": labels}) == {"change_key": "deploy-4812"}
    (change,) = [one for one in account.changes() if one["change_key"] == "deploy-4812"]
    assert (change["change_status"], change["title"]) == ("Canceled", "Rolled back")
    assert (change["end_time"], change["integration_name"]) == (NOW, "Deploy platform")

    assert refused(client, path, {**body, "change_status": "done"}) == (
        "change_status must be one of Planned, Ready, Processing, Canceled, Done."
    )
    assert refused(client, path, {**body, "labels": {"a": 1}}) == "labels.a must be a string."
    assert refused(client, path, {**body, "labels": ["a"]}) == "labels must be an object."
    many = {str(number): "" for number in range(51)}
    assert refused(client, path, {**body, "labels": many}) == "labels must have at most 50 pairs."
    assert refused(client, path, {**body, "labels": {"k" * 129: ""}}) == (
        "labels must have keys of at most 128 characters."
    )


def test_people_are_found(client: TestClient) -> None:
    own = data(client, "/member/info", {})
    assert (own["member_id"], own["account_name"]) == (ME, "TouTie Tech")

    listed = data(client, "/member/list", {"query": "ZHANG", "p": 1, "limit": 5})
    assert (listed["p"], listed["limit"], listed["total"]) == (1, 5, 1)
    assert listed["items"][0]["email"] == "zhangsan@toutie.com"
    assert data(client, "/member/list", {"role_id": 6})["items"] == []

    (person,) = data(client, "/person/infos", {"person_ids": [1552048792504, 7]})["items"]
    assert (person["person_id"], person["person_name"]) == (1552048792504, "TouTie")


def test_a_status_page_event_is_made_updated_and_read(client: TestClient) -> None:
    (page,) = read(client, "/status-page/list", {})["items"]
    assert page["page_id"] == PAGE
    assert read(client, "/status-page/info", {"page_id": PAGE}) == page
    down = [{"component_id": CHECKOUT, "status": "full_outage"}]
    event = {"type": "incident", "status": "investigating", "title": "Checkout is down"}
    texts = {"description": "We are looking into it."}
    made = data(
        client,
        "/status-page/change/create",
        {"page_id": PAGE, **event, **texts, "updates": [{**texts, "component_changes": down}]},
    )
    assert made["change_name"] == "Checkout is down"
    of_event = {"page_id": PAGE, "change_id": made["change_id"]}

    data(client, "/status-page/change/update", {**of_event, "title": "Checkout failed"})
    update = {**of_event, "status": "resolved", "description": "It works again."}
    well = [{"component_id": CHECKOUT, "status": "operational"}]
    added = data(
        client, "/status-page/change/timeline/create", {**update, "component_changes": well}
    )
    shown = read(client, "/status-page/change/info", of_event)
    assert (shown["title"], shown["status"], shown["close_at_seconds"]) == (
        "Checkout failed",
        "resolved",
        NOW,
    )
    assert [one["status"] for one in shown["affected_components"]] == ["operational"]
    assert shown["updates"][-1]["update_id"] == added["update_id"]

    query: dict[str, str | int] = {"page_id": PAGE, "type": "incident"}
    assert read(client, "/status-page/change/active/list", query) == {"items": []}
    resolved = {**query, "status": "resolved", "end_at_seconds": NOW}
    assert read(client, "/status-page/change/list", resolved) == {"items": [shown]}
    later = {**resolved, "start_at_seconds": NOW + 1}
    assert read(client, "/status-page/change/list", later) == {"items": []}


def test_an_event_that_runs_is_in_the_active_list(client: TestClient) -> None:
    event = {"type": "incident", "status": "monitoring", "title": "API", "description": "Watching."}
    changes = [{"component_id": CHECKOUT, "status": "degraded"}]
    body = {"page_id": PAGE, **event, "updates": [{"component_changes": changes}]}
    change_id = data(client, "/status-page/change/create", body)["change_id"]

    query: dict[str, str | int] = {"page_id": PAGE, "type": "incident"}
    running = read(client, "/status-page/change/active/list", query)["items"]
    assert [one["change_id"] for one in running] == [change_id]
    planned = {**query, "type": "maintenance"}
    assert read(client, "/status-page/change/active/list", planned) == {"items": []}


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("list", {"page_id": PAGE, "type": "incident"}, "status is required."),
        ("list", {"page_id": "x", "type": "incident"}, "page_id must be an integer."),
        ("list", {"page_id": "9" * 30, "type": "incident"}, "page_id must be an integer."),
        ("active/list", {"page_id": PAGE}, "type is required."),
        (
            "active/list",
            {"page_id": PAGE, "type": "x"},
            "type must be one of incident, maintenance.",
        ),
        ("info", {"page_id": PAGE}, "change_id is required."),
        (
            "info",
            {"page_id": PAGE, "change_id": 7},
            "The resource you request is not found: change_id 7.",
        ),
        (
            "info",
            {"page_id": 7, "change_id": 7},
            "The resource you request is not found: page_id 7.",
        ),
    ],
)
def test_a_status_page_query_is_checked(
    client: TestClient, path: str, query: dict[str, Any], error: str
) -> None:
    answer = client.get(f"/status-page/change/{path}", params={**KEYS, **query})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, error)
