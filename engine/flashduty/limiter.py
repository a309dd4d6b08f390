"""Keeps under the account's rate, and lets every run have its turn.

Facts: an account has 50 requests a second and 1,000 a minute; the answer to more is HTTP 429.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

PER_SECOND: Final = 40  # less than allowed: the network may bring together what we sent apart
PER_MINUTE: Final = 900

T = TypeVar("T")


@dataclass
class Line(Generic[T]):
    """Who is next, and when. Decides, and waits for nobody: times are values, in seconds.

    Callers take turns, each caller's own tickets in their order: a run that asks for much does not
    keep the others waiting. In no window of `seconds` are more than its `count` let through.
    """

    windows: tuple[tuple[int, float], ...]  # (count, seconds)
    _passed: deque[float] = field(init=False)  # when the last ones were let through
    _waiting: OrderedDict[str, deque[T]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._passed = deque(maxlen=max(count for count, _ in self.windows))

    def join(self, caller: str, ticket: T) -> None:
        """Stand behind the caller's own tickets; a new caller behind all the others."""
        self._waiting.setdefault(caller, deque()).append(ticket)

    def leave(self, caller: str, ticket: T) -> None:
        """Give a place up, if it still has one."""
        tickets = self._waiting.get(caller, deque())
        if ticket in tickets:
            tickets.remove(ticket)
            if not tickets:
                del self._waiting[caller]

    def next(self) -> T | None:
        """The ticket whose turn it is; it has no place any more."""
        if not self._waiting:
            return None
        caller, tickets = next(iter(self._waiting.items()))
        ticket = tickets.popleft()
        self._waiting.move_to_end(caller)
        if not tickets:
            del self._waiting[caller]
        return ticket

    def passed(self, now: float) -> None:
        """One was let through."""
        self._passed.append(now)

    @property
    def opens(self) -> float:
        """When the next one may be let through."""
        return max(
            self._passed[-count] + seconds if len(self._passed) >= count else 0.0
            for count, seconds in self.windows
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._waiting


class Limiter:
    """Makes callers wait for their turn, on the event loop's own clock."""

    def __init__(self, per_second: int = PER_SECOND, per_minute: int = PER_MINUTE) -> None:
        self._line: Line[asyncio.Future[None]] = Line(((per_second, 1.0), (per_minute, 60.0)))
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, caller: str) -> None:
        """Return when the caller may send one request. Whoever is cancelled gives up its place."""
        loop = asyncio.get_running_loop()
        ticket: asyncio.Future[None] = loop.create_future()
        self._line.join(caller, ticket)
        self._serve(loop)
        try:
            await ticket
        finally:
            self._line.leave(caller, ticket)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while not self._line.is_empty and self._line.opens <= (now := loop.time()):
            ticket = self._line.next()
            if ticket is not None and not ticket.done():  # done: cancelled a moment ago
                self._line.passed(now)
                ticket.set_result(None)
        if not self._line.is_empty:
            self._timer = loop.call_at(self._line.opens, self._serve, loop)
