"""An event is what Flashduty said, and it stays that."""

import dataclasses
from typing import Any

import pytest

from engine.events.event import Event


def event(payload: dict[str, Any]) -> Event:
    return Event(
        id="01J",
        source="custom-action",
        action="restart-host",
        key="fac0",
        type="i_custom",
        time=1700208013988,
        query={},
        headers={},
        payload=payload,
        received=1.0,
    )


def test_an_event_about_an_incident_knows_which_one() -> None:
    assert event({"incident": {"incident_id": "6551f3"}}).incident_id == "6551f3"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"incident": None},
        {"incident": "6551f3"},
        {"incident": [{"incident_id": "6551f3"}]},
        {"incident": {}},
        {"incident": {"incident_id": None}},
        {"incident": {"incident_id": 6551}},
        {"alert": {"alert_id": "6551f3"}},
    ],
)
def test_an_event_that_names_no_incident_is_about_none(payload: dict[str, Any]) -> None:
    assert event(payload).incident_id is None


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        event({}).action = "reboot"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("source", "keys", "asked"),
    [
        ("label-mapping", ["owner", "tier", "owner"], {"owner", "tier"}),
        ("label-mapping", [], set()),
        ("label-mapping", None, set()),
        ("incident-webhook", ["owner"], set()),
    ],
)
def test_only_a_call_asks_for_labels(source: str, keys: object, asked: set[str]) -> None:
    called = dataclasses.replace(event({"result_label_keys": keys}), source=source)

    assert called.asked == asked
