"""What happens to incidents and alerts is told to the webhooks that want it, in the vendor's shape."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulated.webhooks import Webhook

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
ME = 3790925372131
LISI = 1999632289504
SAMPLES: Final = Path(__file__).parents[4] / "shared" / "flashduty" / "samples"
INCIDENT: Final[Mapping[str, Any]] = {
    "incident_id": ID,
    "alerts": [{"alert_id": "6551f37f8713372ad1054d54", "title": "nj"}],
    "channel_id": CHANNEL,
    "channel_name": "lim_test",
    "data_source_id": 2398086111504,
    "incident_severity": "Critical",
    "labels": {"service": "engine"},
    "title": "nj",
}
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the vendor's samples are not beside the repository"
)


@pytest.fixture
def account() -> SimulatedAccount:
    account = sample_account(lambda: NOW)
    account.add_incident(INCIDENT)
    return account


def hook(account: SimulatedAccount, **more: Any) -> Webhook:
    return account.add_webhook(Webhook("incident", "http://127.0.0.1:1/", **more))


def told(account: SimulatedAccount) -> list[dict[str, Any]]:
    """Take the bodies out of the outbox."""
    bodies = []
    while not account.webhooks.outbox.empty():
        bodies.append(orjson.loads(account.webhooks.outbox.get_nowait().body))
    return bodies


@pytest.mark.parametrize(
    ("event_type", "do"),
    [
        ("i_comm", lambda account: account.comment([ID], "Hello.", mute_reply=True)),
        ("i_ack", lambda account: account.acknowledge([ID])),
        ("i_snooze", lambda account: account.snooze([ID], 5)),
        ("i_rslv", lambda account: account.resolve([ID])),
        ("i_r_title", lambda account: account.reset(ID, {"title": "A title"})),
        ("i_r_desc", lambda account: account.reset(ID, {"description": "Text."})),
        ("i_r_impact", lambda account: account.reset(ID, {"impact": "Text."})),
        ("i_r_rc", lambda account: account.reset(ID, {"root_cause": "Text."})),
        ("i_r_rsltn", lambda account: account.reset(ID, {"resolution": "Text."})),
        ("i_r_severity", lambda account: account.reset(ID, {"incident_severity": "Info"})),
        ("i_r_field", lambda account: account.reset_field(ID, "priority", "P1")),
        ("i_new", lambda account: account.create_incident({"incident_severity": "Info"})),
    ],
)
def test_what_a_person_does_is_an_event_with_that_person(
    account: SimulatedAccount, event_type: str, do: Callable[[SimulatedAccount], object]
) -> None:
    hook(account)
    with account.acting_as(LISI):
        do(account)
    (body,) = told(account)
    assert (body["event_type"], body["event_time"]) == (event_type, NOW * 1000)
    assert body["person"] == {
        "person_id": LISI,
        "person_name": "lisi",
        "email": "lisi@toutie.com",
    }
    assert len(body["event_id"]) == 32
    assert "alerts" not in body["incident"]


def test_the_newest_state_is_told_and_not_the_difference(account: SimulatedAccount) -> None:
    hook(account)
    account.reset(ID, {"title": "Disk full"})
    (body,) = told(account)
    assert body["incident"]["title"] == "Disk full"
    assert body["person"]["person_id"] == ME
    assert (body["incident"]["data_source_id"], "integration_id" in body["incident"]) == (
        2398086111504,
        False,
    )


def test_what_was_there_before_is_told_to_nobody(account: SimulatedAccount) -> None:
    hook(account)
    account.add_incident({**INCIDENT, "incident_id": "f" * 24})
    assert told(account) == []


def test_without_webhooks_nothing_waits_to_be_delivered(account: SimulatedAccount) -> None:
    account.acknowledge([ID])
    assert account.webhooks.outbox.empty()


def test_a_webhook_gets_the_events_and_channels_it_chose(account: SimulatedAccount) -> None:
    hook(account, event_types=("i_comm",), channel_ids=(CHANNEL,))
    hook(account, channel_ids=(7,))
    account.acknowledge([ID])
    account.comment([ID], "Hello.", mute_reply=True)
    assert [body["event_type"] for body in told(account)] == ["i_comm"]


def test_one_event_has_one_id_for_all_webhooks(account: SimulatedAccount) -> None:
    hook(account)
    hook(account)
    account.acknowledge([ID])
    first, second = told(account)
    assert first == second


def test_closing_by_hand_closes_the_alerts_and_says_so(account: SimulatedAccount) -> None:
    account.add_webhook(Webhook("alert", "http://127.0.0.1:1/", event_types=("a_new",)))
    account.resolve([ID])
    (body,) = told(account)
    assert (body["event_type"], body["alert"]["progress"]) == ("a_close", "Closed")
    assert body["person"]["person_id"] == ME
    assert body["alert"]["incident"] == {"incident_id": ID, "title": "nj"}


def test_an_incident_made_by_hand_has_no_labels_and_a_creator(account: SimulatedAccount) -> None:
    hook(account)
    account.create_incident({"incident_severity": "Info", "title": "By hand"})
    (body,) = told(account)
    assert "labels" not in body["incident"]
    assert body["incident"]["creator"]["person_id"] == ME
    assert body["incident"]["detail_url"].startswith("http://10.206.0.17:8567/incident/detail/")


# The vendor's samples -----------------------------------------------------------------------


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


@needs_samples
def test_an_incident_webhook_has_the_fields_of_the_vendors_sample(
    account: SimulatedAccount,
) -> None:
    theirs = sample("incident-webhook.i_new.docs-en")
    account.add_incident(theirs["incident"])
    hook(account)
    account.acknowledge([theirs["incident"]["incident_id"]])
    (ours,) = told(account)
    assert ours.keys() == theirs.keys()
    assert ours["incident"].keys() == theirs["incident"].keys()
    assert ours["incident"]["responders"][0].keys() == theirs["incident"]["responders"][0].keys()
    same = set(ours["incident"]) - {"ack_time", "progress", "responders", "responder_ids"}
    same -= {"updated_at"}
    for name in same:
        assert ours["incident"][name] == theirs["incident"][name], name


@needs_samples
def test_a_press_has_the_fields_of_the_vendors_sample(account: SimulatedAccount) -> None:
    theirs = sample("custom-action.i_custom.docs-en")
    account.add_incident(theirs["incident"])
    button = account.add_webhook(Webhook("action", "http://127.0.0.1:1/"))
    ours = orjson.loads(
        account.press(theirs["incident"]["incident_id"], button.integration_id).body
    )
    assert ours.keys() == theirs.keys()
    assert ours["incident"].keys() == theirs["incident"].keys()
    assert ours["incident"]["alerts"] == theirs["incident"]["alerts"]


@needs_samples
def test_an_alert_webhook_has_the_fields_of_the_vendors_sample(account: SimulatedAccount) -> None:
    theirs = sample("alert-webhook.a_merge.docs-en")
    account.add_webhook(Webhook("alert", "http://127.0.0.1:1/"))
    account.resolve([ID])
    (ours,) = told(account)
    assert ours.keys() == theirs.keys()
    assert ours["alert"].keys() == theirs["alert"].keys()
