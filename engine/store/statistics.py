"""How much the ledger holds, for people who have to find room for it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.runs.retention import Usage
from engine.store.output_folder import OutputFolder
from engine.store.pruning import usage
from engine.store.queries import read_queries


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts, Unix seconds, and bytes."""

    schema: int
    file: int  # bytes of the file
    usage: Usage
    gives_back: bool  # whether free space leaves the file by itself
    events: int
    unjudged: int
    oldest: float | None  # when the oldest event came
    newest: float | None
    runs: Mapping[str, int]  # by state
    steps: int
    open_steps: int
    playbooks: int
    versions: int


def read_statistics(db: sqlite3.Connection, path: Path) -> Statistics:
    """Of a connection that reads."""
    sql = read_queries()
    events = db.execute(sql["stats_of_events"]).fetchone()
    steps = db.execute(sql["stats_of_steps"]).fetchone()
    playbooks = db.execute(sql["stats_of_playbooks"]).fetchone()
    wal = path.resolve().with_name(f"{path.resolve().name}-wal")
    found = usage(db, wal.stat().st_size if wal.exists() else 0)
    return Statistics(
        schema=db.execute("PRAGMA user_version").fetchone()[0],
        file=path.stat().st_size,
        usage=replace(found, output=OutputFolder.beside(path).size()),
        gives_back=bool(db.execute("PRAGMA auto_vacuum").fetchone()[0]),
        events=events["total"],
        unjudged=events["unjudged"],
        oldest=events["oldest"],
        newest=events["newest"],
        runs={row["state"]: row["total"] for row in db.execute(sql["stats_of_runs"])},
        steps=steps["total"],
        open_steps=steps["open"],
        playbooks=playbooks["names"],
        versions=playbooks["total"],
    )
