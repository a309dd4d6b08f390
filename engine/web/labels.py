"""Answers calls for labels: the one thing the web application waits for a run with.

Fact: Flashduty's label-mapping API takes 200 with `result_labels` for an answer and 404 for
"nothing is known"; it waits one to three seconds, and the alert with it.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from engine.events.event import Event
from engine.events.source import Refusal
from engine.runs.label_calls import NoLabels
from engine.web.receiver import Take
from engine.web.refused import refused

Answer = Callable[[Event, float], Awaitable[Mapping[str, str] | NoLabels]]


def answering(answer: Answer) -> Take:
    """Takes each event for a call, and answers it: `{"result_labels": {...}}`, or why not."""

    async def take(event: Event, arrived: float) -> Response:
        labels = await answer(event, arrived)
        if isinstance(labels, NoLabels):
            return refused(Refusal(HTTPStatus.NOT_FOUND, labels.code, labels.message))
        return JSONResponse({"result_labels": dict(labels)})

    return take
