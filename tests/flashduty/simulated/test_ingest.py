"""A pushed alert event becomes an alert and an incident, updates them, and lets them recover."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import push_alert
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Webhook

EVENT: Mapping[str, Any] = {
    "title_rule": "CPU of es.nj.01",
    "event_status": "Warning",
    "alert_key": "cpu-es.nj.01",
    "description": "cpu.idle < 20%",
    "labels": {"service": "engine"},
}


class FakeClock:
    now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def account(clock: FakeClock) -> SimulatedAccount:
    account = sample_account(clock)
    account.add_webhook(Webhook("alert", "http://127.0.0.1:1/"))
    account.add_webhook(Webhook("incident", "http://127.0.0.1:1/"))
    return account


def push(account: SimulatedAccount, **more: Any) -> str:
    call = {**EVENT, **more, "integration_key": ALERT_INTEGRATION_KEY}
    return str(asyncio.run(push_alert(account, call))["alert_key"])


def told(account: SimulatedAccount) -> list[dict[str, Any]]:
    bodies = []
    while not account.webhooks.outbox.empty():
        bodies.append(orjson.loads(account.webhooks.outbox.get_nowait().body))
    return bodies


def types(account: SimulatedAccount) -> list[str]:
    return [body["event_type"] for body in told(account)]


def only_incident(account: SimulatedAccount) -> dict[str, Any]:
    (incident,) = account.incidents()
    return incident


def test_a_new_alert_makes_an_incident_and_nobody_did_it(account: SimulatedAccount) -> None:
    assert push(account) == "cpu-es.nj.01"
    new, incident, merged = told(account)
    assert [one["event_type"] for one in (new, incident, merged)] == ["a_new", "i_new", "a_merge"]
    assert not any("person" in one for one in (new, incident, merged))
    assert "incident" not in new["alert"]
    assert merged["alert"]["incident"]["incident_id"] == incident["incident"]["incident_id"]
    shown = incident["incident"]
    assert (shown["title"], shown["labels"], shown["channel_id"], shown["channel_name"]) == (
        "CPU of es.nj.01",
        {"service": "engine"},
        CHANNEL,
        "lim_test",
    )
    assert (shown["incident_severity"], shown["incident_status"]) == ("Warning", "Warning")
    assert (shown["alert_cnt"], shown["data_source_id"]) == (1, 2398086111504)
    assert "creator" not in shown


def test_an_event_with_the_same_key_updates_the_alert_and_its_incident(
    account: SimulatedAccount, clock: FakeClock
) -> None:
    push(account)
    told(account)
    clock.now += 60
    push(account, event_status="Critical", title_rule="CPU", labels={"service": "search"})
    (updated,) = told(account)
    assert (updated["event_type"], updated["alert"]["event_cnt"]) == ("a_update", 2)
    incident = only_incident(account)
    assert (incident["title"], incident["labels"]) == ("CPU", {"service": "search"})
    assert (incident["incident_severity"], incident["last_time"]) == ("Critical", clock.now)


def test_what_a_person_set_is_not_overwritten(account: SimulatedAccount) -> None:
    push(account)
    incident_id = only_incident(account)["incident_id"]
    account.reset(incident_id, {"title": "Search is slow", "incident_severity": "Info"})
    push(account, event_status="Critical", title_rule="CPU")
    incident = only_incident(account)
    assert (incident["title"], incident["incident_severity"]) == ("Search is slow", "Info")
    assert incident["incident_status"] == "Critical"


def test_a_recovery_closes_the_alert_and_the_incident_by_nobody(
    account: SimulatedAccount, clock: FakeClock
) -> None:
    push(account)
    told(account)
    clock.now += 60
    push(account, event_status="Ok")
    updated, resolved = told(account)
    assert (updated["event_type"], updated["alert"]["alert_status"]) == ("a_update", "Ok")
    assert updated["alert"]["alert_severity"] == "Warning"
    assert updated["alert"]["end_time"] == clock.now
    assert resolved["event_type"] == "i_rslv"
    assert "person" not in resolved
    incident = only_incident(account)
    assert (incident["progress"], incident["incident_status"]) == ("Closed", "Ok")
    assert (incident["end_time"], incident["close_time"]) == (clock.now, clock.now)
    assert (incident["closer_id"], incident["active_alert_cnt"]) == (0, 0)


def test_an_event_equal_to_the_last_one_is_discarded(account: SimulatedAccount) -> None:
    push(account)
    push(account)
    assert types(account) == ["a_new", "i_new", "a_merge"]


def test_a_recovery_of_what_is_not_running_is_discarded(account: SimulatedAccount) -> None:
    push(account, event_status="Ok")
    assert (types(account), account.incidents()) == ([], [])


@pytest.mark.parametrize("by_hand", [True, False])
def test_after_the_end_the_same_key_is_a_new_alert_and_a_new_incident(
    account: SimulatedAccount, *, by_hand: bool
) -> None:
    push(account)
    if by_hand:
        account.resolve([only_incident(account)["incident_id"]])
    else:
        push(account, event_status="Ok")
    told(account)
    push(account)
    assert types(account) == ["a_new", "i_new", "a_merge"]
    assert len(account.incidents()) == 2


def test_without_a_key_every_event_is_an_alert_of_its_own(account: SimulatedAccount) -> None:
    assert push(account, alert_key="") != push(account, alert_key="")
    assert len(account.incidents()) == 2


def test_what_is_too_long_is_truncated(account: SimulatedAccount) -> None:
    labels = {f"k{number:03}" + "x" * 200: "v" * 3000 for number in range(60)}
    push(account, title_rule="t" * 600, alert_key="k" * 300, description="d" * 3000, labels=labels)
    (alert,) = [one.info() for one in account.cases.all_alerts()]
    lengths = [len(alert[name]) for name in ("title", "alert_key", "description", "labels")]
    assert lengths == [512, 255, 2048, 50]
    assert {(len(name), len(value)) for name, value in alert["labels"].items()} == {(128, 2048)}


def test_a_title_may_be_made_of_labels(account: SimulatedAccount) -> None:
    push(account, title_rule="[TPL]${service} is ${absent}down")
    assert only_incident(account)["title"] == "engine is down"
