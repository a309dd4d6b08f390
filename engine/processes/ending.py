"""Ends processes: TERM, then KILL to those that are left when their time is over."""

from collections.abc import Callable, Sequence
from signal import SIGKILL, SIGTERM
from typing import Final, NamedTuple  # no dataclasses: the warden is kept small

from engine.processes.table import Process, ProcessTable, belonging

PATIENCE: Final = 5.0  # seconds between TERM and KILL, and after KILL until it is given up


class Ended(NamedTuple):
    """A process that was found and told to end."""

    pid: int
    mark: str  # its own, or of who started it
    command: str  # its first word
    gone: bool  # False: it is not ours to end, as another user's, or it hangs in the kernel


class Ending:
    """Goes on whenever it is shown what runs; it is looked again until nothing more is found.

    A process that gets TERM may have started another one that the same look did not show.
    """

    def __init__(
        self, wanted: Callable[[Sequence[Process], Process], bool], began: float, patience: float
    ) -> None:
        """`wanted` says, of all that runs, whether one of them is to end."""
        self._wanted = wanted
        self._kill_at = began + patience
        self._give_up_at = began + 2 * patience
        self._found: dict[tuple[int, int], tuple[Process, str]] = {}
        self._left: set[tuple[int, int]] = set()

    def go_on(self, table: ProcessTable, processes: Sequence[Process], now: float) -> bool:
        """Signal what is to be signalled now. True when it is over."""
        left = belonging(
            processes,
            # What was found stays found when who started it is gone before it.
            lambda one: one.identity in self._found or self._wanted(processes, one),
        )
        for process in left:
            if process.identity not in self._found:
                self._found[process.identity] = process, table.command(process.pid)
                table.signal(process, SIGTERM)
            if now >= self._kill_at:
                table.signal(process, SIGKILL)
        self._left = {process.identity for process in left}
        return not left or now >= self._give_up_at

    def ended(self) -> list[Ended]:
        """All that was found, in the order it was started."""
        return [
            Ended(process.pid, process.mark, command, identity not in self._left)
            for identity, (process, command) in sorted(
                self._found.items(), key=lambda item: item[0][::-1]
            )
        ]
