"""Counts what work costs where a clock would only tell how busy the machine is."""

import asyncio
import cProfile
import pstats
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.store.database import connect
from engine.store.ledger_file import LedgerFile
from engine.store.sqlite import SqliteLedger
from engine.store.writer import Writer
from tests.runs.fakes import PATIENCE

_WRITES: Final = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Cost:
    """Of a ledger since it was opened, or from one moment to another."""

    reads: int = 0  # statements
    writes: int = 0
    commits: int = 0
    flushes: int = 0  # commits that wrote, and so wait for the disk
    log: int = 0  # bytes of the write-ahead log

    def since(self, before: "Cost") -> "Cost":
        return Cost(
            self.reads - before.reads,
            self.writes - before.writes,
            self.commits - before.commits,
            self.flushes - before.flushes,
            self.log - before.log,
        )


@dataclass
class Counted:
    """A real ledger that counts; its log is never written back, so that all of it is there."""

    path: Path
    ledger: SqliteLedger
    writer: Writer
    words: Counter[str] = field(default_factory=Counter)
    flushes: int = 0
    _changes: int = 0

    def cost(self) -> Cost:
        reads, writes = self.words["SELECT"], sum(self.words[word] for word in _WRITES)
        log = self.path.with_name(f"{self.path.name}-wal").stat().st_size
        return Cost(reads, writes, self.words["COMMIT"], self.flushes, log)

    def hear(self, connection: sqlite3.Connection, statement: str) -> None:
        word = statement.split(None, 1)[0]
        self.words[word] += 1
        if word == "BEGIN":
            self._changes = connection.total_changes
        elif word == "COMMIT":
            self.flushes += connection.total_changes != self._changes
        elif word in _WRITES and not connection.in_transaction:
            self.flushes += 1  # it commits itself

    async def in_one_group(self, *asks: Callable[[], Awaitable[object]]) -> None:
        """All of it gathers while the writer is busy with something else."""
        busy, gate = threading.Event(), threading.Event()

        def keep_busy(_: sqlite3.Connection) -> None:
            busy.set()
            gate.wait(PATIENCE)

        keeping = asyncio.ensure_future(self.writer.do(keep_busy))
        await asyncio.to_thread(busy.wait, PATIENCE)
        asked = asyncio.gather(*(ask() for ask in asks))
        await asyncio.sleep(0)  # all is put in
        await asyncio.sleep(0)  # and handed over
        gate.set()
        await asyncio.gather(keeping, asked)


@contextmanager
def counting(path: Path) -> Iterator[Counted]:
    """A new ledger."""
    heard: list[Counted] = []

    def connected(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.set_trace_callback(lambda statement: heard[0].hear(connection, statement))
        return connection

    writer = Writer(LedgerFile(path, connect=connected))
    heard.append(Counted(path, SqliteLedger(writer, writer), writer))
    try:
        yield heard[0]
    finally:
        writer.close()


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """How often each function was called in this thread, by `file:name`; of C ones by their name."""
    with cProfile.Profile() as profile:
        work()
    return calls_in(profile)


def calls_in(profile: cProfile.Profile) -> Counter[str]:
    """The same of what was profiled."""
    stats: Any = pstats.Stats(profile)
    found: Counter[str] = Counter()
    for (file, _, name), (_, count, *_) in stats.stats.items():
        found[f"{Path(file).name}:{name}"] += count
    return found
