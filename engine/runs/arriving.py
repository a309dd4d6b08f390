"""Deliveries go first: what is not acknowledged in two seconds is lost, what is kept can wait.

Whoever judges events gives way while deliveries keep coming, but not for ever: an event that came
in a storm is judged during the storm.
"""

from collections.abc import Awaitable, Callable
from typing import Final

QUIET: Final = 0.001  # seconds without a delivery, after which there is room for other things
SHARE: Final = 9  # times as long as others have worked they give way
LONGEST: Final = 0.5  # seconds; and no longer than this


class Arriving:
    """The deliveries of one engine that are being taken. `clock` is in seconds, never set back."""

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._under_way = 0
        self._last = -QUIET  # when one began or ended
        self._followed = False  # the last one came right after another one, or beside it
        self._went_on = 0.0  # when others did, who had given way

    def began(self) -> None:
        """A delivery is being taken."""
        now = self._clock()
        self._followed = self._under_way > 0 or now - self._last < QUIET
        self._under_way += 1
        self._last = now

    def ended(self) -> None:
        """It was kept, or could not be."""
        self._under_way -= 1
        self._last = self._clock()  # its answer goes out, and those it was kept with have theirs

    async def give_way(self) -> None:
        """Wait while deliveries keep coming."""
        now = self._clock()
        until = now + min(SHARE * (now - self._went_on), LONGEST)
        while now < until and (self._under_way or self._more_to_come(now)):
            await self._sleep(QUIET)
            now = self._clock()
        self._went_on = now

    def _more_to_come(self, now: float) -> bool:
        """Whether there is a storm: after a single delivery nobody waits for the next one."""
        return self._followed and now - self._last < QUIET
