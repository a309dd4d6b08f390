"""What the rows say about the runs that are going on. Nothing is counted anywhere else."""

import sqlite3
from collections.abc import Mapping

from engine.playbooks.guard import Guard
from engine.playbooks.playbook import Playbook
from engine.runs.consequences import UnderWay
from engine.runs.control import EVERYTHING
from engine.runs.lane import Decision, Going, Lane, Skip, Start, offered
from engine.runs.run import Asking, RunState
from engine.store.rows import run_from_row
from engine.store.words import read_pauses


def read_lane(
    db: sqlite3.Connection,
    sql: Mapping[str, str],
    playbook: str,
    lane: str | None,
    guard: Guard,
    now: float,
) -> Lane:
    """The lane at this moment; of the playbook's other runs no more than its guard asks for."""
    place = {"playbook": playbook, "lane": lane}
    going = [
        Going(row["id"], row["created"], RunState(row["state"]) is not RunState.QUEUED)
        for row in db.execute(sql["lane_going"], place)
    ]
    last_end = db.execute(sql["lane_end"], place).fetchone()["ended"] if guard.cooldown else None
    admitted: list[float] = []
    if guard.rate is not None:
        window = {"since": now - guard.rate.seconds, "limit": guard.rate.runs}
        rows = db.execute(sql["lane_admitted"], {"playbook": playbook, **window})
        admitted = [row["created"] for row in rows]
    failures = 0
    if guard.breaker is not None:
        wanted = {"playbook": playbook, "limit": guard.breaker}
        for row in db.execute(sql["lane_ends"], wanted):
            if RunState(row["state"]) is not RunState.FAILED:
                break
            failures += 1
    return Lane(going, last_end, admitted, failures)


def read_decision(
    db: sqlite3.Connection, sql: Mapping[str, str], playbook: Playbook, lane: str | None, now: float
) -> Decision:
    """What a worker on these rows would make of a run that is offered now, as `Turns.admit` does.

    `lane` is None for a playbook without a guard.
    """
    pauses = read_pauses(db, sql)
    pause = pauses.get(EVERYTHING) or pauses.get(playbook.name)
    if pause is not None:
        return Skip(pause.said)
    if lane is None:
        return Start()
    guard = playbook.guard
    return offered(guard, read_lane(db, sql, playbook.name, lane, guard, now), now)


def read_under_way(db: sqlite3.Connection, sql: Mapping[str, str], incident: str) -> list[UnderWay]:
    """The runs for an incident that have not ended, oldest first."""
    found = db.execute(sql["runs_under_way"], {"incident": incident}).fetchall()
    kind = {"kind": Asking.APPROVAL.value}
    return [
        UnderWay(
            run_from_row(row),
            [step["path"] for step in db.execute(sql["steps_asking"], {"run": row["id"], **kind})],
        )
        for row in found
    ]


def read_starts(db: sqlite3.Connection, sql: Mapping[str, str], since: float) -> list[float]:
    """When runs were started after a time, oldest first."""
    return [row["started"] for row in db.execute(sql["starts_since"], {"since": since})]
