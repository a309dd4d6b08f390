"""The history of deliveries is asked for in milliseconds, page by page, and forgets after 7 days."""

from datetime import datetime
from typing import Any

import pytest

from engine.flashduty.simulated.history import Attempt, WebhookHistory
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.webhooks import Delivery, Webhook

NOW = 1_795_000_000
DAY = 24 * 3600


class FakeClock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def history(clock: FakeClock) -> WebhookHistory:
    history = WebhookHistory(clock)
    for number in range(5):
        webhook = Webhook("incident" if number % 2 else "alert", "http://e/", "hook", number + 1)
        at = (NOW - 100 + number) * 1000
        delivery = Delivery(webhook, f"t{number}", at, f"{number:024x}", 7, b'{"event_id":"x"}')
        history.add(delivery, Attempt(1, 200 if number < 3 else 500, 12, body="ok"))
    return history


def ask(history: WebhookHistory, **more: Any) -> list[str]:
    return [one["event_type"] for one in page(history, **more)["items"]]


def page(history: WebhookHistory, **more: Any) -> dict[str, Any]:
    window = {"start_time": (NOW - 8 * DAY) * 1000, "end_time": NOW * 1000, "limit": 100}
    return history.page({**window, **more})


def test_a_record_says_what_was_sent_and_what_came_back(history: WebhookHistory) -> None:
    record = page(history, asc=True)["items"][0]
    assert history.detail(record["event_id"], 1) == record
    assert record["request_body"] == '{"event_id":"x"}'
    assert record["event_id"] != "x"
    assert (record["status"], record["status_code"], record["response_body"]) == (
        *("success", 200, "ok"),
    )
    at = datetime.fromisoformat(record["event_time"])
    assert (at.timestamp(), at.utcoffset() is not None) == (NOW - 100, True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["t4", "t3", "t2", "t1", "t0"]),
        ({"asc": True}, ["t0", "t1", "t2", "t3", "t4"]),
        ({"status": "failed"}, ["t4", "t3"]),
        ({"event_types": ["t1", "t4"]}, ["t4", "t1"]),
        ({"integration_id": 2}, ["t1"]),
        ({"integration_id": 0}, ["t4", "t3", "t2", "t1", "t0"]),
        ({"ref_id": f"{3:024x}"}, ["t3"]),
        ({"start_time": (NOW - 98) * 1000, "end_time": (NOW - 97) * 1000}, ["t3", "t2"]),
    ],
)
def test_records_are_filtered_and_newest_first(
    history: WebhookHistory, asked: dict[str, Any], found: list[str]
) -> None:
    assert ask(history, **asked) == found


@pytest.mark.parametrize("asc", [True, False])
def test_the_cursor_goes_through_all_of_them_once(history: WebhookHistory, *, asc: bool) -> None:
    seen, cursor = [], ""
    while True:
        found = page(history, asc=asc, limit=2, search_after_ctx=cursor)
        assert found["total"] == 5
        seen += [one["event_type"] for one in found["items"]]
        cursor = found["search_after_ctx"]
        if not cursor:
            break
    assert seen == ask(history, asc=asc)


def test_what_is_older_than_7_days_is_gone(history: WebhookHistory, clock: FakeClock) -> None:
    clock.now += 7 * DAY - 98
    assert ask(history) == ["t4", "t3", "t2"]


def test_a_record_or_a_cursor_that_is_not_there_is_refused(history: WebhookHistory) -> None:
    record = page(history)["items"][0]
    with pytest.raises(RefusalError) as caught:
        history.detail(record["event_id"], 1)
    assert caught.value.code == "ResourceNotFound"
    with pytest.raises(RefusalError, match="no cursor"):
        page(history, search_after_ctx="x")
    with pytest.raises(RefusalError, match="greater than start_time"):
        page(history, start_time=2, end_time=1)
