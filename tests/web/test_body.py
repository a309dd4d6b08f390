"""Bodies that come too slowly or stop half-way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request

from engine.events.source import Refusal
from engine.web import body
from engine.web.body import read_body


def _request(receive: Callable[[], Awaitable[Any]]) -> Request:
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0.01)

    async def never() -> Any:
        await asyncio.Event().wait()

    answer = asyncio.run(read_body(_request(never), 100))

    assert answer == Refusal(408, "too-slow", "the body took longer than 0 seconds")


def test_a_connection_that_closes_half_way_is_no_delivery() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    answer = asyncio.run(read_body(_request(gone), 100))

    assert answer == Refusal(400, "cut-off", "the connection was closed before the body ended")


def test_a_body_that_came_with_its_head_waits_for_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", -1.0)

    async def there() -> Any:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"abc", "more_body": False}

    whole = _request(there)
    whole.scope[body.WHOLE] = True
    assert asyncio.run(read_body(whole, 3)) == b"abc"
    assert asyncio.run(read_body(whole, 2)) == Refusal(
        413, "too-large", "the body is larger than 2 bytes"
    )


def test_a_body_in_parts_is_put_together() -> None:
    parts = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"c", "more_body": False},
    ]

    async def receive() -> Any:
        return parts.pop(0)

    assert asyncio.run(read_body(_request(receive), 3)) == b"abc"
