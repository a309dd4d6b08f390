"""An incident keeps the vendor's state rules (reference 2.5) and its timeline (2.6)."""

from collections.abc import Mapping
from typing import Any

import pytest

from engine.flashduty.simulated.account import SimulatedAccount

ME = 3790925372131
INCIDENT_ID = "6551f3888713372ad1054d57"
ALERT = {"alert_id": "6551f37f8713372ad1054d54", "alert_severity": "Critical"}
INCIDENT: Mapping[str, Any] = {
    "alerts": [ALERT],
    "incident_id": INCIDENT_ID,
    "incident_severity": "Critical",
    "incident_status": "Critical",
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


def test_the_first_ack_makes_it_processing_and_later_ones_change_nothing(
    account: SimulatedAccount, clock: FakeClock
) -> None:
    account.acknowledge([INCIDENT_ID])
    clock.now += 60
    account.acknowledge([INCIDENT_ID])

    shown = account.incident(INCIDENT_ID)
    assert (shown["progress"], shown["ack_time"]) == ("Processing", 1_795_000_000)
    assert [(one["person_id"], one["acknowledged_at"]) for one in shown["responders"]] == [
        (1234648032504, 0),
        (ME, 1_795_000_000),
    ]
    assert kinds(account) == ["i_new", "i_ack"]


def test_when_everybody_took_their_ack_back_it_is_triggered_again(
    account: SimulatedAccount,
) -> None:
    account.acknowledge([INCIDENT_ID])
    account.unacknowledge([INCIDENT_ID])
    account.unacknowledge([INCIDENT_ID])

    shown = account.incident(INCIDENT_ID)
    assert (shown["progress"], shown["ack_time"]) == ("Triggered", 0)
    assert kinds(account) == ["i_new", "i_ack", "i_unack"]


def test_while_somebody_else_acks_it_taking_mine_back_leaves_it_processing(
    account: SimulatedAccount,
) -> None:
    colleague = {"person_id": 1234648032504, "assigned_at": 1, "acknowledged_at": 5}
    account.add_incident({**INCIDENT, "responders": [colleague], "progress": "Processing"})
    account.acknowledge([INCIDENT_ID])
    account.unacknowledge([INCIDENT_ID])
    assert account.incident(INCIDENT_ID)["progress"] == "Processing"


def test_closing_by_hand_closes_the_alerts_and_leaves_the_end_time_open(
    account: SimulatedAccount,
) -> None:
    account.resolve([INCIDENT_ID], root_cause="A leak.", resolution="Restarted.")

    shown = account.incident(INCIDENT_ID)
    assert (shown["progress"], shown["close_time"], shown["end_time"], shown["closer_id"]) == (
        "Closed",
        1_795_000_000,
        0,
        ME,
    )
    assert (shown["root_cause"], shown["resolution"]) == ("A leak.", "Restarted.")
    assert shown["active_alert_cnt"] == 0
    assert account.alerts(INCIDENT_ID)[0]["progress"] == "Closed"
    assert account.feed(INCIDENT_ID)[-1]["detail"] == {"from": "console"}


def test_a_closed_incident_stays_as_it_is_until_it_is_reopened(account: SimulatedAccount) -> None:
    account.resolve([INCIDENT_ID])
    account.resolve([INCIDENT_ID])
    account.acknowledge([INCIDENT_ID])
    account.unacknowledge([INCIDENT_ID])
    account.snooze([INCIDENT_ID], 10)
    account.wake([INCIDENT_ID])
    assert account.incident(INCIDENT_ID)["progress"] == "Closed"
    assert kinds(account) == ["i_new", "i_rslv"]

    account.reopen([INCIDENT_ID], "It came back.")
    account.reopen([INCIDENT_ID], "Twice.")
    shown = account.incident(INCIDENT_ID)
    assert (shown["progress"], shown["close_time"], shown["closer_id"]) == ("Triggered", 0, 0)
    assert account.feed(INCIDENT_ID)[-1]["detail"] == {"reason": "It came back."}
    assert kinds(account) == ["i_new", "i_rslv", "i_reopen"]


def test_a_snooze_that_runs_out_triggers_it_again(
    account: SimulatedAccount, clock: FakeClock
) -> None:
    account.acknowledge([INCIDENT_ID])
    account.snooze([INCIDENT_ID], 10)
    clock.now += 599
    assert account.incident(INCIDENT_ID)["progress"] == "Processing"
    assert account.incident(INCIDENT_ID)["snoozed_before"] == 1_795_000_600

    clock.now += 1
    assert account.incident(INCIDENT_ID)["progress"] == "Triggered"
    assert account.incident(INCIDENT_ID)["snoozed_before"] == 0

    account.acknowledge([INCIDENT_ID])
    assert account.incident(INCIDENT_ID)["progress"] == "Processing"


def test_waking_ends_a_snooze_and_says_until_when_it_was(account: SimulatedAccount) -> None:
    account.wake([INCIDENT_ID])
    account.snooze([INCIDENT_ID], 10)
    account.wake([INCIDENT_ID])

    assert account.incident(INCIDENT_ID)["snoozed_before"] == 0
    assert [(entry["type"], entry["detail"]) for entry in account.feed(INCIDENT_ID)[1:]] == [
        ("i_snooze", {"minutes": 10}),
        ("i_wake", {"snoozedBefore": 1_795_000_600}),
    ]


def test_a_reset_is_in_the_timeline_and_overrides_later_alerts(account: SimulatedAccount) -> None:
    account.reset(INCIDENT_ID, {"title": "Disk full", "impact": "Search is slow."})
    account.reset(INCIDENT_ID, {"title": "Disk full on es.nj.01", "incident_severity": "Warning"})

    shown = account.incident(INCIDENT_ID)
    assert (shown["title"], shown["impact"]) == ("Disk full on es.nj.01", "Search is slow.")
    assert (shown["incident_severity"], shown["incident_status"]) == ("Warning", "Critical")
    assert shown["manual_overrides"] == ["title", "incident_severity"]
    assert [(entry["type"], entry["detail"]) for entry in account.feed(INCIDENT_ID)[1:]] == [
        ("i_r_title", {"from": "nj / es.nj.01", "to": "Disk full"}),
        ("i_r_impact", {}),
        ("i_r_title", {"from": "Disk full", "to": "Disk full on es.nj.01"}),
        ("i_r_severity", {"from": "Critical", "to": "Warning"}),
    ]
