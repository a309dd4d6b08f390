"""Whose turn it is to write, of those who write to one ledger from several processes."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.store.locks import WRITING, beside, opened


class Turn:
    """An engine's: `with` it waits for the commit of another process, and no longer.

    SQLite by itself would look for the end of that commit at intervals that grow to 100 ms, and
    miss it each time while the other one is busy; the system wakes who waits here.
    """

    def __init__(self, path: Path) -> None:
        """Raises EngineError."""
        self._handle = opened(beside(path, WRITING))

    def __enter__(self) -> None:
        with suppress(OSError):  # without a turn as with one, SQLite keeps two from writing at once
            fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """No more turns."""
        os.close(self._handle)


@contextmanager
def turn_beside(path: Path, patience: float) -> Iterator[None]:
    """The turn of a command: engines that are busy leave no other moment to write.

    After `patience` seconds, or where no engine ever took turns, it goes on without one: SQLite's
    own lock is what keeps two from writing at once, and says what is wrong.
    """
    handle = None
    with suppress(OSError):
        # Not made where there is none: made by another user it would keep engines out.
        handle = os.open(beside(path, WRITING), os.O_RDWR)
    if handle is None:
        yield
        return
    try:
        # In a thread: the system has no limit to how long it lets somebody wait for a lock.
        waiting = threading.Thread(target=_wait_for, args=(os.dup(handle),), daemon=True)
        waiting.start()
        waiting.join(patience)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    """Its own handle: that of whoever gave up waiting may be another file's by now."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    os.close(handle)
