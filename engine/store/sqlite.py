"""The ledger's promise, kept on SQLite. Every write goes through the one writer."""

import errno
import json
import os
import sqlite3
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from engine.events.event import Event
from engine.playbooks.guard import Guard
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.problem import EngineError
from engine.rules.match import TOLD_BY_TIMELINE
from engine.runs.change import Change
from engine.runs.consequences import UnderWay
from engine.runs.control import Order, Pause
from engine.runs.fact import Fact
from engine.runs.happening import Tell, tell_nobody
from engine.runs.lane import Lane
from engine.runs.ledger import (
    Acceptance,
    Admit,
    Admitted,
    Backlog,
    Judgement,
    LedgerError,
    NotInLedgerError,
    Past,
)
from engine.runs.run import Run, RunState
from engine.store import rows
from engine.store.arrivals import Arrivals
from engine.store.changes import Changes, statements_of
from engine.store.database import connect, reconnect
from engine.store.in_force import put_in_force
from engine.store.lanes import read_lane, read_starts, read_under_way
from engine.store.ledger_file import LedgerFile
from engine.store.locks import Role, is_held, opening, sole_use
from engine.store.matches import Matches
from engine.store.pasts import read_history, read_pasts
from engine.store.private import keep_private
from engine.store.pruning import SqlitePruning
from engine.store.queries import read_queries
from engine.store.reader import Reader
from engine.store.unusable import unusable
from engine.store.words import read_orders, read_pauses
from engine.store.writer import Writer

_SAME_MOMENT: Final = 2000  # milliseconds between a webhook's time and that of a timeline


