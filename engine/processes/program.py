"""The warden's program: a small process that ends what steps left running, as the engine's last.

It hears of the engine through one socket. Lines that come in, the fields parted by NUL:
`begun GROUP`; `end NUMBER GROUP MARK`: the step is over, end what carries its mark;
`left NUMBER`: end what a dead engine of the same installation left. A number is answered by
`NUMBER [PID MARK COMMAND GONE]...`. When the engine is gone, however it ended, all that it left is
ended, and the warden with it.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from engine.processes.ending import PATIENCE, Ended, Ending
from engine.processes.mark import EngineId, read_mark
from engine.processes.table import Process, ProcessTable

GLANCE: Final = 0.05  # seconds between two looks at what is being ended


class Program:
    """One warden of one engine."""

    def __init__(
        self,
        engine: EngineId,
        line: socket.socket,
        table: ProcessTable,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._line = line
        self._table = table
        self._patience = patience
        self._clock = clock
        self._groups: dict[int, int | None] = {}  # and when the leader started
        self._endings: dict[str, Ending] = {}
        self._heard = b""

    def serve(self) -> None:
        """Do as the engine says until it is gone; then end what it left."""
        while True:
            wait = GLANCE if self._endings else None
            if select.select([self._line], [], [], wait)[0] and not self._listen():
                break
            self._go_on()
        self._end_all()

    def _listen(self) -> bool:
        try:
            data = self._line.recv(65536)
        except ConnectionError:
            return False
        *lines, self._heard = (self._heard + data).split(b"\n")
        for one in lines:
            self._take(one.decode().split("\0"))
        return bool(data)

    def _take(self, words: Sequence[str]) -> None:
        match words:
            case ["begun", group]:
                leader = self._table.read(int(group))
                self._groups[int(group)] = leader and leader.start
            case ["end", number, group, mark]:
                self._groups.pop(int(group), None)
                self._endings[number] = self._ending(lambda _, one: one.mark == mark)
            case ["left", number]:
                self._endings[number] = self._ending(self._was_left)
            case _:
                pass  # the engine and its warden are of one version: it says nothing else

    def _ending(self, wanted: Callable[[Sequence[Process], Process], bool]) -> Ending:
        return Ending(wanted, self._clock(), self._patience)

    def _was_left(self, processes: Sequence[Process], process: Process) -> bool:
        """Of our installation, and its engine is gone. A living one looks after its own."""
        mark = read_mark(process.mark)
        if mark is None or mark.engine.installation != self._engine.installation:
            return False
        engine = (mark.engine.pid, mark.engine.start)
        return all(one.identity != engine for one in processes)

    def _go_on(self) -> None:
        if not self._endings:
            return
        processes = self._table.snapshot()  # one look for all that ends at this moment
        for number, ending in list(self._endings.items()):
            if ending.go_on(self._table, processes, self._clock()):
                del self._endings[number]
                self._answer(number, ending.ended())

    def _answer(self, number: str, ended: Sequence[Ended]) -> None:
        words = [number]
        for one in ended:
            words += [str(one.pid), one.mark, one.command, str(int(one.gone))]
        try:
            self._line.sendall("\0".join(words).replace("\n", " ").encode() + b"\n")
        except OSError:
            return  # the engine is gone; the next look at its line tells so

    def _end_all(self) -> None:
        own = f"{self._engine.text}:"
        groups = {group for group, start in self._groups.items() if self._is_ours(group, start)}
        if not self._table.snapshot():
            self._end_groups(groups)
            return
        # What is in a group and has cleaned its environment carries no mark any more.
        left = self._ending(lambda _, one: one.mark.startswith(own) or one.group in groups)
        while not left.go_on(self._table, self._table.snapshot(), self._clock()):
            time.sleep(GLANCE)

    def _is_ours(self, group: int, start: int | None) -> bool:
        """Whether nobody else has the leader's pid by now."""
        leader = self._table.read(group)
        return leader is None or start is None or leader.start == start

    def _end_groups(self, groups: set[int]) -> None:
        """All that can be done where processes cannot be looked at."""
        kill_at = self._clock() + self._patience
        left = {group for group in groups if _signal_group(group, signal.SIGTERM)}
        while left and self._clock() < kill_at:
            time.sleep(GLANCE)
            left = {group for group in left if _signal_group(group, 0)}
        for group in left:
            _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """False when nobody is left in it whom we may signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """The line is the standard input; the arguments say whose warden this is."""
    # A person's Ctrl-C and a service manager's TERM mean the engine; this one goes last.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    installation, pid, start = sys.argv[-3:]
    with socket.socket(fileno=0) as line:
        Program(EngineId(installation, int(pid), int(start)), line, ProcessTable()).serve()
