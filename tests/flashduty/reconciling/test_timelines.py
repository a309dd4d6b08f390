"""Out of incidents' timelines: what was done, when and by whom."""

import asyncio
import itertools
from typing import Any

import pytest

from engine.events.document import document_of
from engine.events.event import Event
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.missed import DAY, INCIDENT_EVENTS, Span
from engine.flashduty.reconciling.timelines import Timelines
from tests.flashduty.reconciling.laid_out import INCIDENT, LaidOut, an_entry, an_incident, at
from tests.runs.fakes import NOW

HOUR = Span(NOW - 3600, NOW)
INCIDENTS, FEED = "/incident/list", "/incident/feed"
ACTIONS = {"6113996590131": "restart-host", "Roll back": "rollback-change"}


def missed(
    api: LaidOut,
    types: frozenset[str] = INCIDENT_EVENTS,
    *,
    span: Span = HOUR,
    look_everywhere: bool = False,
) -> list[Event]:
    async def collect() -> list[Event]:
        timelines = Timelines(api, ACTIONS, lambda: "E1", lambda: NOW)
        found = timelines.missed(span, types, look_everywhere=look_everywhere)
        return [one async for one in found]

    return asyncio.run(collect())


def an_api(
    *entries: dict[str, Any], incident: dict[str, Any] | None = None, **other: Any
) -> LaidOut:
    """An account with one incident, that began in the span, and its timeline, newest first."""

    def incidents(parameters: Any) -> dict[str, Any]:
        began = parameters["end_time"] > NOW
        return {"items": [incident or an_incident()] if began else [], "has_next_page": False}

    feed = {"items": sorted(entries, key=lambda one: -one["created_at"]), "has_next_page": False}
    paths = {name.replace("__", "/"): answer for name, answer in other.items()}
    return LaidOut({INCIDENTS: incidents, FEED: feed, **paths})


def test_an_entry_is_an_event_about_the_incident_as_it_is_now() -> None:
    person = {"person_id": 7, "person_name": "Ada", "email": "ada@example.com", "phone": "1"}
    entry = an_entry("i_comm", -60, 7, comment="on it")
    api = an_api(entry, __person__infos={"items": [person]})

    (found,) = missed(api)

    event, document = found, document_of(found, {})
    assert (event.source, event.action, event.type) == ("reconciled", None, "i_comm")
    assert (event.time, event.received, event.incident_id) == (at(-60), NOW, INCIDENT)
    assert event.key == f"timeline:i_comm:{at(-60)}:{INCIDENT}:7"
    assert document["person"] == {"person_id": 7, "person_name": "Ada", "email": "ada@example.com"}
    assert (document["severity"], document["labels"]) == ("Critical", {"resource": "es.nj.01"})
    assert document["incident"]["data_source_id"] == 6113996590131
    assert document["payload"]["timeline"] == {"comment": "on it"}


def test_what_nobody_did_has_no_person_and_asks_for_none() -> None:
    api = an_api(an_entry("i_new", -60))
    (found,) = missed(api)
    assert document_of(found, {})["person"] is None
    assert api.asked("/person/infos") == []


def test_a_person_whom_nobody_knows_keeps_the_number() -> None:
    (found,) = missed(an_api(an_entry("i_ack", -60, 7)))
    assert found.person_id == 7


def test_only_the_types_that_are_wanted_and_that_webhooks_have_are_asked_for() -> None:
    api = an_api(an_entry("i_ack", -60), an_entry("i_notify", -50), an_entry("i_new", -40))

    found = missed(api, frozenset({"i_ack", "i_notify"}))

    assert [one.type for one in found] == ["i_ack"]
    assert api.asked(FEED)[0]["types"] == ["i_ack"]


@pytest.mark.parametrize("types", [frozenset[str](), frozenset({"a_new"})])
def test_where_no_playbook_wants_any_nothing_is_read(types: frozenset[str]) -> None:
    api = an_api(an_entry("i_ack", -60))
    assert missed(api, types) == []
    assert api.calls == []


def test_what_was_before_or_after_the_span_is_left_out() -> None:
    entries = [an_entry("i_comm", seconds) for seconds in (-3601, -3600, -1, 0, 1)]
    found = missed(an_api(*entries))
    assert [one.time for one in found] == [at(-3600), at(-1), at(0)]


