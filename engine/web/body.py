"""Reads a request's body with a cap on its size and on the time it may take."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from engine.events.source import Refusal

PATIENCE: Final = 10.0  # seconds for a whole body; Flashduty gives up after two
_DIGITS: Final = 20


async def read_body(request: Request, limit: int) -> bytes | Refusal:
    """The body, or why it was not read to its end."""
    too_large = Refusal(413, "too-large", f"the body is larger than {limit} bytes")
    declared = request.headers.get("content-length", "")
    # No further than a number goes: the reading of a longer one raises.
    if declared.isascii() and declared.isdigit() and int(declared[:_DIGITS]) > limit:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    return too_large
    except TimeoutError:
        return Refusal(408, "too-slow", f"the body took longer than {PATIENCE:.0f} seconds")
    except ClientDisconnect:
        return Refusal(400, "cut-off", "the connection was closed before the body ended")
    return bytes(body)
