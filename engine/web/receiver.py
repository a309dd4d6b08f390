"""The receiver: takes a delivery, has it committed, answers 200. It waits for nothing else.

Only 200 counts as success for Flashduty, within two seconds, and it repeats no refused delivery.
A call for labels is the exception: `labels.py` waits for its run.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from engine.events.event import Event
from engine.events.source import Refusal, Request, Source
from engine.runs.ledger import Acceptance, LedgerError
from engine.web.body import read_body

# Keeps an event and answers its sender; given when the request arrived, by the event loop's time.
# Raises LedgerError when the event could not be kept.
Take = Callable[[Event, float], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Receiver:
    """One endpoint: a source, and what becomes of its events."""

    source: Source
    take: Take
    count: Callable[[str, int], None]  # told (source, status) of each answer
    refused: Callable[[str, Request, Refusal], None]  # told of each delivery that is not taken
    new_id: Callable[[], str]
    clock: Callable[[], float]
    max_body: int

    async def receive(self, http: HttpRequest) -> Response:
        """One delivery."""
        answer = await self._answer(http, asyncio.get_running_loop().time())
        self.count(self.source.name, answer.status_code)
        return answer

    async def _answer(self, http: HttpRequest, arrived: float) -> Response:
        request = Request(
            action=http.path_params.get("action"),
            query=dict(http.query_params),
            headers={name.lower(): value for name, value in http.headers.items()},
            client=http.client.host if http.client else None,
        )
        read = await self._read(http, request)
        if isinstance(read, Event):
            try:
                return await self.take(read, arrived)
            except LedgerError as error:
                read = Refusal(503, "not-committed", f"the event could not be kept: {error}")
        self.refused(self.source.name, request, read)
        return refused(read)

    async def _read(self, http: HttpRequest, request: Request) -> Event | Refusal:
        refusal = self.source.admit(request)
        if refusal is not None:
            return refusal
        body = await read_body(http, self.max_body)
        if isinstance(body, Refusal):
            return body
        return self.source.read(request, body, id_=self.new_id(), received=self.clock())


def committing(
    accept: Callable[[Event], Awaitable[Acceptance]], accepted: Callable[[], None]
) -> Take:
    """Takes each event for a delivery: committed, then answered. `accepted` is told of new ones."""

    async def take(event: Event, _: float) -> Response:
        acceptance = await accept(event)
        if not acceptance.duplicate:
            accepted()
        return JSONResponse({"event": acceptance.event_id, "duplicate": acceptance.duplicate})

    return take


def refused(refusal: Refusal) -> JSONResponse:
    """`{"error": {"code", "message"}}` with the refusal's status."""
    return JSONResponse(
        {"error": {"code": refusal.code, "message": refusal.message}}, status_code=refusal.status
    )
