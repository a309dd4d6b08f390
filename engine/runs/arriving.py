"""Deliveries go first: what is not acknowledged in two seconds is lost, what is kept can wait.

Whoever judges events gives way while more deliveries come than can be taken at once, but not for
ever: an event that came in a storm is judged during the storm.
"""

from collections.abc import Awaitable, Callable
from typing import Final

FEW: Final = 4  # deliveries under way beside which there is room for other things
QUIET: Final = 0.001  # seconds without a delivery, after which a storm is over
SHARE: Final = 19  # times as long as others have worked they give way
LONGEST: Final = 1.0  # seconds; and no longer than this


async def give_way_to_nobody() -> None:
    """Where no deliveries come in."""


class Arriving:
    """The deliveries of one engine that are being taken. `clock` is in seconds, never set back."""

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._under_way = 0
        self._last = 0.0  # when one began or ended
        self._many = False  # when the last one began, more than a few were under way
        self._went_on = 0.0  # when others did, who had given way

    def began(self) -> None:
        """A delivery is being taken."""
        self._under_way += 1
        self._many = self._under_way > FEW
        self._last = self._clock()

    def ended(self) -> None:
        """It was kept, or could not be."""
        self._under_way -= 1
        self._last = self._clock()  # its answer goes out, and those it was kept with have theirs

    async def give_way(self) -> None:
        """Wait while there is a storm."""
        now = self._clock()
        until = now + min(SHARE * (now - self._went_on), LONGEST)
        while now < until and self._is_storm(now):
            await self._sleep(QUIET)
            now = self._clock()
        self._went_on = now

    def _is_storm(self, now: float) -> bool:
        return self._under_way > FEW or (self._many and now - self._last < QUIET)
