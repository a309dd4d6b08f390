"""Alerts are listed, followed back to their events, merged and closed."""

import asyncio
from typing import Any

import pytest

from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY
from tests.flashduty.simulated.handlers.calling import FIRST, NOW, SECOND, Calling

ONE, TWO = f"{0:024x}", f"{1:024x}"
WINDOW = {"start_time": NOW - 3600, "end_time": NOW + 3600}


def push(call: Calling, status: str) -> str:
    """Push an event about the third alert and give the alert's id."""
    event = {"title_rule": "CPU", "event_status": status, "alert_key": "cpu"}
    key = ALERT_INTEGRATION_KEY
    asyncio.run(perform(call.account, "/event/push/alert/standard", event, integration_key=key))
    listed = call("/alert/list", **WINDOW, alert_keys=["cpu"])
    return str(listed["items"][0]["alert_id"])


def ids(call: Calling, **asked: Any) -> list[str]:
    return [one["alert_id"] for one in call("/alert/list", **{**WINDOW, **asked})["items"]]


def test_an_alert_is_shown_with_its_incident(call: Calling) -> None:
    shown = call("/alert/info", alert_id=ONE)
    assert (shown["title"], shown["incident"]["incident_id"]) == ("alert 0", FIRST)
    assert call.missing("/alert/info", alert_id="f" * 24) == f"alert_id {'f' * 24}."


def test_alerts_by_ids_are_all_there_or_the_call_fails(call: Calling) -> None:
    listed = call("/alert/list-by-ids", alert_ids=[TWO, ONE])
    assert ([one["alert_id"] for one in listed["items"]], listed["total"]) == ([TWO, ONE], 2)
    assert call.missing("/alert/list-by-ids", alert_ids=[ONE, "f" * 24]) == f"alert_id {'f' * 24}."


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [TWO, ONE]),
        ({"asc": True}, [ONE, TWO]),
        ({"is_active": False}, []),
        ({"is_active": True}, [TWO, ONE]),
        ({"alert_severity": "Info,Critical"}, [TWO, ONE]),
        ({"alert_severity": "Info"}, []),
        ({"channel_ids": [CHANNEL]}, [TWO, ONE]),
        ({"channel_ids": [7]}, []),
        ({"alert_ids": [ONE.upper()]}, [ONE]),
        ({"alert_keys": ["key-1"]}, [TWO]),
        ({"integration_ids": [1]}, []),
        ({"limit": 1, "p": 2}, [ONE]),
        ({"limit": 1, "search_after_ctx": TWO}, [ONE]),
        ({"start_time": NOW - 59}, [TWO]),
    ],
)
def test_alerts_are_filtered_and_paged(
    call: Calling, asked: dict[str, Any], found: list[str]
) -> None:
    assert ids(call, **asked) == found


def test_a_window_has_an_end_and_31_days_at_most(call: Calling) -> None:
    assert call.refused("/alert/list", start_time=NOW, end_time=NOW)[1] == (
        "end_time must be greater than start_time."
    )
    assert call.refused("/alert/list", start_time=NOW - 32 * 86400, end_time=NOW)[1] == (
        "end_time must be at most 31 days after start_time."
    )


def test_the_events_of_an_alert_are_kept_in_their_order(call: Calling) -> None:
    push(call, "Warning")
    call.clock.now += 60
    alert_id = push(call, "Critical")
    events = call("/alert/event/list", alert_id=alert_id)["items"]
    assert [one["event_severity"] for one in events] == ["Warning", "Critical"]
    newest = call("/alert-event/list", **WINDOW, severities="Critical")["items"]
    assert [one["event_id"] for one in newest] == [events[1]["event_id"]]
    incident_id = call("/alert/info", alert_id=alert_id)["incident"]["incident_id"]
    (with_events,) = call("/incident/alert/list", incident_id=incident_id, include_events=True)[
        "items"
    ]
    assert [one["event_severity"] for one in with_events["events"]] == ["Critical", "Warning"]


def test_an_alert_has_a_timeline_of_its_own(call: Calling) -> None:
    alert_id = push(call, "Warning")
    call("/alert/close", alert_ids=[alert_id])
    feed = call("/alert/feed", alert_id=alert_id)["items"]
    assert [one["type"] for one in feed] == ["a_close", "a_new"]
    assert feed[1]["detail"] == {"severity": "Warning", "status": "Warning"}
    only = call("/alert/feed", alert_id=alert_id, types=["a_new"], asc=True)["items"]
    assert [one["type"] for one in only] == ["a_new"]


def test_a_closed_alert_is_not_active_and_closing_it_twice_is_nothing(call: Calling) -> None:
    call("/alert/close", alert_ids=[ONE])
    call("/alert/close", alert_ids=[ONE])
    shown = call("/alert/info", alert_id=ONE)
    assert (shown["progress"], shown["close_time"], shown["end_time"]) == ("Closed", NOW, 0)
    assert ids(call, is_active=False) == [ONE]


def test_merging_the_last_alert_away_closes_the_incident_it_was_in(call: Calling) -> None:
    call("/alert/merge", alert_ids=[TWO], incident_id=FIRST, title="Both", comment="Same.")
    assert call("/alert/info", alert_id=TWO)["incident"]["incident_id"] == FIRST
    target = call.account.incident(FIRST)
    assert (target["alert_cnt"], target["title"]) == (2, "Both")
    emptied = call.account.incident(SECOND)
    assert (emptied["progress"], emptied["alert_cnt"]) == ("Closed", 0)
    assert call.kinds(FIRST)[-1] == "a_merge"
    call("/alert/merge", alert_ids=[TWO], incident_id=FIRST)  # it is there already
    assert call.account.incident(FIRST)["alert_cnt"] == 2
