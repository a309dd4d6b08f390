"""Real processes that tests start: on their own, marked or not, and told that they run."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0  # seconds until a test gives up waiting for something that should be there at once
# It says that it runs once its signals are set up, and sleeps until it is ended.
SLEEPER = "import signal, sys; {}; print(flush=True); signal.pause()"
STUBBORN = "import signal, sys; {}; print(flush=True)\nwhile True: signal.pause()"
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@contextmanager
def child(mark: str | None = None, *, stubborn: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, with this mark and nothing else in its environment."""
    program = STUBBORN.format(IGNORES) if stubborn else SLEEPER.format("pass")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program],
        env={} if mark is None else {"ENGINE_STEP": mark},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        try:
            yield process
        finally:
            process.kill()


def ended_by(process: subprocess.Popen[bytes]) -> signal.Signals:
    return signal.Signals(-process.wait(PATIENCE))


def is_gone(number: int) -> bool:
    """Whether a process ends, told by the kernel; one that waits to be buried has."""
    try:
        handle = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([handle], [], [], PATIENCE)
    os.close(handle)
    return bool(ended)


def is_running(pid: int) -> bool:
    """Whether it is there and not merely waiting to be buried."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
