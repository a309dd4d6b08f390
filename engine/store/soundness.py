"""Whether a ledger is whole: as a file, as a database, and by what the engine itself keeps to."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Final

from engine.problem import Problem
from engine.runs.run import Outcome, RunState
from engine.store.queries import read_queries

SHOWN: Final = 3  # examples of one problem

_MEND: Final = "put a backup in its place; keep this file to see what can be saved of it"
_REPORT: Final = "the engine never writes this by itself; please report it"
# statement: what is said of the rows it finds
_KEPT_TO: Final = {
    "check_run_states": "have a state that this engine does not know",
    "check_run_ends": "are over and have no end, or have an end and are not over",
    "check_step_outcomes": "have an outcome and no end, or an end and no outcome",
    "check_steps_before_runs": "took steps and never began",
    "check_runs_before_verdicts": "were started by an event that no playbook has judged",
    "check_verdicts": "are judged and have no verdicts, or have verdicts and are not judged",
    "check_json": "hold JSON that cannot be read",
}


def check_soundness(db: sqlite3.Connection) -> Iterator[Problem]:
    """Every problem; reads the whole file, and holds nobody up."""
    try:
        for row in db.execute("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield Problem("damaged", str(row[0]), None, _MEND)
        yield from _lost(db)
        yield from _kept_to(db)
    except sqlite3.DatabaseError as error:
        yield Problem("damaged", str(error), None, _MEND)


def _lost(db: sqlite3.Connection) -> Iterator[Problem]:
    lost = Counter((row[0], row[2]) for row in db.execute("PRAGMA foreign_key_check"))
    for (table, parent), count in lost.items():
        said = f"{count} of the {table} belong to {parent} that are not there"
        yield Problem("lost", said, None, _MEND)


def _kept_to(db: sqlite3.Connection) -> Iterator[Problem]:
    sql = read_queries()
    words = {
        "states": json.dumps([state.value for state in RunState]),
        "settled": json.dumps([state.value for state in RunState if state.settled]),
        "outcomes": json.dumps([outcome.value for outcome in Outcome]),
    }
    for name, said in _KEPT_TO.items():
        found = [row["id"] for row in db.execute(sql[name], words)]
        if found:
            shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
            code = name.removeprefix("check_").replace("_", "-")
            yield Problem(code, f"{len(found)} {said}: {shown}", None, _REPORT)