def test_an_incident_that_did_not_change_is_not_looked_into() -> None:
    api = an_api(an_entry("i_ack", -60), incident=an_incident(updated=-3601))
    assert missed(api) == []
    assert api.asked(FEED) == []


def test_pages_of_a_timeline_are_read_only_as_far_back_as_the_span_goes() -> None:
    pages = {
        1: {"items": [an_entry("i_comm", -n / 10) for n in range(100)], "has_next_page": True},
        2: {"items": [an_entry("i_comm", -9000)] * 100, "has_next_page": True},
    }
    api = an_api()
    api.answers[FEED] = lambda parameters: pages[parameters["p"]]

    assert len(missed(api)) == 100
    assert [parameters["p"] for parameters in api.asked(FEED)] == [1, 2]


def test_an_entry_that_is_shown_on_two_pages_is_one_event() -> None:
    entry = an_entry("i_comm", -60)
    pages = {
        1: {"items": [entry], "has_next_page": True},
        2: {"items": [entry], "has_next_page": False},
    }
    api = an_api()
    api.answers[FEED] = lambda parameters: pages[parameters["p"]]
    assert len(missed(api)) == 1


@pytest.mark.parametrize(
    ("detail", "action"),
    [
        ({"integration_id": 6113996590131, "integration_name": "x"}, "restart-host"),
        ({"integration_id": 1, "integration_name": "Roll back"}, "rollback-change"),
        ({"integration_id": 1, "integration_name": "restart-host"}, None),
        ({}, None),
    ],
)
def test_a_press_is_known_by_the_integration_that_config_gives_an_action(
    detail: dict[str, Any], action: str | None
) -> None:
    alert = {"alert_id": "A", "integration_id": 5}
    api = an_api(an_entry("i_custom", -60, **detail))
    api.answers["/incident/alert/list"] = {"items": [alert], "total": 1}

    (found,) = missed(api)

    assert found.action == action
    assert document_of(found, {})["alerts"] == [{"data_source_id": 5, **alert}]


def test_incidents_are_asked_for_by_windows_that_the_api_takes() -> None:
    api = LaidOut({})
    missed(api, span=Span(NOW - 40 * DAY, NOW), look_everywhere=True)

    windows = [(one["start_time"], one["end_time"]) for one in api.asked(INCIDENTS)]

    assert windows[0][0] == int(NOW - 41 * DAY)
    assert windows[-1][1] > NOW
    assert all(0 < end - start <= 31 * DAY + 1 for start, end in windows)
    assert all(later[0] <= earlier[1] for earlier, later in itertools.pairwise(windows))


def test_while_it_runs_old_incidents_are_looked_at_only_while_they_are_open() -> None:
    running, started = LaidOut({}), LaidOut({})
    missed(running)
    missed(started, look_everywhere=True)

    assert [one.get("progress") for one in running.asked(INCIDENTS)] == [
        "Triggered,Processing",
        None,
    ]
    assert [one.get("progress") for one in started.asked(INCIDENTS)] == [None, None]
    assert running.asked(INCIDENTS)[0]["start_time"] == int(NOW - 31 * DAY)


def test_an_incident_that_is_gone_when_its_timeline_is_asked_for_hides_no_other() -> None:
    other = f"{INCIDENT[:-1]}0"
    api = an_api()
    api.answers[INCIDENTS] = lambda parameters: {
        "items": [an_incident(), an_incident(incident_id=other)]
        if parameters["end_time"] > NOW
        else []
    }
    api.answers[FEED] = lambda parameters: (
        {"items": [an_entry("i_ack", -60)]}
        if parameters["incident_id"] == other
        else FlashdutyError("ResourceNotFound", "merged away", status=400)
    )
    assert [one.incident_id for one in missed(api)] == [other]


def test_a_timeline_that_cannot_be_read_is_an_error_of_flashduty() -> None:
    api = an_api()
    api.answers[FEED] = FlashdutyError("InternalError", "")
    with pytest.raises(FlashdutyError, match="InternalError"):
        missed(api)
