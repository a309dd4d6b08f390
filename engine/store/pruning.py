"""Deletes what is over, in transactions so small that nobody has to wait for one."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from engine.problem import EngineError, Problem
from engine.runs.audit import AuditEntry
from engine.runs.happening import Pruned
from engine.runs.retention import YOUNGEST, Batch, Usage
from engine.store.database import reconnect
from engine.store.output_folder import OutputFolder
from engine.store.queries import read_queries
from engine.store.words import keep_audit
from engine.store.writer import Writer

ROWS: Final = 200  # deleted in one transaction
LOOKS: Final = 1000  # events looked at in one transaction
PAGES: Final = 1024  # freed or moved in one transaction: 4 MiB
SPARE: Final = 10  # one page of so many stays free for what comes next

Sql = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Over:
    """An event that may go."""

    id: str
    runs: tuple[str, ...]
    steps: int

    @property
    def rows(self) -> int:
        """How many it takes, with everything it started."""
        return 1 + len(self.runs) + self.steps


class SqlitePruning:
    """Keeps the promise of retention."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._sql = read_queries()
        self._folder = OutputFolder.beside(writer.file.path)

    async def asked(self, entry: AuditEntry) -> None:
        """Keep who wants it, before anything goes. May raise LedgerError."""
        await self._writer.do(lambda db: keep_audit(db, self._sql, entry))

    async def usage(self) -> Usage:
        found = await self._writer.do(lambda db: usage(db, self._writer.file.wal_size()))
        return replace(found, output=await asyncio.to_thread(self._folder.size))

    async def prune(self, before: float, after: int, size: int | None) -> Batch:
        gone: list[str] = []
        weigh = self._folder.size_of

        def act(db: sqlite3.Connection) -> Batch:
            return prune_batch(db, self._sql, before, after, size, weigh, gone)

        batch = await self._writer.do(act)
        # Only now: were they deleted first, a crash would leave runs without their files.
        await asyncio.to_thread(self._folder.remove, gone)  # what stays is for `sweep` to say
        return batch

    async def sweep(self, before: float) -> str | None:
        folders = await asyncio.to_thread(self._folder.untouched, before)
        left: str | None = None
        for start in range(0, len(folders), LOOKS):
            wanted = {"runs": json.dumps(folders[start : start + LOOKS])}
            gone = await self._writer.do(partial(self._gone, wanted))
            left = await asyncio.to_thread(self._folder.remove, gone) or left
        return left

    def _gone(self, wanted: Mapping[str, str], db: sqlite3.Connection) -> list[str]:
        return [row["id"] for row in db.execute(self._sql["runs_gone"], wanted)]

    async def prune_playbooks(self, loaded: Collection[str], since: float) -> int:
        wanted = {"loaded": json.dumps(list(loaded)), "since": since, "limit": ROWS}

        def act(db: sqlite3.Connection) -> int:
            db.execute(self._sql["delete_ended"])
            return db.execute(self._sql["delete_playbooks"], wanted).rowcount

        return await self._writer.do(act)

    async def give_back(self) -> bool:
        def act(db: sqlite3.Connection) -> bool:
            if not _pragma(db, "auto_vacuum") or not _much_is_free(db):
                return False
            # Each row that is fetched is a page that was moved.
            db.execute(f"PRAGMA incremental_vacuum({PAGES // 4})").fetchall()
            if _much_is_free(db):
                return True
            self._writer.file.want_cutting()  # the file itself shrinks when the log is written back
            return False

        return await self._writer.do(act)


def usage(db: sqlite3.Connection, log: int) -> Usage:
    """How large the file is inside."""
    page, pages, free = (
        _pragma(db, name) for name in ("page_size", "page_count", "freelist_count")
    )
    return Usage((pages - free) * page, free * page, log)


