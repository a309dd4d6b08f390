"""Wakes the worker of a ledger, which is another process, for what was committed here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from engine.runs.happening import Recovered, Tell, Trouble
from engine.store.locks import wake

Soon = Callable[[Callable[[], None]], object]

NO_WORKER: Final = (
    "none can be woken: events are kept, and judged once `engine work` runs, as the same user and "
    "not in another container"
)


class Waking:
    """Once for all that was committed together, and before the first of it is answered.

    Then whatever was answered has a worker that was woken, or that looks for itself when it starts.
    """

    def __init__(self, path: Path, soon: Soon, tell: Tell) -> None:
        """`soon` calls when all who were told of the same commit had their turn."""
        self._wake = partial(wake, path)
        self._soon = soon
        self._tell = tell
        self._just_woken = False
        self._missing = False

    def wake(self) -> None:
        """Something was committed."""
        if self._just_woken:
            return
        self._just_woken = True
        self._soon(self._no_more)
        missing = not self._wake()
        if missing and not self._missing:
            self._tell(Trouble("worker", NO_WORKER))
        elif self._missing and not missing:
            self._tell(Recovered("worker"))
        self._missing = missing

    def _no_more(self) -> None:
        self._just_woken = False
