"""A real engine to be measured: its log goes to a file, as it does on a machine that runs it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import require
from tests.benchmarks.load import ROOT
from tests.e2e.real_engine import TOKEN

PATIENCE: Final = 120.0  # seconds: the machine may be busy with other work
LOOK: Final = 0.01  # seconds between two looks
MIB: Final = 1024 * 1024

CONFIG: Final = """\
listen: 127.0.0.1:{port}
flashduty: {{webhook_token: "{token}", reconcile: off}}
limits: {{starts: 1000000, runs: {runs}}}
vars: {{target: "{target}"}}
"""


@dataclass(frozen=True)
class Served:
    """A process, and the folder it works in. What it takes is that of its children, too."""

    process: "subprocess.Popen[bytes]"
    port: int
    folder: Path

    # What it takes -----------------------------------------------------------------------------

    def resident(self) -> float:
        """MiB; what they share counts for each."""
        return sum(map(_resident, self._processes())) / MIB

    def cpu(self) -> float:
        """Seconds that all threads have computed; they are counted in nanoseconds."""
        used = 0
        for task in self._threads():
            with suppress(OSError):  # a thread that has just ended
                used += int((task / "schedstat").read_text().split()[0])
        return used / 1e9

    def wakeups(self) -> int:
        """How often a thread has gone to sleep, and so was woken."""
        found = 0
        for task in self._threads():
            with suppress(OSError):
                text = (task / "status").read_text()
                found += int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
        return found

    def children(self) -> list[int]:
        """The processes that it started."""
        found: list[int] = []
        for task in _tasks(self.process.pid):
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
        return found

    def _processes(self) -> list[int]:
        return [self.process.pid, *self.children()]

    def _threads(self) -> Iterator[Path]:
        for pid in self._processes():
            with suppress(OSError):  # a child that has just ended
                yield from _tasks(pid)

    # What it has kept --------------------------------------------------------------------------

    def count(self, statement: str) -> int:
        """What a statement finds in the ledger, which counts."""
        return count_in(self.folder, statement)

    def until(self, statement: str, wanted: int) -> None:
        """Wait until a statement finds so many."""
        wait_until(lambda: self.count(statement) >= wanted, f"{wanted} of: {statement}", self)

    # Its end -----------------------------------------------------------------------------------

    def kill(self) -> None:
        """As `kill -9` does; what it started is killed, too."""
        children = self.children() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for child in children:
            with suppress(OSError):
                os.killpg(child, signal.SIGKILL)


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _resident(pid: int) -> int:
    """Bytes; none of a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(text.split("\nVmRSS:")[1].split()[0]) * 1024 if "\nVmRSS:" in text else 0


def wait_until(there: Callable[[], bool], what: str, engine: Served | None = None) -> None:
    """Until it is there. Raises DishonestError when the engine ended, or it took too long."""
    until = time.monotonic() + PATIENCE
    while not there():
        require(time.monotonic() < until, f"there were not, in {PATIENCE:.0f} s, {what}")
        if engine is not None and engine.process.poll() is not None:
            log = (engine.folder / "log").read_text(errors="replace")[-2000:]
            require(False, f"the engine ended: {log}")
        time.sleep(LOOK)


def count_in(folder: Path, statement: str) -> int:
    """What a statement finds in the ledger of a folder, which counts. Nothing where it is not made."""
    name = (folder / "engine.db").absolute().as_uri()
    try:
        with closing(sqlite3.connect(f"{name}?mode=ro", uri=True)) as db:
            return int(db.execute(statement).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def lay_out(
    folder: Path, playbooks: Mapping[str, str], *, runs: int = 50, target: str = ""
) -> None:
    """The files of an engine; `runs` are under way at once."""
    config = CONFIG.format(port=free_port(), token=TOKEN, runs=runs, target=target)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "playbooks").mkdir(exist_ok=True)
    for name, text in playbooks.items():
        (folder / f"playbooks/{name}.yaml").write_text(f"name: {name}\n{text}", encoding="utf-8")


def as_installed() -> dict[str, str]:
    """The environment in which the code is compiled once, as it is for whoever installs it."""
    return {name: it for name, it in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[Served]:
    """An engine on what was laid out, once it listens; killed at the end."""
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    port = int(text.split("listen: 127.0.0.1:")[1].split()[0])
    with started(_engine(folder, "serve", *more), port, folder) as served:
        yield served


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """A worker beside an engine that only receives; killed at the end."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(_engine(folder, "work"), stdout=log, stderr=log, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _engine(folder: Path, *command: str) -> list[str]:
    config = str(folder / "config.yaml")
    return [sys.executable, "-m", "engine", *command, "--config", config]


@contextmanager
def started(
    command: list[str], port: int, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Any server, once its port can be reached; killed at the end."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=ROOT, env={**as_installed(), **(environ or {})}
        )
    served = Served(process, port, folder)
    try:
        wait_until(lambda: reachable(port), f"listeners on port {port}", served)
        yield served
    finally:
        served.kill()


def reachable(port: int) -> bool:
    """Whether anybody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