def events_over(
    db: sqlite3.Connection, sql: Sql, before: float, after: int
) -> Iterator[tuple[int, Over | None]]:
    """The events behind a place in the order, with their places; None for one that has to stay.

    Ends with the first that is too young: they stand in the order in which they came.
    """
    while page := db.execute(sql["events_after"], {"after": after, "limit": 100}).fetchall():
        for row in page:
            after = row["seq"]
            if row["received"] >= before:
                return
            runs = db.execute(sql["ends_of_event"], {"event": row["id"]}).fetchall()
            over = row["matched"] is not None and all(
                run["ended"] is not None and run["ended"] < before for run in runs
            )
            steps = sum(run["steps"] for run in runs)
            yield after, Over(row["id"], tuple(run["id"] for run in runs), steps) if over else None


def prune_batch(
    db: sqlite3.Connection,
    sql: Sql,
    before: float,
    after: int,
    size: int | None,
    weigh: Callable[[str], int],
    gone: list[str],
) -> Batch:
    """One transaction's worth; see Prunable. `weigh` a run's files; those of `gone` are to go."""
    free = _pragma(db, "freelist_count")
    events = runs = steps = output = 0
    for looked, (seq, over) in enumerate(events_over(db, sql, before, after), start=1):
        if size is not None and usage(db, 0).used - output <= size:
            break
        if over is not None:
            if events + runs + steps + over.rows > ROWS:
                if events:
                    return Batch(events, runs, steps, after, output)
                if over.steps:
                    return Batch(0, 0, _delete_some_steps(db, sql, over.id), after)
            for name in ("delete_steps", "delete_orders", "delete_runs", "delete_event"):
                db.execute(sql[name], {"event": over.id, "limit": ROWS})
            events, runs, steps = events + 1, runs + len(over.runs), steps + over.steps
            output += sum(map(weigh, over.runs))
            gone.extend(over.runs)
        after = seq
        if looked == LOOKS or _pragma(db, "freelist_count") - free > PAGES:
            return Batch(events, runs, steps, after, output)
    return Batch(events, runs, steps, None, output)


def _delete_some_steps(db: sqlite3.Connection, sql: Sql, event: str) -> int:
    """Of an event that is too large for one transaction; it goes with the last of them."""
    db.execute(sql["mark_pruned"], {"event": event})
    return db.execute(sql["delete_steps"], {"event": event, "limit": ROWS}).rowcount


def foresee(
    db: sqlite3.Connection, folder: OutputFolder, now: float, age: float | None, size: int | None
) -> Pruned:
    """What a round would delete: exactly by age, about by size, for a connection that reads."""
    sql = read_queries()
    used = usage(db, 0).used + folder.size()
    gone: set[str] = set()
    runs = steps = output = 0
    limits = [(age, None)] if age is not None else []
    for limit, fits in [*limits, (YOUNGEST, size)] if size is not None else limits:
        for _, over in events_over(db, sql, now - limit, 0):
            if fits is not None and used <= fits:
                break
            if over is not None and over.id not in gone:
                gone.add(over.id)
                runs, steps = runs + len(over.runs), steps + over.steps
                files = sum(map(folder.size_of, over.runs))
                rows = db.execute(sql["weight_of_event"], {"event": over.id}).fetchone()["bytes"]
                output, used = output + files, used - files - rows
    return Pruned(len(gone), runs, steps, playbooks=0, output=output)


def rebuild(path: Path) -> None:
    """Make a file of an older engine one that gives its space back. Raises EngineError.

    Nobody else may work on it. It needs as much room again while it is done.
    """
    with closing(reconnect(path)) as db:
        if _pragma(db, "auto_vacuum"):
            return
        try:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("VACUUM")
        except sqlite3.Error as error:
            hint = "it needs as much room as the file takes; all that was pruned is pruned"
            raise EngineError(Problem("not-rebuilt", f"{path}: {error}", None, hint)) from None


def _much_is_free(db: sqlite3.Connection) -> bool:
    return _pragma(db, "freelist_count") > _pragma(db, "page_count") // SPARE


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
