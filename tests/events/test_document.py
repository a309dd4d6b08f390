"""What conditions and templates see of an event: the same names, whatever was delivered."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events.document import NAMES, document_of
from engine.events.event import Event

FIXTURES = Path(__file__).parents[1] / "fixtures"
SAMPLES = ("custom-action.vendor-page.json", "custom-action.field-table.json")


def event(payload: dict[str, Any], **changes: Any) -> Event:
    told: dict[str, Any] = {
        "id": "01J",
        "source": "custom-action",
        "action": "restart-host",
        "key": "fac0",
        "type": "i_custom",
        "time": 1700208013988,
        "query": {"dc": "nj"},
        "headers": {"x-team": "sre"},
        "received": 1700208014.0,
    }
    return Event(payload=payload, **(told | changes))


def document(payload: dict[str, Any]) -> dict[str, Any]:
    return document_of(event(payload), {})


@pytest.mark.parametrize("sample", SAMPLES)
def test_both_of_the_vendors_samples_read_the_same(sample: str) -> None:
    payload = json.loads((FIXTURES / sample).read_bytes())
    seen = document(payload)
    assert seen["labels"]["resource"] == "es.nj.01"
    assert seen["labels"]["check"] == "自定义字段测试"
    assert seen["fields"] == {"impacted_services": ["passport", "order"], "priority": "P3"}
    assert seen["severity"] == "Critical"
    assert seen["status"] == "Critical"
    assert seen["title"] == "nj / es.nj.01 - 自定义字段测试"
    assert seen["channel"] == "lim_test"
    assert seen["person"]["person_name"] == "zhangsan"
    assert seen["incident"]["num"] == "054D57"
    assert seen["alert"] is None
    assert [alert["alert_id"] for alert in seen["alerts"]] == ["6551f37f8713372ad1054d54"]
    assert seen["payload"] == payload


def test_the_document_says_how_the_event_came() -> None:
    seen = document_of(event({"incident": {}}), {"lb_url": "http://lb"})
    assert seen["event"] == {
        "id": "01J",
        "type": "i_custom",
        "time": 1700208013988,
        "source": "custom-action",
        "action": "restart-host",
        "query": {"dc": "nj"},
        "headers": {"x-team": "sre"},
        "stale": False,
        "own": None,
    }
    assert seen["config"] == {"lb_url": "http://lb"}


def test_every_name_of_the_document_is_a_name_that_lint_knows() -> None:
    assert set(document({})) <= set(NAMES)


def test_an_incident_made_by_hand_has_no_labels_and_reads_as_one_with_none() -> None:
    seen = document({"incident": {"incident_id": "1", "title": "by hand"}})
    assert (seen["labels"], seen["fields"], seen["alerts"]) == ({}, {}, [])
    assert (seen["person"], seen["alert"], seen["severity"]) == (None, None, None)


@pytest.mark.parametrize(
    ("alerts", "seen"),
    [
        ([{"alert_id": "1"}, {"alert_id": "2"}], [{"alert_id": "1"}, {"alert_id": "2"}]),
        ({"alert_id": "1"}, [{"alert_id": "1"}]),
        ([], []),
        (None, []),
        ("many", []),
        ([None, "x", {"alert_id": "1"}, [{"alert_id": "2"}]], [{"alert_id": "1"}]),
    ],
)
def test_alerts_are_a_list_whether_they_came_as_one_or_as_an_object(
    alerts: Any, seen: list[Any]
) -> None:
    assert document({"incident": {"alerts": alerts}})["alerts"] == seen


def test_an_alert_speaks_for_itself_and_is_the_only_alert() -> None:
    alert = {
        "alert_id": "1",
        "title": "disk full",
        "alert_severity": "Warning",
        "alert_status": "Ok",
        "labels": {"resource": "es.nj.01"},
        "channel_name": "ops",
    }
    seen = document({"alert": alert})
    assert (seen["incident"], seen["alert"], seen["alerts"]) == (None, alert, [alert])
    assert (seen["severity"], seen["status"]) == ("Warning", "Ok")
    assert (seen["title"], seen["channel"]) == ("disk full", "ops")
    assert (seen["labels"], seen["fields"]) == ({"resource": "es.nj.01"}, {})


def test_an_alert_beside_its_incident_gives_the_short_names() -> None:
    seen = document(
        {
            "incident": {"incident_severity": "Critical", "fields": {"priority": "P3"}},
            "alert": {"alert_severity": "Info"},
        }
    )
    assert seen["severity"] == "Info"
    assert seen["fields"] == {"priority": "P3"}
    assert seen["alerts"] == [{"alert_severity": "Info"}]


@pytest.mark.parametrize("odd", ["text", 1, True, None, [], [{"a": 1}], 1.5])
def test_what_should_be_an_object_and_is_none_reads_as_absent(odd: Any) -> None:
    seen = document({"incident": odd, "alert": odd, "person": odd})
    assert (seen["incident"], seen["alert"], seen["person"]) == (None, None, None)
    inside = document({"incident": {"labels": odd, "fields": odd}})
    assert (inside["labels"], inside["fields"]) == ({}, {})


def test_short_names_keep_whatever_type_was_sent() -> None:
    seen = document({"incident": {"title": 7, "incident_severity": ["Critical"]}})
    assert (seen["title"], seen["severity"]) == (7, ["Critical"])
    assert document({"incident": {"fields": {"hosts": [1, None]}}})["fields"] == {
        "hosts": [1, None]
    }


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["labels", "fields", "alerts", "title", "incident_severity"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["incident", "alert", "person"]), ANYTHING))
def test_any_payload_makes_a_document_with_the_promised_shapes(payload: dict[str, Any]) -> None:
    seen = document(payload)
    assert isinstance(seen["labels"], dict)
    assert isinstance(seen["fields"], dict)
    assert all(isinstance(alert, dict) for alert in seen["alerts"])
    assert seen["payload"] is payload
