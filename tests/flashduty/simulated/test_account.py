"""The simulated account keeps what it is given, and all or nothing of what calls change."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.refusal import RefusalError

ME = 3790925372131
INCIDENT_ID = "6551f3888713372ad1054d57"
ALERT: Mapping[str, Any] = {
    "alert_id": "6551f37f8713372ad1054d54",
    "alert_severity": "Critical",
    "alert_status": "Critical",
    "data_source_id": 2398086111504,
    "end_time": 0,
    "event_cnt": 4,
    "labels": {"resource": "es.nj.01"},
    "progress": "Triggered",
    "title": "nj / es.nj.01",
}
INCIDENT: Mapping[str, Any] = {
    "event_id": "fac0599a2a25529ba2362c0c184b6cfb",
    "alerts": [ALERT],
    "alert_cnt": 1,
    "channel_id": 1973372625504,
    "channel_name": "lim_test",
    "creator": {"person_id": 1552048792504, "person_name": "TouTie"},
    "data_source_id": 2398086111504,
    "fields": {"priority": "P3"},
    "incident_id": INCIDENT_ID,
    "incident_severity": "Critical",
    "incident_status": "Critical",
    "labels": {"resource": "es.nj.01", "service": "engine"},
    "progress": "Triggered",
    "responders": [{"person_id": 1234648032504, "assigned_at": 1, "acknowledged_at": 0}],
    "title": "nj / es.nj.01",
}


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def account(clock: FakeClock) -> SimulatedAccount:
    account = SimulatedAccount(clock)
    member = {"member_id": ME, "member_name": "Automation engine", "email": "engine@toutie.com"}
    account.add_member(member, owns_app_key=True)
    account.add_incident(INCIDENT)
    return account


def kinds(account: SimulatedAccount) -> list[str]:
    return [entry["type"] for entry in account.feed(INCIDENT_ID)]


def test_an_incident_of_a_webhook_is_kept_as_the_api_shows_it(account: SimulatedAccount) -> None:
    shown = account.incident(INCIDENT_ID)

    assert "alerts" not in shown
    assert "event_id" not in shown
    assert shown["labels"] == {"resource": "es.nj.01", "service": "engine"}
    assert (shown["integration_id"], shown["integration_ids"]) == (2398086111504, [2398086111504])
    assert (shown["alert_cnt"], shown["active_alert_cnt"], shown["alert_event_cnt"]) == (1, 1, 4)
    assert (shown["creator_id"], shown["closer_id"], shown["manual_overrides"]) == (
        1552048792504,
        0,
        [],
    )


def test_its_alerts_are_kept_beside_it_with_a_short_form_of_the_incident(
    account: SimulatedAccount,
) -> None:
    (shown,) = account.alerts(INCIDENT_ID)
    expected = {
        **ALERT,
        "channel_id": 1973372625504,
        "channel_name": "lim_test",
        "channel_status": "enabled",
        "incident": {
            "incident_id": INCIDENT_ID,
            "title": "nj / es.nj.01",
            "progress": "Triggered",
        },
        "integration_id": 2398086111504,
    }
    assert expected.items() <= shown.items()


def test_its_timeline_begins_with_its_creation_in_milliseconds(account: SimulatedAccount) -> None:
    assert account.feed(INCIDENT_ID) == [
        {
            "ref_id": INCIDENT_ID,
            "type": "i_new",
            "detail": {"severity": "Critical", "title": "nj / es.nj.01"},
            "account_id": 74058170041504,
            "creator_id": 1552048792504,
            "created_at": 1_795_000_000_000,
            "updated_at": 1_795_000_000_000,
        }
    ]


def test_what_is_shown_can_be_changed_without_changing_the_account(
    account: SimulatedAccount,
) -> None:
    account.incident(INCIDENT_ID)["labels"]["resource"] = "another"
    account.feed(INCIDENT_ID)[0]["detail"]["title"] = "another"
    account.alerts(INCIDENT_ID)[0]["labels"].clear()

    assert account.incident(INCIDENT_ID)["labels"]["resource"] == "es.nj.01"
    assert account.feed(INCIDENT_ID)[0]["detail"]["title"] == "nj / es.nj.01"
    assert account.alerts(INCIDENT_ID)[0]["labels"] == {"resource": "es.nj.01"}


def test_the_webhook_body_is_not_changed_either(account: SimulatedAccount) -> None:
    account.resolve([INCIDENT_ID])
    assert ALERT["progress"] == "Triggered"
    assert INCIDENT["progress"] == "Triggered"


def test_an_incident_that_comes_again_is_replaced_and_its_timeline_goes_on(
    account: SimulatedAccount,
) -> None:
    account.comment([INCIDENT_ID], "Looking.", mute_reply=False)
    account.add_incident({**INCIDENT, "title": "nj / es.nj.01 again"})

    assert account.incident(INCIDENT_ID)["title"] == "nj / es.nj.01 again"
    assert kinds(account) == ["i_new", "i_comm"]


@pytest.mark.parametrize(
    ("field_type", "fitting", "wrong"),
    [
        ("checkbox", True, "true"),
        ("single_select", "a", "c"),
        ("single_select", "b", ["b"]),
        ("multi_select", ["a", "b"], "a"),
        ("multi_select", [], ["a", "c"]),
        ("text", "x" * 3000, "x" * 3001),
        ("text", "x", 7),
    ],
)
def test_a_custom_field_takes_values_of_its_type_only(
    account: SimulatedAccount, field_type: str, fitting: object, wrong: object
) -> None:
    account.add_field({"field_name": "f", "field_type": field_type, "options": ["a", "b"]})

    account.reset_field(INCIDENT_ID, "f", fitting)
    with pytest.raises(RefusalError, match=r"^field_value of f must be "):
        account.reset_field(INCIDENT_ID, "f", wrong)

    assert account.incident(INCIDENT_ID)["fields"] == {"priority": "P3", "f": fitting}
    assert account.feed(INCIDENT_ID)[-1]["detail"] == {"field_name": "f", "to": fitting}


def test_a_custom_field_tells_who_made_it_and_when(account: SimulatedAccount) -> None:
    account.add_field({"field_name": "owner", "field_type": "text"})
    (field,) = account.fields()
    assert (field["creator_id"], field["updated_by"]) == (account.actor, account.actor)
    assert field["created_at"] == field["updated_at"] == int(account.clock())


def test_a_custom_field_without_a_value_is_deleted(account: SimulatedAccount) -> None:
    account.add_field({"field_name": "priority", "field_type": "text"})
    account.reset_field(INCIDENT_ID, "priority", None)
    account.reset_field(INCIDENT_ID, "priority", None)
    assert account.incident(INCIDENT_ID)["fields"] == {}


def test_a_field_that_is_not_defined_is_refused(account: SimulatedAccount) -> None:
    with pytest.raises(RefusalError, match=r"^field_name owner is no custom field"):
        account.reset_field(INCIDENT_ID, "owner", "team-engine")


@pytest.mark.parametrize(
    "act",
    [
        lambda account, ids: account.comment(ids, "Hello.", mute_reply=True),
        lambda account, ids: account.acknowledge(ids),
        lambda account, ids: account.unacknowledge(ids),
        lambda account, ids: account.resolve(ids),
        lambda account, ids: account.reopen(ids),
        lambda account, ids: account.snooze(ids, 5),
        lambda account, ids: account.wake(ids),
    ],
)
def test_a_call_on_several_incidents_of_which_one_is_unknown_changes_none(
    account: SimulatedAccount, act: Callable[[SimulatedAccount, list[str]], None]
) -> None:
    before = account.incident(INCIDENT_ID)
    with pytest.raises(RefusalError) as refusal:
        act(account, [INCIDENT_ID, "0" * 24])
    assert refusal.value.code == "ResourceNotFound"
    assert account.incident(INCIDENT_ID) == before
    assert kinds(account) == ["i_new"]


def test_an_id_in_capitals_or_twice_is_one_incident(account: SimulatedAccount) -> None:
    account.comment([INCIDENT_ID.upper(), INCIDENT_ID], "Hello.", mute_reply=True)
    assert kinds(account) == ["i_new", "i_comm"]


def test_events_with_one_key_are_one_change(account: SimulatedAccount, clock: FakeClock) -> None:
    event = {"change_key": "deploy-1", "title": "Deploy", "labels": {"service": "engine"}}
    account.add_change({**event, "change_status": "Processing"})
    clock.now += 60
    account.add_change({**event, "change_status": "Canceled", "title": "Deploy, rolled back"})

    (change,) = account.changes()
    events = change.pop("events")
    assert change == {
        "change_id": change["change_id"],
        "change_key": "deploy-1",
        "change_status": "Canceled",
        "title": "Deploy, rolled back",
        "description": "",
        "link": "",
        "labels": {"service": "engine"},
        "start_time": 1_795_000_000,
        "last_time": 1_795_000_060,
        "end_time": 1_795_000_060,
        "integration_id": 0,
    }
    assert [one["change_status"] for one in events] == ["Processing", "Canceled"]


def test_past_incidents_are_closed_alike_and_of_the_same_channel(
    account: SimulatedAccount,
) -> None:
    ids = [f"{number:024x}" for number in range(4)]
    closed = {**INCIDENT, "progress": "Closed"}
    account.add_incident({**closed, "incident_id": ids[0], "title": "nj / es.nj.02"})
    account.add_incident({**closed, "incident_id": ids[1], "title": "Payment refused"})
    account.add_incident({**closed, "incident_id": ids[2], "channel_id": 7})
    account.add_incident({**INCIDENT, "incident_id": ids[3]})

    assert [one["incident_id"] for one in account.past_incidents(INCIDENT_ID)] == [ids[0]]
    assert 0.9 < account.past_incidents(INCIDENT_ID)[0]["score"] < 1


def test_an_incident_without_a_channel_has_no_past(account: SimulatedAccount) -> None:
    account.add_incident({**INCIDENT, "incident_id": "f" * 24, "channel_id": 0})
    with pytest.raises(RefusalError, match=r"^Channel not found$"):
        account.past_incidents("f" * 24)


def test_an_incident_made_by_hand_has_no_labels_and_no_alerts(account: SimulatedAccount) -> None:
    assigned_to = {"person_ids": [ME]}
    incident_id = account.create_incident(
        {"incident_severity": "Warning", "title": "Odd noise", "assigned_to": assigned_to}
    )
    shown = account.incident(incident_id)
    assert (shown["title"], shown["incident_status"], shown["creator_id"], shown["channel_id"]) == (
        "Odd noise",
        "Warning",
        ME,
        0,
    )
    assert (shown["labels"], account.alerts(incident_id)) == ({}, [])
    assert shown["responders"] == [
        {"person_id": ME, "assigned_at": 1_795_000_000, "acknowledged_at": 0}
    ]
    assert shown["num"] == incident_id[-6:].upper()
