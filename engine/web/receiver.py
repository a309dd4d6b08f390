"""The receiver: takes a delivery, has it committed, answers 200. It never waits for anything else.

Only 200 counts as success for Flashduty, within two seconds, and it repeats no refused delivery.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from engine.events.event import Event
from engine.events.source import Refusal, Request, Source
from engine.runs.ledger import Acceptance, LedgerError
from engine.web.body import read_body


@dataclass(frozen=True, slots=True)
class Receiver:
    """One endpoint: a source, and where its events are kept."""

    source: Source
    accept: Callable[[Event], Awaitable[Acceptance]]
    accepted: Callable[[], None]  # told after each new event
    count: Callable[[str, int], None]  # told (source, status) of each answer
    refused: Callable[[str, Request, Refusal], None]  # told of each delivery that is not taken
    new_id: Callable[[], str]
    clock: Callable[[], float]
    max_body: int

    async def receive(self, http: HttpRequest) -> Response:
        """One delivery."""
        answer = await self._answer(http)
        self.count(self.source.name, answer.status_code)
        return answer

    async def _answer(self, http: HttpRequest) -> Response:
        request = Request(
            action=http.path_params.get("action"),
            query=dict(http.query_params),
            headers={name.lower(): value for name, value in http.headers.items()},
            client=http.client.host if http.client else None,
        )
        acceptance = await self._take(http, request)
        if isinstance(acceptance, Refusal):
            self.refused(self.source.name, request, acceptance)
            return refused(acceptance)
        if not acceptance.duplicate:
            self.accepted()
        return JSONResponse({"event": acceptance.event_id, "duplicate": acceptance.duplicate})

    async def _take(self, http: HttpRequest, request: Request) -> Acceptance | Refusal:
        refusal = self.source.admit(request)
        if refusal is not None:
            return refusal
        body = await read_body(http, self.max_body)
        if isinstance(body, Refusal):
            return body
        event = self.source.read(request, body, id_=self.new_id(), received=self.clock())
        if isinstance(event, Refusal):
            return event
        try:
            return await self.accept(event)
        except LedgerError as error:
            return Refusal(503, "not-committed", f"the event could not be kept: {error}")


def refused(refusal: Refusal) -> JSONResponse:
    """`{"error": {"code", "message"}}` with the refusal's status."""
    return JSONResponse(
        {"error": {"code": refusal.code, "message": refusal.message}}, status_code=refusal.status
    )
