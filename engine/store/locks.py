"""Who holds a ledger: one receiver and one worker, in one process or in two.

The system lets go of a lock however its process ends. What others find in a lock's file is the
number of the process, to be woken by, and whose numbers these are.
"""

import fcntl
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

from engine.problem import EngineError, Problem
from engine.store.unusable import unusable

LOOKS: Final = 25  # for the lock of another engine: who only looks may be held up
LOOK: Final = 0.02  # seconds between them
_LONGEST: Final = 100  # bytes of what is in a lock's file


class Role(Enum):
    """What a process does with a ledger, and what stands behind the ledger's name in its lock's."""

    WORKER = ".lock"  # judges, carries out, prunes
    RECEIVER = ".receiver.lock"  # keeps what is delivered

    @property
    def does(self) -> str:
        """In the words of a sentence about the process."""
        return "works on" if self is Role.WORKER else "receives for"


_OPENING: Final = ".opening.lock"
WRITING: Final = ".writing.lock"  # see `turn`
LOCKS: Final = (*(role.value for role in Role), _OPENING, WRITING)  # behind the ledger's name


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Wait for others who are just opening the ledger: one at a time makes it what it has to be."""
    lock = beside(path, _OPENING)
    handle = opened(lock)
    try:
        with _refusals(lock):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def sole_use(path: Path, roles: Collection[Role] = tuple(Role)) -> Iterator[None]:
    """Have these roles for this process alone. Raises EngineError where another one has one."""
    with ExitStack() as stack:
        for role in Role:  # in one order, whoever comes
            if role in roles:
                stack.enter_context(_held(path, role))
        yield


@contextmanager
def _held(path: Path, role: Role) -> Iterator[None]:
    lock = beside(path, role.value)
    handle = opened(lock)
    try:
        with _refusals(lock):
            if not _locked_soon(handle):
                process, *_ = os.read(handle, _LONGEST).decode(errors="replace").split() or [
                    "unknown"
                ]
                raise EngineError(
                    Problem(
                        "database-in-use",
                        f"another engine (process {process}) {role.does} {path}",
                        None,
                        "stop it first, or give this one a `database` of its own",
                    )
                )
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()} {_numbers()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(path: Path, role: Role = Role.WORKER) -> int | None:
    """The process that has a role; None where none has, or none that can be named from here."""
    match (_claim(path, role) or "").split():
        case [process, numbers] if process.isdigit() and numbers == _numbers():
            return int(process)
    return None


def is_held(path: Path, role: Role) -> bool:
    """Whether some process has a role, wherever it is."""
    return _claim(path, role) is not None


def _claim(path: Path, role: Role) -> str | None:
    """What is in a role's lock; None where nobody has it. Empty: who has it has just begun."""
    try:
        handle = os.open(beside(path, role.value), os.O_RDONLY)
    except OSError:
        return None
    try:
        if _locked(handle, fcntl.LOCK_SH):
            return None
        return os.read(handle, _LONGEST).decode(errors="replace")
    except OSError:
        return None
    finally:
        os.close(handle)


def _numbers() -> str:
    """Whose numbers processes are known by here: in another container they are others."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "pid"  # of a system that has one set of them


def wake(path: Path) -> bool:
    """Have the worker of a ledger look at it again; False where there is none.

    By SIGURG, which nobody dies of who does not listen for it yet. Who does not listen yet has not
    looked yet either: nothing that was committed before is missed.
    """
    process = holder(path)
    if process is None:
        return False
    try:
        os.kill(process, signal.SIGURG)
    except OSError:
        return False  # it just ended, or is another user's
    return True


def beside(path: Path, suffix: str) -> Path:
    """The file of a ledger's lock."""
    real = path.resolve()  # two names of one file are one ledger
    return real.with_name(f"{real.name}{suffix}")


def opened(lock: Path) -> int:
    """The file of a lock, made where it is not there. Raises EngineError."""
    with _refusals(lock):
        return os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)


@contextmanager
def _refusals(lock: Path) -> Iterator[None]:
    """What the system refuses is said: not every disk has room, nor every file system locks."""
    try:
        yield
    except OSError as error:
        raise EngineError(unusable(lock, error)) from None


def _locked_soon(handle: int) -> bool:
    """Whether it could be had for good: who only looks whether it is free has it for a moment."""
    for _ in range(LOOKS):
        if _locked(handle, fcntl.LOCK_EX):
            return True
        time.sleep(LOOK)
    return False


def _locked(handle: int, operation: int) -> bool:
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