class SqliteLedger:
    """A ledger in one SQLite file."""

    def __init__(self, writer: Writer, reader: Reader | Writer) -> None:
        self._writer = writer
        self._reader = reader
        self._sql = read_queries()
        self._arrivals = Arrivals()
        self._matches = Matches()
        self._changes = Changes()
        self.pruning = SqlitePruning(writer)

    def accept(self, event: Event) -> Coroutine[Any, Any, Acceptance]:
        # Nothing holds the event while its row waits: thousands of them may.
        arrivals = self._arrivals
        return self._writer.join(arrivals.keep, _row_of(event), is_whole=arrivals.is_one_statement)

    async def known(self, subject: str, type_: str, since: int, until: int) -> Sequence[Event]:
        wanted = {"subject": subject, "type": type_, "since": since, "until": until}

        def act(db: sqlite3.Connection) -> list[Event]:
            found = db.execute(self._sql["events_about"], wanted)
            return [rows.event_from_row(row) for row in found]

        return await self._reader.do(act)

    async def accept_missed(self, event: Event) -> Acceptance:
        row = _row_of(event)

        def act(db: sqlite3.Connection) -> Acceptance:
            known = db.execute(self._sql["event_by_key_alone"], row).fetchone()
            if known is not None:
                return Acceptance(known["id"], duplicate=True)
            db.execute(self._sql["insert_event"], row)
            return Acceptance(event.id, duplicate=False)

        return await self._writer.do(act)

    async def remember(self, name: str, value: Any) -> None:
        row = {"name": name, "value": rows.to_json(value)}

        def act(db: sqlite3.Connection) -> None:
            db.execute(self._sql["remember"], row)

        await self._writer.do(act)

    async def recall(self, name: str) -> Any:
        def act(db: sqlite3.Connection) -> Any:
            row = db.execute(self._sql["recall"], {"name": name}).fetchone()
            return None if row is None else json.loads(row["value"])

        return await self._reader.do(act)

    async def unmatched(self, limit: int) -> Sequence[Event]:
        parameters = {
            "limit": limit,
            "by_timeline": TOLD_BY_TIMELINE,
            "within": _SAME_MOMENT,
        }

        def act(db: sqlite3.Connection) -> list[Event]:
            found = db.execute(self._sql["unmatched_events"], parameters)
            return [
                rows.event_from_row(row, known_before=bool(row["known_before"])) for row in found
            ]

        return await self._reader.do(act)

    async def keep_match(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        at: float,
        admit: Admit,
        judged_by: int | None = None,
    ) -> Admitted:
        matched = rows.match_to_row(event, judgements, at, judged_by)
        return await self._writer.join(self._matches.keep, (event, matched, admit))

    async def accept_judged(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        runs: Sequence[Run],
        at: float,
        judged_by: int | None = None,
    ) -> Acceptance:
        row, matched = _row_of(event), rows.match_to_row(event, judgements, at, judged_by)

        def act(db: sqlite3.Connection) -> Acceptance:
            if not db.execute(self._sql["insert_event"], row).rowcount:
                known = db.execute(self._sql["event_by_key"], row).fetchone()
                return Acceptance(known["id"], duplicate=True)
            db.execute(self._sql["match_event"], matched)
            for run in runs:
                db.execute(self._sql["insert_run"], rows.run_to_row(run))
            return Acceptance(event.id, duplicate=False)

        return await self._writer.do(act)

    async def run_of(self, event_id: str) -> Run | None:
        def act(db: sqlite3.Connection) -> Run | None:
            row = db.execute(self._sql["runs_of_event"], {"event": event_id}).fetchone()
            return None if row is None else rows.run_from_row(row)

        return await self._reader.do(act)

    async def playbooks_run_for(self, subject: str, type_: str) -> frozenset[str]:
        def act(db: sqlite3.Connection) -> frozenset[str]:
            wanted = {"subject": subject, "type": type_}
            found = db.execute(self._sql["playbooks_run_for"], wanted)
            return frozenset(row["playbook"] for row in found)

        return await self._reader.do(act)

    async def keep_playbook(self, playbook: Playbook, commit: str | None = None) -> None:
        row = rows.playbook_to_row(playbook, commit)

        def act(db: sqlite3.Connection) -> None:
            db.execute(self._sql["insert_playbook"], row)

        await self._writer.do(act)

    async def put_in_force(self, versions: Collection[str], at: float) -> int:
        return await self._writer.do(lambda db: put_in_force(db, self._sql, versions, at))

    async def playbook_text(self, version: str) -> PlaybookText:
        def act(db: sqlite3.Connection) -> PlaybookText:
            row = db.execute(self._sql["playbook_by_version"], {"version": version}).fetchone()
            if row is None:
                raise NotInLedgerError(f"there is no playbook version {version}")
            return rows.playbook_from_row(row)

        return await self._reader.do(act)

    async def event(self, event_id: str) -> Event:
        def act(db: sqlite3.Connection) -> Event:
            row = db.execute(self._sql["event_by_id"], {"id": event_id}).fetchone()
            if row is None:
                raise NotInLedgerError(f"there is no event {event_id}")
            return rows.event_from_row(row)

        return await self._reader.do(act)

    async def run(self, run_id: str) -> Run:
        def act(db: sqlite3.Connection) -> Run:
            row = db.execute(self._sql["run_by_id"], {"id": run_id}).fetchone()
            if row is None:
                raise NotInLedgerError(f"there is no run {run_id}")
            return rows.run_from_row(row)

        return await self._reader.do(act)

    async def queued(self, after: int, limit: int) -> Sequence[tuple[int, Run]]:
        def act(db: sqlite3.Connection) -> list[tuple[int, Run]]:
            found = db.execute(self._sql["queued_runs"], {"after": after, "limit": limit})
            return [(row["seq"], rows.run_from_row(row)) for row in found]

        return await self._reader.do(act)

    async def lane(self, run: Run, guard: Guard, now: float) -> Lane:
        return await self._reader.do(lambda db: self._lane(db, run, guard, now))

    def _lane(self, db: sqlite3.Connection, run: Run, guard: Guard, now: float) -> Lane:
        return read_lane(db, self._sql, run.playbook, run.lane, guard, now)

    async def starts(self, since: float) -> Sequence[float]:
        return await self._reader.do(lambda db: read_starts(db, self._sql, since))

    async def under_way(self, incident: str) -> Sequence[UnderWay]:
        return await self._reader.do(lambda db: read_under_way(db, self._sql, incident))

    async def unfinished(self) -> Sequence[Run]:
        def act(db: sqlite3.Connection) -> list[Run]:
            return [rows.run_from_row(row) for row in db.execute(self._sql["unfinished_runs"])]

        return await self._reader.do(act)

    async def history(self, run_id: str) -> Sequence[Fact]:
        return await self._reader.do(lambda db: read_history(db, self._sql, run_id))

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        return await self._reader.do(lambda db: read_pasts(db, self._sql, runs))

    async def keep(self, changes: Sequence[Change]) -> None:
        await self._writer.join(self._changes.keep, statements_of(changes))

    async def orders(self, after: int) -> Sequence[Order]:
        return await self._reader.do(lambda db: read_orders(db, self._sql, after))

    async def pauses(self) -> Mapping[str, Pause]:
        return await self._reader.do(lambda db: read_pauses(db, self._sql))

    async def backlog(self) -> Backlog:
        """Raises LedgerError. `/metrics` asks this; what is done is not looked at."""

        def act(db: sqlite3.Connection) -> Backlog:
            return Backlog(
                unjudged=db.execute(self._sql["unjudged"]).fetchone()[0],
                unfinished={
                    RunState(row["state"]): row["total"]
                    for row in db.execute(self._sql["unfinished_by_state"])
                },
                pauses=len(read_pauses(db, self._sql)),
            )

        return await self._reader.do(act)

    async def check(self) -> None:
        """Raises LedgerError when nothing could be committed now; `/readyz` asks this."""

        def act(db: sqlite3.Connection) -> None:
            db.execute(self._sql["insert_probe"])
            db.execute(self._sql["delete_probe"])

        await self._writer.do(act)


@contextmanager
def open_ledger(
    path: Path, tell: Tell = tell_nobody, roles: Collection[Role] = tuple(Role)
) -> Iterator[SqliteLedger]:
    """The ledger in a file, for this process alone in these roles.

    Who comes first makes it what it has to be; who comes to one that is in use takes it as it is.
    Raises EngineError when it cannot be had.
    """
    if path.is_dir():  # nor are there locks beside it
        raise EngineError(unusable(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR))))
    with ExitStack() as stack:
        with opening(path):
            stack.enter_context(sole_use(path, roles))
            in_use = any(is_held(path, role) for role in Role if role not in roles)
            file = LedgerFile(path, connect=reconnect if in_use else connect)
            keep_private(path, tell)  # now that it is ours beyond doubt, and no folder
        writer = Writer(file)
        reader = Reader(file, writer)
        try:
            yield SqliteLedger(writer, reader)
        finally:
            reader.close()
            writer.close()


@contextmanager
def open_beside(path: Path) -> Iterator[SqliteLedger]:
    """The ledger of a file on which an engine may work, for what it takes well. Raises EngineError.

    It is another connection that writes: each commit waits for the other's, as theirs do.
    """
    writer = Writer(LedgerFile(path, connect=reconnect))
    try:
        yield SqliteLedger(writer, writer)
    finally:
        writer.close()


def _row_of(event: Event) -> rows.Parameters:
    try:
        return rows.event_to_row(event)
    except RecursionError:
        raise LedgerError("the event is nested too deeply to be kept") from None
