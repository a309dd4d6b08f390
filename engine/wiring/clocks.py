"""The clock and the names that everything else is handed."""

import time
from collections.abc import Callable

from ulid_transform import ulid_now


def steady(wall: Callable[[], float], elapsed: Callable[[], float]) -> Callable[[], float]:
    """Unix seconds as they are now, and from here on by a clock that nobody can set.

    What a run waits for is neither put off nor missed when the machine's clock is put right.
    """
    at, since = wall(), elapsed()
    return lambda: at + elapsed() - since


def elapsed() -> float:
    """Seconds since some moment, those that the machine slept through too where it can tell."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


def now() -> float:
    """Unix seconds. The engine's clock; everything else is handed it."""
    return time.time()  # noqa: TID251 - the one place the time comes from


def new_id() -> str:
    """26 letters and digits that sort by the time they were made, to the millisecond."""
    return ulid_now()
