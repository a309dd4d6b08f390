"""Answers calls for labels: the one thing the web application waits for a run with.

Fact: Flashduty's label-mapping API takes 200 with `result_labels` for an answer and 404 for
"nothing is known"; it waits one to three seconds, and the alert with it.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse, Response

from engine.events.event import Event
from engine.events.source import Refusal
from engine.runs.label_calls import NoLabels
from engine.web.receiver import Take
from engine.web.refused import refused

Answer = Callable[[Event, float], Awaitable[Mapping[str, str] | NoLabels]]


NO_WORKER: Final = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "no-worker",
    "calls for labels are answered by `engine serve` with its worker; this one only receives",
)


async def refuse_call(_: Event, __: float) -> Refusal:
    """Takes no call: who carries out its run is another process, and the caller cannot wait."""
    return NO_WORKER


def answering(answer: Answer) -> Take:
    """Takes each event for a call, and answers it: `{"result_labels": {...}}`, or why not."""

    async def take(event: Event, arrived: float) -> Response:
        labels = await answer(event, arrived)
        if isinstance(labels, NoLabels):
            return refused(Refusal(HTTPStatus.NOT_FOUND, labels.code, labels.message))
        return JSONResponse({"result_labels": dict(labels)})

    return take
