"""A receiver of webhooks on a real socket, and what it can do wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from engine.flashduty.simulated.connection import cut
from tests.flashduty.served import served


@dataclass
class Delivered:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: Any

    @property
    def event(self) -> tuple[str, str]:
        """Where it came in, and its type."""
        return self.path, self.body.get("event_type", "")


@dataclass
class Receiver:
    """Answers each request in its turn as `answers` says, and 200 when that is used up.

    A number is a status; "cut" breaks the connection; "slow" answers too late; "slow body" begins
    its answer in time; an object is answered with 200.
    """

    answers: list[Any] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    url: str = ""
    late: asyncio.Event = field(default_factory=asyncio.Event)  # set at the end: stop being slow

    @property
    def events(self) -> list[tuple[str, str]]:
        return [one.event for one in self.delivered]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.delivered.append(
            Delivered(request.url.path, dict(request.headers), orjson.loads(await request.body()))
        )
        answer = self.answers.pop(0) if self.answers else 200
        response: Response = JSONResponse({"ok": True})
        if answer == "cut":
            await cut(receive)
            return
        if answer == "slow":
            await self.late.wait()
        elif answer == "slow body":
            response = StreamingResponse(self._slowly())
        elif isinstance(answer, int):
            response = JSONResponse({"ok": answer == 200}, answer)
        else:
            response = JSONResponse(answer)
        await response(scope, receive, send)

    async def _slowly(self) -> AsyncIterator[bytes]:
        yield b"{"
        await self.late.wait()


@asynccontextmanager
async def receiving(*answers: Any) -> AsyncIterator[Receiver]:
    """A receiver at `url`, until the block ends."""
    receiver = Receiver(list(answers))
    async with served(receiver) as url:
        receiver.url = url
        try:
            yield receiver
        finally:
            receiver.late.set()
