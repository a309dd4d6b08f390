"""The processes of this machine, as Linux shows them, and how one of them is signalled for sure.

Elsewhere there is no /proc: the table is empty, and what left its process group is not found.
Fields of /proc/PID/stat: proc_pid_stat(5); 4 is the parent, 5 the group, 9 the flags, 22 the start.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple  # no dataclasses: the warden is kept small

from engine.processes.mark import VARIABLE

_MARK: Final = f"{VARIABLE}=".encode()
_KERNEL_THREAD: Final = 0x00200000  # PF_KTHREAD
_LISTINGS: Final = 10  # where somebody forks without end
_LOOKS: Final = 5
_GLANCE: Final = 0.002  # seconds between two of them


class Process(NamedTuple):
    """A process at one moment. Its pid and start together never come back."""

    pid: int
    start: int  # clock ticks since the machine started
    parent: int
    group: int
    mark: str  # of the step it belongs to; empty for none, and where we may not look

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.start


class ProcessTable:
    """What runs on this machine. One that is dead and waits to be buried counts as gone."""

    def __init__(self, folder: Path = Path("/proc")) -> None:
        self._folder = str(folder)

    def snapshot(self) -> list[Process]:
        """All that can be seen.

        Listed until nothing new shows up: one may fork and be gone before it is read, as daemons
        do, and its child was not listed yet.
        """
        seen: dict[int, Process | None] = {}
        for _ in range(_LISTINGS):
            new = [pid for pid in self._pids() if pid not in seen]
            if not new:
                break
            seen.update((pid, self.read(pid)) for pid in new)
        return [process for process in seen.values() if process is not None]

    def read(self, pid: int) -> Process | None:
        """The process that has this pid now."""
        fields = self._bytes(pid, "stat").rpartition(b")")[2].split()  # from the third one on
        if not fields or fields[0] in {b"Z", b"X"}:
            return None
        mark = "" if int(fields[6]) & _KERNEL_THREAD else self._mark(pid)
        return Process(pid, int(fields[19]), int(fields[1]), int(fields[2]), mark)

    def command(self, pid: int) -> str:
        """The first word of its command; the others may hold secrets."""
        first, _, _ = self._bytes(pid, "cmdline").partition(b"\0")
        return " ".join(first.decode(errors="replace").split()) or "?"

    def signal(self, process: Process, number: int) -> None:
        """Signal this process, and never one that has its pid by now.

        One that is gone, or that we may not signal, is left alone.
        """
        handle = _handle_of(process.pid)
        try:
            # Read after the handle was taken: it is the handle's process that is compared.
            now = self.read(process.pid)
            if now is None or now.identity != process.identity:
                return
            if handle is None:
                os.kill(process.pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
        except (ProcessLookupError, PermissionError):
            return
        finally:
            if handle is not None:
                os.close(handle)

    def _pids(self) -> list[int]:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - it is read often
        except OSError:
            return []
        return [int(name) for name in names if name.isdigit()]

    def _mark(self, pid: int) -> str:
        for entry in self._environ(pid).split(b"\0"):
            if entry.startswith(_MARK):
                return entry[len(_MARK) :].decode(errors="replace")
        return ""

    def _environ(self, pid: int) -> bytes:
        environ = b""
        for _ in range(_LOOKS):
            environ = self._bytes(pid, "environ")
            if environ or self._bytes(pid, "cmdline"):
                break
            # Just being executed: for a moment it shows neither, though it is given both.
            time.sleep(_GLANCE)
        return environ

    def _bytes(self, pid: int, name: str) -> bytes:
        try:
            with open(f"{self._folder}/{pid}/{name}", "rb") as file:  # noqa: PTH123 - as above
                return file.read()
        except OSError:
            return b""


def belonging(processes: Iterable[Process], wanted: Callable[[Process], bool]) -> list[Process]:
    """Those that are wanted, and what they started.

    What has cleaned its environment is given the mark of who started it.
    """
    children: dict[int, list[Process]] = {}
    waiting: list[Process] = []
    for process in processes:
        children.setdefault(process.parent, []).append(process)
        if wanted(process):
            waiting.append(process)
    found: dict[int, Process] = {}
    while waiting:
        process = waiting.pop()
        if process.pid not in found:
            found[process.pid] = process
            waiting.extend(
                child._replace(mark=child.mark or process.mark)
                for child in children.get(process.pid, ())
            )
    return list(found.values())


def _handle_of(pid: int) -> int | None:
    """A file descriptor that stays this process's; None where the system has no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # Linux before 5.3, or a sandbox that does not know it
        return None
