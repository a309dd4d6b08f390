"""What is read of a call of the label-mapping API, and what makes two calls the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events.event import Event
from engine.events.source import Refusal, Request
from engine.sources.flashduty import LabelMappingSource

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json").read_bytes()
)


def read(body: Any, id_: str = "01J") -> Event | Refusal:
    source = LabelMappingSource()
    request = Request("add-labels", {}, {}, None)
    return source.read(request, json.dumps(body).encode(), id_=id_, received=2.5)


def call(id_: str = "01J", asked: Any = ("a", "b"), **changed: Any) -> Event:
    """The sample, changed; None takes a key away."""
    alert = {
        name: value
        for name, value in {**SAMPLE["event"], **changed}.items()
        if value is not None
    }  # fmt: skip
    event = read({"result_label_keys": list(asked), "event": alert}, id_)
    assert isinstance(event, Event), event
    return event


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the body has to be a JSON object"),
        ({"result_label_keys": ["a"]}, "the body has no 'event' object"),
        ({"result_label_keys": ["a"], "event": []}, "the body has no 'event' object"),
        (
            {"event": {}},
            "the body has no 'result_label_keys' that is a list of texts",
        ),
        (
            {"event": {}, "result_label_keys": "owner"},
            "the body has no 'result_label_keys' that is a list of texts",
        ),
        (
            {"event": {}, "result_label_keys": ["owner", 1]},
            "the body has no 'result_label_keys' that is a list of texts",
        ),
    ],
)
def test_what_is_no_such_call_is_refused_with_a_sentence(body: Any, message: str) -> None:
    assert read(body) == Refusal(422, "not-flashduty", message)


def test_the_same_call_again_has_the_same_key_whatever_the_order_of_what_it_asks() -> None:
    assert call("1", ["a", "b"]).key == call("2", ["b", "a"]).key


@pytest.mark.parametrize(
    "changed",
    [
        {"asked": ["a"]},
        {"data_source_id": 16},
        {"alert_key": "another"},
        {"event_time": 1_678_886_401},
        {"event_status": "Ok"},
    ],
)
def test_a_call_about_something_else_has_another_key(changed: dict[str, Any]) -> None:
    assert call(**changed).key != call().key


def test_without_an_alert_key_the_alerts_id_tells_calls_apart() -> None:
    assert call("1", alert_key=None).key == call("2", alert_key="").key
    assert call("1", alert_key=None).key != call("1", alert_key=None, alert_id="another").key


@pytest.mark.parametrize(
    "missing", [{"alert_key": None, "alert_id": None}, {"event_time": None}, {"event_time": "now"}]
)
def test_a_call_that_nothing_tells_from_another_is_always_a_new_one(
    missing: dict[str, Any],
) -> None:
    assert (call("1", **missing).key, call("2", **missing).key) == ("1", "2")


@pytest.mark.parametrize("seconds", [10**18, -(10**18), 2**63 - 1])
def test_a_time_that_no_ledger_can_hold_is_none(seconds: int) -> None:
    assert call(event_time=seconds).time is None


_parts = st.fixed_dictionaries(
    {
        "asked": st.lists(st.text('ab",[]'), max_size=3),
        "alert_key": st.sampled_from(["k", 'k"', "k,1", "k:"]),
        "event_status": st.sampled_from(["Ok", 'Ok"', "Ok,1", "", "[]"]),
        "event_time": st.integers(1, 3),
    }
)


@given(_parts, _parts)
def test_two_calls_have_one_key_only_if_they_ask_the_same_of_the_same_alert(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    def same(parts: dict[str, Any]) -> dict[str, Any]:
        return {**parts, "asked": set(parts["asked"])}

    assert (call(**one).key == call(**other).key) == (same(one) == same(other))
