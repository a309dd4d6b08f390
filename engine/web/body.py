"""Reads a request's body with a cap on its size and on the time it may take."""

import asyncio
from typing import Final

from starlette.requests import Request

from engine.events.source import Refusal

PATIENCE: Final = 10.0  # seconds for a whole body; Flashduty gives up after two
WHOLE: Final = "engine.whole"  # in a scope: all of the body is there, and nothing to wait for
_DIGITS: Final = 20


async def read_body(request: Request, limit: int) -> bytes | Refusal:
    """The body, or why it was not read to its end."""
    try:
        if WHOLE in request.scope:
            return await _taken(request, limit)
        async with asyncio.timeout(PATIENCE):
            return await _taken(request, limit)
    except TimeoutError:
        return Refusal(408, "too-slow", f"the body took longer than {PATIENCE:.0f} seconds")


async def _taken(request: Request, limit: int) -> bytes | Refusal:
    # No further than a number goes: the reading of a longer one raises.
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:_DIGITS]) > limit:
        return _too_large(limit)
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return Refusal(400, "cut-off", "the connection was closed before the body ended")
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) + len(piece) > limit:
            return _too_large(limit)
        if not body and not more:  # as most come
            return piece
        body += piece
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too-large", f"the body is larger than {limit} bytes")
