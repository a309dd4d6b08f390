"""Reads the ledger for people, beside a running engine and without disturbing it."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from engine.events.event import Event
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.problem import EngineError, Problem
from engine.runs.audit import AuditEntry
from engine.runs.fact import Cancelled
from engine.runs.lane import Decision
from engine.runs.ledger import Judgement
from engine.runs.run import Run, StepRecord
from engine.store import rows
from engine.store.database import reading
from engine.store.lanes import read_decision
from engine.store.queries import read_queries

SHORTEST_END: Final = 4  # of an id that is copied in part
NEWEST: Final = 2**62  # before which every row stands

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the newest rows, and the cursor that asks for the ones before them."""

    items: Sequence[Any]
    next: str | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event, what the playbooks said of it that were asked, and what it started."""

    event: Event
    judgements: Sequence[Judgement]
    runs: Sequence[Run]
    judged: float | None = None  # when that was; None: not yet
    judged_by: int | None = None  # the set of playbooks that it was; None: those of the judgements


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with everything it did, and the text of the playbook it goes by."""

    run: Run
    variables: Mapping[str, Any]
    variables_error: str | None
    steps: Sequence[StepRecord]
    playbook: PlaybookText
    cancelled: Cancelled | None = None  # somebody ended it, or is about to


class Records:
    """What the ledger holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._sql = read_queries()

    def event(self, id_: str) -> EventRecord:
        """An event by its id or the end of it. Raises EngineError."""
        row = self._one("event", "event_by_id", "events_like", id_)
        return self._event(row)

    def events(self, limit: int, before: str | None) -> Page:
        """The newest events, as EventRecord."""
        parameters = {"before": _cursor(before), "limit": limit + 1}
        found = self._db.execute(self._sql["events_page"], parameters).fetchall()
        return Page([self._event(row) for row in found[:limit]], _next(found, limit))

    def ruled_out(self, record: EventRecord) -> Sequence[tuple[str, str]]:
        """The playbooks that an event could not concern, and that were not asked: name, version."""
        if record.judged_by is None:
            return []
        asked = {judgement.version for judgement in record.judgements}
        found = self._db.execute(self._sql["versions_in_set"], {"number": record.judged_by})
        return [(row["name"], row["version"]) for row in found if row["version"] not in asked]

    def run(self, id_: str) -> RunRecord:
        """A run by its id or the end of it. Raises EngineError."""
        row = self._one("run", "run_by_id", "runs_like", id_)
        steps = self._db.execute(self._sql["steps_of_run"], {"run": row["id"]})
        version = {"version": row["version"]}
        playbook = self._db.execute(self._sql["playbook_by_version"], version).fetchone()
        began = rows.began_from_row(row)
        return RunRecord(
            rows.run_from_row(row),
            began.variables if began else {},
            began.error if began else None,
            [rows.step_from_row(step) for step in steps],
            rows.playbook_from_row(playbook),
            rows.cancelled_from_row(row),
        )

    def playbook(self, version: str) -> PlaybookText | None:
        """A version of a playbook, if an engine ever had it."""
        row = self._db.execute(self._sql["playbook_by_version"], {"version": version}).fetchone()
        return None if row is None else rows.playbook_from_row(row)

    def decision(self, playbook: Playbook, lane: str | None, now: float) -> Decision:
        """What the guard of a playbook would make of a run that is offered now."""
        return read_decision(self._db, self._sql, playbook, lane, now)

    def runs(
        self,
        limit: int,
        before: str | None,
        state: str | None,
        playbook: str | None,
        *,
        skipped: bool = True,
    ) -> Page:
        """The newest runs, as Run; with the skipped ones, or without."""
        parameters = {
            "before": _cursor(before),
            "limit": limit + 1,
            "state": state,
            "playbook": playbook,
            "skipped": skipped,
        }
        found = self._db.execute(self._sql["runs_page"], parameters).fetchall()
        return Page([rows.run_from_row(row) for row in found[:limit]], _next(found, limit))

    def audit(self, limit: int, before: str | None, playbook: str | None, by: str | None) -> Page:
        """What people did last, as AuditEntry."""
        parameters = {
            "before": _cursor(before),
            "limit": limit + 1,
            "playbook": playbook,
            "by": by,
        }
        found = self._db.execute(self._sql["audit_page"], parameters).fetchall()
        return Page([rows.audit_from_row(row) for row in found[:limit]], _next(found, limit))

    def audit_of(self, run_id: str) -> Sequence[AuditEntry]:
        """What people did to a run, and how one had it made, in order. `run_id` is a whole id."""
        found = self._db.execute(self._sql["audit_of_run"], {"run": run_id})
        return [rows.audit_from_row(row) for row in found]

    def _event(self, row: sqlite3.Row) -> EventRecord:
        runs = self._db.execute(self._sql["runs_of_event"], {"event": row["id"]})
        return EventRecord(
            rows.event_from_row(row),
            rows.judgements_from_row(row),
            [rows.run_from_row(run) for run in runs],
            row["matched"],
            row["judged_by"],
        )

    def _one(self, what: str, exact: str, like: str, id_: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(self._sql[exact], {"id": id_.upper()}).fetchone()
        if row is not None:
            return row
        found: list[sqlite3.Row] = []
        if len(id_) >= SHORTEST_END and id_.isalnum():
            found = self._db.execute(self._sql[like], {"end": id_.upper()}).fetchall()
        if len(found) == 1:
            return found[0]
        said = f"more than one {what} ends in '{id_}'" if found else f"there is no {what} '{id_}'"
        hint = f"`engine {what}s list` shows them; the end of an id is enough"
        raise EngineError(Problem(f"no-such-{what}", said, None, hint))


@contextmanager
def open_records(path: Path) -> Iterator[Records]:
    """The records of a ledger file. Raises EngineError when there is none."""
    with reading(path) as connection:
        yield Records(connection)


def _cursor(before: str | None) -> int:
    if before is None:
        return NEWEST
    if not (before.isascii() and before.isdigit() and len(before) < len(str(NEWEST))):
        raise EngineError(
            Problem("bad-cursor", f"'{before}' is no cursor", None, "use the `next` of a list")
        )
    return int(before)


def _next(found: Sequence[sqlite3.Row], limit: int) -> str | None:
    return str(found[limit - 1]["seq"]) if len(found) > limit else None
