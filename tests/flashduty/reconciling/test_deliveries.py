"""Out of the history of webhooks: what was sent to us and is not here."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from engine.events.event import Event
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.deliveries import Deliveries
from engine.flashduty.reconciling.missed import Span
from tests.flashduty.reconciling.laid_out import INCIDENT, LaidOut, a_body, a_record, at, read
from tests.runs.fakes import NOW

HOUR = Span(NOW - 3600, NOW)
LIST, DETAIL = "/webhook/history/list", "/webhook/history/detail"


def missed(
    api: LaidOut, *, known: Sequence[tuple[str, str, int]] = (), span: Span = HOUR
) -> list[Event]:
    """What is missed where these (subject, type, time) are known."""

    async def around(subject: str, type_: str, since: int, until: int) -> list[Event]:
        arrived = read("incident", orjson.dumps(a_body("i_ack", -60, "e1")))
        assert arrived is not None
        return [
            arrived for one in known if one[:2] == (subject, type_) and since <= one[2] <= until
        ]

    async def collect() -> list[Event]:
        return [one async for one in Deliveries(api, read, around).missed(span)]

    return asyncio.run(collect())


def a_page(*records: Any, cursor: str = "") -> dict[str, Any]:
    return {"items": list(records), "total": len(records), "search_after_ctx": cursor}


def test_a_delivery_that_failed_is_an_event_with_the_id_its_body_had() -> None:
    (found,) = missed(LaidOut({LIST: a_page(a_record("i_ack", -60, "e1"))}))

    assert (found.source, found.type, found.key) == ("reconciled", "i_ack", "e1")
    assert found.payload == a_body("i_ack", -60, "e1")


def test_the_history_is_asked_for_the_span_in_milliseconds_oldest_first() -> None:
    api = LaidOut({LIST: a_page()})
    missed(api)
    assert api.asked(LIST) == [
        {
            "start_time": at(-3600),
            "end_time": at(0),
            "asc": True,
            "orderby": "event_time",
            "limit": 100,
        }
    ]


def test_no_more_than_its_seven_days_are_asked_for() -> None:
    api = LaidOut({LIST: a_page()})
    missed(api, span=Span(NOW - 30 * 86400, NOW))
    assert api.asked(LIST)[0]["start_time"] == at(-7 * 86400)


def test_what_arrived_is_not_missed_although_its_time_differs_a_little() -> None:
    record = a_record("i_ack", -60, "e1", status="success")
    api = LaidOut({LIST: a_page(record)})
    assert missed(api, known=[(f"incident:{INCIDENT}", "i_ack", at(-60) + 1500)]) == []


def test_what_was_answered_well_and_is_not_here_is_missed_all_the_same() -> None:
    record = a_record("i_ack", -60, "e1", status="success")
    assert len(missed(LaidOut({LIST: a_page(record)}))) == 1


def test_the_body_is_fetched_where_the_list_has_none() -> None:
    record = a_record("i_ack", -60, "e1")
    api = LaidOut({LIST: a_page({**record, "request_body": ""}), DETAIL: record})

    (found,) = missed(api)

    assert found.key == "e1"
    assert api.asked(DETAIL) == [
        {"event_id": "history-of-e1", "integration_id": record["integration_id"]}
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://other.example.com/webhook",
        "https://engine.example.com/flashduty/incidents/x",
        "https://engine.example.com/flashduty/alerts",
        "",
    ],
)
def test_what_went_to_other_endpoints_is_not_ours(endpoint: str) -> None:
    assert missed(LaidOut({LIST: a_page(a_record("i_ack", -60, "e1", endpoint=endpoint))})) == []


@pytest.mark.parametrize("body", ["", "no JSON", "[]", None, 7, '{"summary": "no identity"}'])
def test_a_body_that_is_no_event_is_passed_over(body: Any) -> None:
    record = a_record("i_ack", -60, "e1", request_body=body)
    api = LaidOut({LIST: a_page(record), DETAIL: record})
    assert missed(api) == []


@pytest.mark.parametrize("time", [None, "", "soon", 7, "2026-04-12T13:31:11.357472+08:00"])
def test_a_record_with_any_time_or_none_is_read(time: Any) -> None:
    record = a_record("i_ack", -60, "e1", status="success", event_time=time)
    assert [one.key for one in missed(LaidOut({LIST: a_page(record)}))] == ["e1"]


def test_every_page_is_read_until_the_cursor_ends() -> None:
    pages = {
        None: a_page(*(a_record("i_comm", -60, f"a{n}") for n in range(100)), cursor="c1"),
        "c1": a_page(*(a_record("i_comm", -50, f"b{n}") for n in range(100)), cursor="c2"),
        "c2": a_page(a_record("i_comm", -40, "last"), cursor="c3"),
    }
    api = LaidOut({LIST: lambda parameters: pages[parameters.get("search_after_ctx")]})

    found = missed(api)

    assert len(found) == 201
    assert found[-1].key == "last"
    assert len(api.asked(LIST)) == 3


def test_a_cursor_that_stands_still_ends_the_list() -> None:
    page = a_page(*(a_record("i_comm", -60, f"a{n}") for n in range(100)), cursor="c1")
    api = LaidOut({LIST: page})
    missed(api)
    assert len(api.asked(LIST)) == 2


@pytest.mark.parametrize("data", [None, [], {"items": "x"}])
def test_an_answer_without_items_is_an_error_of_flashduty(data: Any) -> None:
    with pytest.raises(FlashdutyError, match="NoItems"):
        missed(LaidOut({LIST: data}))


def test_an_empty_list_may_be_null() -> None:
    assert missed(LaidOut({LIST: {"items": None, "total": 0, "search_after_ctx": ""}})) == []


def test_a_record_that_is_gone_when_its_body_is_asked_for_keeps_no_other_from_being_found() -> None:
    records = [a_record("i_ack", -60, "e1", request_body=""), a_record("i_ack", -50, "e2")]
    gone = FlashdutyError("ResourceNotFound", "too old", status=400)
    found = missed(LaidOut({LIST: a_page(*records), DETAIL: gone}))
    assert [one.key for one in found] == ["e2"]


def test_a_body_that_cannot_be_had_is_an_error_of_flashduty() -> None:
    record = a_record("i_ack", -60, "e1", request_body="")
    with pytest.raises(FlashdutyError, match="InternalError"):
        missed(LaidOut({LIST: a_page(record), DETAIL: FlashdutyError("InternalError", "")}))
