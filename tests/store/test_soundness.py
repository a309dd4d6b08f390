"""What `engine db check` finds: damage, rows that belong to nothing, and what is never written."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.runs.change import RunBegin, RunMove, StepSettle, StepStart
from engine.runs.fact import Began, Settled
from engine.runs.run import Outcome, RunState, StepRecord
from engine.store.database import reading
from engine.store.soundness import check_soundness
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, a_playbook, a_run, an_event, letting, verdicts

PLAYBOOK = a_playbook("steps: [{id: a, probe: a}]")


@pytest.fixture
def filled(ledger: SqliteLedger, database: Path) -> Path:
    """An event for each state a run may have, and one that nothing has judged."""

    async def fill() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        await ledger.accept(an_event("unjudged"))
        for state in RunState:
            event = an_event(f"E {state.value}")
            await ledger.accept(event)
            run = a_run(state.value, PLAYBOOK, event)
            await ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run]))
            if state in (RunState.QUEUED, RunState.SKIPPED):
                await ledger.keep([RunMove(run.move(state, at=NOW))])
                continue
            run = run.move(RunState.RUNNING, at=NOW)
            await ledger.keep([RunBegin(run, Began(NOW))])
            record = StepRecord(path="steps/0", attempt=1, type="probe", started=NOW)
            await ledger.keep([StepStart(run.id, record)])
            if state is not RunState.RUNNING:
                settled = Settled("steps/0", 1, NOW, Outcome.SUCCEEDED, {"a": 1})
                await ledger.keep([StepSettle(run.id, record, settled)])
                await ledger.keep([RunMove(run.move(state, at=NOW))])

    asyncio.run(fill())
    return database


def said(database: Path) -> list[str]:
    with reading(database) as db:
        return [str(problem) for problem in check_soundness(db)]


def spoil(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute(statement)


def test_a_ledger_with_all_that_may_be_in_it_is_sound(filled: Path) -> None:
    assert said(filled) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE runs SET state = 'dancing' WHERE id = 'running'",
            "run-states: 1 have a state that this engine does not know: running",
        ),
        (
            "UPDATE runs SET ended = NULL WHERE ended IS NOT NULL",
            (
                "run-ends: 4 are over and have no end, or have an end and are not over: "
                "succeeded, failed, cancelled, ..."
            ),
        ),
        (
            "UPDATE runs SET ended = 1 WHERE id = 'waiting'",
            "run-ends: 1 are over and have no end, or have an end and are not over: waiting",
        ),
        (
            "UPDATE steps SET ended = NULL WHERE run = 'failed'",
            "step-outcomes: 1 have an outcome and no end, or an end and no outcome: failed steps/0",
        ),
        (
            "UPDATE steps SET outcome = 'well' WHERE run = 'failed'",
            "step-outcomes: 1 have an outcome and no end, or an end and no outcome: failed steps/0",
        ),
        (
            "UPDATE runs SET began = NULL WHERE id = 'running'",
            "steps-before-runs: 1 took steps and never began: running",
        ),
        (
            "UPDATE events SET matched = NULL, judgements = NULL WHERE id = 'E queued'",
            "runs-before-verdicts: 1 were started by an event that no playbook has judged: queued",
        ),
        (
            "UPDATE events SET matched = 1 WHERE id = 'unjudged'",
            (
                "verdicts: 1 are judged and have no verdicts, or have verdicts and are not judged: "
                "unjudged"
            ),
        ),
        (
            "UPDATE events SET payload = substr(payload, 1, 20) WHERE id = 'unjudged'",
            "json: 1 hold JSON that cannot be read: unjudged",
        ),
        (
            "UPDATE steps SET result = '{' WHERE run = 'failed'",
            "json: 1 hold JSON that cannot be read: failed steps/0",
        ),
    ],
)
def test_what_the_engine_never_writes_is_found(filled: Path, statement: str, expected: str) -> None:
    spoil(filled, statement)
    assert said(filled) == [
        f"{expected} (the engine never writes this by itself; please report it)"
    ]


def test_rows_that_belong_to_nothing_are_found(filled: Path) -> None:
    spoil(filled, "DELETE FROM runs WHERE id IN ('failed', 'running')")
    assert said(filled) == [
        (
            "lost: 2 of the steps belong to runs that are not there "
            "(put a backup in its place; keep this file to see what can be saved of it)"
        )
    ]


def test_damage_is_found_and_ends_no_check_with_a_traceback(filled: Path) -> None:
    spoil(filled, "PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(filled)) as db:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'events'"
        page = db.execute(sql).fetchone()[0]
    with filled.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xa5" * 4096)

    found = said(filled)

    assert found
    assert all(line.startswith("damaged: ") for line in found), found
    assert found[-1] == (
        "damaged: database disk image is malformed "
        "(put a backup in its place; keep this file to see what can be saved of it)"
    )
