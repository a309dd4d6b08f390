"""A call for labels is answered with them, or with 404 and the reason."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.events.event import Event
from engine.events.senders import Senders
from engine.runs.label_calls import NoLabels
from engine.runs.ledger import LedgerError
from engine.sources.flashduty import LabelMappingSource
from engine.web.app import create_app
from engine.web.labels import answering
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver
from tests.web.conftest import HERE, TOKEN, Receiving

CALL = (Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json").read_bytes()
HEADERS = {"content-type": "application/json", "x-engine-token": TOKEN}

Answer = Callable[[Event, float], Mapping[str, str] | NoLabels]


@contextmanager
def endpoint(receiving: Receiving, answer: Answer) -> Iterator[TestClient]:
    """The web application with one endpoint, for calls that are answered like this."""

    async def answered(event: Event, arrived: float) -> Mapping[str, str] | NoLabels:
        return answer(event, arrived)

    receiver = Receiver(
        source=LabelMappingSource(Senders((TOKEN,))),
        take=answering(answered),
        count=receiving.metrics.count_delivery,
        refused=lambda source, _, refusal: receiving.refusals.append((source, refusal.code)),
        new_id=lambda: "EVENT1",
        clock=lambda: 1700208014.0,
        max_body=64 * 1024,
        failures=receiving.failures,
    )
    app = create_app(
        receivers={"/flashduty/labels/{action}": receiver},
        check=receiving.check,
        state=dict,
        metrics=lambda: receiving.metrics.text(receiving.ledger.backlog),
        monitor=Monitor(receiving.failures),
        fault=receiving.faults.append,
    )
    with TestClient(app, HERE, client=("127.0.0.1", 50000)) as client:
        yield client


def post(client: TestClient, body: bytes = CALL, **headers: str) -> tuple[int, Any]:
    answer = client.post(
        "/flashduty/labels/add-labels", content=body, headers={**HEADERS, **headers}
    )
    return answer.status_code, answer.json()


def test_the_labels_are_answered_as_the_caller_wants_them(receiving: Receiving) -> None:
    asked: list[tuple[Event, float]] = []

    def answer(event: Event, arrived: float) -> Mapping[str, str]:
        asked.append((event, asyncio.get_running_loop().time() - arrived))
        return {"owner_team": "team-database", "region": "北京"}

    with endpoint(receiving, answer) as client:
        assert post(client) == (
            200,
            {"result_labels": {"owner_team": "team-database", "region": "北京"}},
        )
        assert 'engine_deliveries_total{source="label-mapping",status="200"} 1.0' in (
            client.get("/metrics").text
        )
    [(event, since)] = asked
    assert (event.source, event.action, event.id) == ("label-mapping", "add-labels", "EVENT1")
    assert 0 <= since < 600  # by the same clock


def test_no_labels_are_a_404_with_the_reason_and_no_refused_delivery(receiving: Receiving) -> None:
    with endpoint(receiving, lambda *_: NoLabels("too-late", "it goes on")) as client:
        assert post(client) == (404, {"error": {"code": "too-late", "message": "it goes on"}})
    assert receiving.refusals == []


def test_a_call_that_cannot_be_kept_is_a_503(receiving: Receiving) -> None:
    def full(*_: object) -> NoLabels:
        raise LedgerError("database or disk is full")

    with endpoint(receiving, full) as client:
        status, answer = post(client)
    assert (status, answer["error"]["code"]) == (503, "not-committed")
    assert receiving.refusals == [("label-mapping", "not-committed")]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (CALL, {"x-engine-token": "wrong"}, 401, "unauthorized"),
        (CALL, {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{", {}, 400, "not-json"),
        (b'{"event": {}}', {}, 422, "not-flashduty"),
    ],
)
def test_what_is_no_call_is_refused_before_anything_is_asked(
    receiving: Receiving, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    def nobody(*_: object) -> NoLabels:
        raise AssertionError("it was asked")

    with endpoint(receiving, nobody) as client:
        answer = post(client, body, **headers)
    assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert receiving.refusals == [("label-mapping", code)]
