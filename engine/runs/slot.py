"""A run's slot: so many runs are carried out at once, and one that only waits needs none.

One that waits for long needs no memory either: all that it is gone on with is in the ledger.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from engine.runs.run import Run

LONG: Final = 60.0  # seconds; far more than it costs to take a run up again


class Place(Protocol):
    """Where a run is carried out, and given back while it only waits."""

    def give_back(self) -> None:
        """Another run can have it."""
        ...

    async def take(self) -> None:
        """Have one again, when it is this run's turn."""
        ...

    def rests(self, run: Run, until: float | None) -> bool:
        """Whether a run that waits, and has written its journal, is to be left as it stands.

        Whoever says so takes it up again in time. `until` is in Unix seconds; None: before a
        person has said something.
        """
        ...


class Slot:
    """One of `slots`, which was taken. `lay_down` is told of a run that rests until a time."""

    def __init__(
        self,
        slots: asyncio.Semaphore,
        clock: Callable[[], float],
        lay_down: Callable[[Run, float | None], None],
        given_back: Callable[[], None],
    ) -> None:
        self._slots = slots
        self._clock = clock
        self._lay_down = lay_down
        self._given_back = given_back
        self._held = True

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._slots.release()
            self._given_back()

    async def take(self) -> None:
        await self._slots.acquire()
        self._held = True

    def rests(self, run: Run, until: float | None) -> bool:
        if until is not None and until - self._clock() < LONG:
            return False
        self._lay_down(run, until)
        return True
