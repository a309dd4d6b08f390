"""Calls Flashduty's Open API for the whole engine: at the account's rate, and with patience.

What is harmless to repeat is asked again by itself. What would do harm twice is sent again only
where the attempt before certainly took no effect; after any other failure the caller is told so.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from engine.flashduty.answer import Answer, FlashdutyError
from engine.flashduty.exchange import Exchange
from engine.flashduty.limiter import Limiter
from engine.flashduty.operations import operation_at

FOREVER: Final = math.inf

__all__ = ["Answer", "FlashdutyClient", "FlashdutyError", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often. Seconds.

    Facts: the vendor advises exponential backoff from 1 s, at most 3 retries. `Retry-After` is
    promised nowhere, and honoured where it comes.
    """

    exchange: float = 20.0  # one request with its answer
    retries: int = 3
    first: float = 1.0
    longest: float = 30.0
    least: float = 2.0  # what is left for an exchange when a turn comes late

    def before_retry(
        self, number: int, error: FlashdutyError, uniform: Callable[[float, float], float]
    ) -> float:
        """How long to wait before the retry of this number, from 1: full jitter."""
        backoff = uniform(0.0, min(self.longest, self.first * 2 ** (number - 1)))
        return min(self.longest, max(backoff, error.retry_after or 0.0))


class FlashdutyClient:
    """One account. `session` gives the session of exchange.open_session.

    `own_member` answers the member that the app_key belongs to, once that is known.
    """

    def __init__(  # noqa: PLR0913 - what it works with, and what a test puts in its place
        self,
        session: Callable[[], aiohttp.ClientSession],
        base_url: str,
        app_key: str | None,
        *,
        proxy: str | None = None,
        limiter: Limiter | None = None,
        patience: Patience | None = None,
        own_member: Callable[[], int | None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._exchange = Exchange(session, base_url, app_key, proxy)
        self._limiter = limiter or Limiter()
        self._patience = patience or Patience()
        self.own_member = own_member
        self._sleep = sleep
        self._monotonic = monotonic
        self._uniform = uniform

    async def call(
        self,
        path: str,
        parameters: Mapping[str, Any],
        *,
        caller: str = "",
        deadline: float = FOREVER,
    ) -> Answer:
        """Call an operation, and again where that is safe. Raises FlashdutyError.

        `caller` is whose turn it takes: a run's id. `deadline` is on this client's clock: see
        `deadline_in`.
        """
        operation = operation_at(path)
        retries = 0
        while True:
            await self._turn(caller, deadline)
            seconds = min(self._patience.exchange, deadline - self._monotonic())
            try:
                return await self._exchange.once(operation, parameters, seconds)
            except FlashdutyError as error:
                safe = operation.repeatable or error.took_effect == "no"
                if not (safe and error.passes_soon) or retries == self._patience.retries:
                    raise
                retries += 1
                delay = self._patience.before_retry(retries, error, self._uniform)
                if not await self.pause(delay, deadline):
                    raise

    async def pause(self, seconds: float, deadline: float) -> bool:
        """Sleep, unless that would last until the deadline: then answer False at once."""
        if self._monotonic() + seconds >= deadline:
            return False
        await self._sleep(seconds)
        return True

    def deadline_in(self, limit: float | None) -> float:
        """When to be done, for whoever has `limit` seconds and wants to say what happened."""
        if limit is None:
            return FOREVER
        return self._monotonic() + limit - min(1.0, limit / 10)

    def is_over(self, deadline: float) -> bool:
        """Whether the deadline has come."""
        return self._monotonic() >= deadline

    async def _turn(self, caller: str, deadline: float) -> None:
        left = deadline - self._monotonic()
        if left <= 0:
            said = "its time was over before it was sent"
            raise FlashdutyError("NoTime", said, took_effect="no")
        # Sent in the last moment, a request would be cut before it is answered.
        patience = left - min(self._patience.least, left / 2)
        try:
            async with asyncio.timeout(None if patience == FOREVER else patience):
                await self._limiter.turn(caller)
        except TimeoutError:
            raise FlashdutyError(
                "NoTurn",
                "too many calls were waiting before it (flashduty.per_second and per_minute of "
                "config.yaml); it was not sent",
                took_effect="no",
            ) from None
