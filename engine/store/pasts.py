"""Reads what runs that go on were left with, of one or of many at once."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString

from engine.runs.fact import Fact, facts_of
from engine.runs.ledger import Past
from engine.store import rows


def read_history(
    db: sqlite3.Connection, sql: Mapping[str, LiteralString], run_id: str
) -> list[Fact]:
    """Everything that happened to a run; empty for one that has not begun."""
    run = db.execute(sql["run_by_id"], {"id": run_id}).fetchone()
    if run is None:
        return []
    return _history(run, db.execute(sql["steps_of_run"], {"run": run_id}))


def read_pasts(
    db: sqlite3.Connection, sql: Mapping[str, LiteralString], runs: Sequence[str]
) -> dict[str, Past]:
    """The same of each of these, and its event. What is not in the ledger is left out."""
    wanted = {"runs": json.dumps(runs)}
    steps: dict[str, list[rows.Row]] = defaultdict(list)
    for step in _named(db.execute(sql["steps_of_runs"], wanted)):
        steps[step["run"]].append(step)
    return {
        run["run"]: Past(rows.event_from_row(run), _history(run, steps[run["run"]]))
        for run in _named(db.execute(sql["beginnings"], wanted))
    }


def _named(found: sqlite3.Cursor) -> list[rows.Row]:
    """As dicts: an sqlite3.Row looks through all names for each one that it is asked for."""
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _history(run: rows.Row, steps: Iterable[rows.Row]) -> list[Fact]:
    began = rows.began_from_row(run)
    if began is None:
        return []
    cancelled = rows.cancelled_from_row(run)
    return [began, *facts_of((rows.step_from_row(step) for step in steps), cancelled)]
