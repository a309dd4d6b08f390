"""A connection as it is before there is a request: bounded in number, in time and in size.

uvicorn has no bound for the head of a request, waits for it for ever, and answers 503 to whoever
asks while others keep all connections and say nothing. Here the one that has said nothing the
longest is closed instead, so that a delivery still comes through.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from engine.events.source import Refusal
from engine.web.body import WHOLE
from engine.web.one_piece import OnePiece
from engine.web.refused import refused

PATIENCE: Final = 10.0  # seconds for a whole head; Flashduty gives up after two
LARGEST: Final = 32 * 1024  # bytes of a head; Flashduty's headers have 1024 at the most
MOST_HEADERS: Final = 100

_NO_HTTP: Final = Refusal(400, "not-http", "this is no HTTP/1.1 request")
_NO_UPGRADE: Final = Refusal(
    400, "no-upgrade", "nothing is upgraded to here: send the request without Connection: Upgrade"
)
_TOO_LARGE: Final = Refusal(
    431, "head-too-large", f"the head is larger than {LARGEST} bytes or {MOST_HEADERS} headers"
)
_TOO_SLOW: Final = Refusal(408, "too-slow", f"the head took longer than {PATIENCE:.0f} seconds")
_FULL: Final = Refusal(503, "too-many-connections", "limits.connections are all busy")


class Connection(HttpToolsProtocol):
    """One connection. The cap is uvicorn's `limit_concurrency`, with another answer to it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limit_concurrency = None
        self._most = config.limit_concurrency
        self._waiting_since: float | None = None  # by the loop's time; None: it has a request
        self._late: asyncio.TimerHandle | None = None
        self._busy = False  # a request is being answered
        self._in_body = False
        self._head = 0  # bytes of it that came in pieces after its first
        self._piece = 0  # bytes that came now
        self._in_one_piece = True
        self._refusal = _NO_HTTP

    @override
    def connection_made(  # type: ignore[override] # uvicorn narrows the transport, too
        self, transport: asyncio.Transport
    ) -> None:
        self._out = OnePiece(transport)
        super().connection_made(self._out)
        self._waiting_since = self.loop.time()
        self._late = self.loop.call_later(PATIENCE, self._give_up)
        if self._most is not None and len(self.connections) > self._most:
            self._make_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._piece = len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._refusal)
            return
        if not self._in_body:
            self._head += len(data)
            self._in_one_piece = False
        if self._head > LARGEST:
            self._refuse(_TOO_LARGE)
        elif self._waiting_since is not None and self._late is None:
            self._late = self.loop.call_later(PATIENCE, self._give_up)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Not the first piece: what stands before the head in it is not its own.
        self._head = -self._piece
        self._in_one_piece = True

    @override
    def on_headers_complete(self) -> None:
        self._in_body = True
        self._end_waiting()
        surely_small = self._in_one_piece and self._piece <= LARGEST
        if len(self.headers) > MOST_HEADERS or not (surely_small or self._size() <= LARGEST):
            self._refusal = _TOO_LARGE
            raise ValueError  # the parser stops, and says so to data_received
        if self.parser.should_upgrade():  # then the parser would pass over the body
            self._refusal = _NO_UPGRADE
            raise ValueError
        super().on_headers_complete()
        self._busy = True

    @override
    def on_message_complete(self) -> None:
        self._in_body = False
        self.scope[WHOLE] = True  # type: ignore[typeddict-unknown-key] # the engine reads it
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        self._out.let_go()
        if not self.pipeline:
            self._busy = False
            self._waiting_since = self.loop.time()
        super().on_response_complete()

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _end_waiting(self) -> None:
        self._waiting_since = None
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _make_room(self) -> None:
        others = cast("set[Connection]", self.connections - {self})
        waiting = {one: one._waiting_since for one in others if one._waiting_since is not None}  # noqa: SLF001
        if not waiting:
            self._refuse(_FULL)
            return
        longest = min(waiting, key=waiting.__getitem__)
        self.connections.discard(longest)  # it is gone a moment later only
        longest.transport.abort()

    def _give_up(self) -> None:
        self._late = None
        if self._in_body:
            self.transport.close()  # it was answered, and the rest of its body is nobody's
        else:
            self._refuse(_TOO_SLOW)

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        if not self._busy:
            body = bytes(refused(refusal).body)
            head = (
                f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
                "connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()
