"""The receiver: takes a delivery, has it committed, answers 200. It waits for nothing else.

Only 200 counts as success for Flashduty, within two seconds, and it repeats no refused delivery.
A call for labels is the exception: `labels.py` waits for its run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.events.event import Event
from engine.events.senders import Network
from engine.events.source import Refusal, Request, Source
from engine.runs.arriving import Arriving
from engine.runs.ledger import Acceptance, LedgerError
from engine.web.body import read_body
from engine.web.failures import Failures
from engine.web.head import read_head
from engine.web.refused import refused

# Keeps an event and answers its sender; given when the request arrived, by the event loop's time.
# A Refusal is answered, and told, as one of the source's. Raises LedgerError when the event could
# not be kept.
Take = Callable[[Event, float], Awaitable[Response | Refusal]]


@dataclass(frozen=True, slots=True)
class Receiver:
    """One endpoint: a source, and what becomes of its events. An ASGI application of its own."""

    source: Source
    take: Take
    count: Callable[[str, int], None]  # told (source, status) of each answer
    refused: Callable[[str, Request, Refusal], None]  # told what is not taken
    new_id: Callable[[], str]
    clock: Callable[[], float]
    max_body: int
    failures: Failures
    trusted_proxies: Sequence[Network] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One delivery."""
        arrived = asyncio.get_running_loop().time()
        answer = await self._answer(HttpRequest(scope, receive), arrived)
        self.count(self.source.name, answer.status_code)
        await answer(scope, receive, send)

    async def _answer(self, http: HttpRequest, arrived: float) -> Response:
        request = read_head(http, self.trusted_proxies)
        read = await self._read(http, request)
        if isinstance(read, Event):
            try:
                taking = self.take(read, arrived)
                # Before the wait, which is long: thousands of events may wait beside this one, and
                # what is taken apart now is still in the processor's cache.
                del read
                taken = await taking
                if isinstance(taken, Response):
                    return taken
                read = taken
            except LedgerError as error:
                read = Refusal(503, "not-committed", f"the event could not be kept: {error}")
        refusal, told = self.failures.judge(request.client, read)
        if told:
            self.refused(self.source.name, request, refusal)
        return refused(refusal)

    async def _read(self, http: HttpRequest, request: Request) -> Event | Refusal:
        refusal = self.source.admit(request)
        if refusal is not None:
            return refusal
        body = await read_body(http, self.max_body)
        if isinstance(body, Refusal):
            return body
        return self.source.read(request, body, id_=self.new_id(), received=self.clock())


def committing(
    accept: Callable[[Event], Awaitable[Acceptance]],
    accepted: Callable[[], None],
    arriving: Arriving,
) -> Take:
    """Takes each event for a delivery: committed, then answered. `accepted` is told of new ones."""

    def take(event: Event, _: float) -> Awaitable[Response]:
        return committed(accept(event))

    async def committed(accepting: Awaitable[Acceptance]) -> Response:
        arriving.began()
        try:
            acceptance = await accepting
        finally:
            arriving.ended()
        if not acceptance.duplicate:
            accepted()
        answer = {"event": acceptance.event_id, "duplicate": acceptance.duplicate}
        return Response(orjson.dumps(answer), media_type="application/json")

    return take
