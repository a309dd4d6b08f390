"""What people say by a button or a command is in the audit trail with it, or neither is."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.problem import EngineError
from engine.runs.audit import Act, AuditEntry
from engine.runs.change import RunBegin, RunMove
from engine.runs.control import Order, Verb
from engine.runs.fact import Began
from engine.runs.run import RunState
from engine.store.people import open_for_people
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, WHENCE, a_playbook, a_run, an_event, letting, verdicts
from tests.runs.test_consequences import about, press

PLAYBOOK = a_playbook("steps: [{id: a, probe: a}]", "restart-host")
ADA = {"person_id": 7, "person_name": "Ada", "email": "ada@example.com"}


async def going(ledger: SqliteLedger) -> None:
    await ledger.keep_playbook(PLAYBOOK)
    event = about("E1")
    run = a_run("RUN1", PLAYBOOK, event)
    await ledger.accept(event)
    await ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run]))
    await ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW, {}))])


def kept(database: Path) -> list[AuditEntry]:
    with open_records(database) as records:
        return list(records.audit(10, None, None, None).items)


def test_a_button_of_flashduty_says_who_pressed_it_and_which_event_that_was(
    ledger: SqliteLedger, database: Path
) -> None:
    async def story() -> None:
        await going(ledger)
        event = press("E2", "approve", person=ADA)
        orders = [
            Order(0, "RUN1", Verb.APPROVE, "Ada", NOW, "steps/0"),
            Order(0, "RUN1", Verb.CANCEL, "run RUN2, which takes its place", NOW),
            Order(0, "RUN1", Verb.CLOSE, "the end of its incident", NOW),
        ]
        await ledger.accept(event)
        await ledger.keep_match(event, verdicts([]), NOW, letting([], orders))

    asyncio.run(story())
    assert kept(database) == [
        AuditEntry(
            at=NOW,
            act=Act.APPROVE,
            by="Ada",
            whence={"event": "E2", "action": "approve", "person": 7, "email": "ada@example.com"},
            playbook="restart-host",
            run_id="RUN1",
            path="steps/0",
        )
    ]


def test_what_cannot_be_written_down_is_not_done(ledger: SqliteLedger, database: Path) -> None:
    asyncio.run(going(ledger))
    with closing(sqlite3.connect(database)) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(EngineError, match="full"), open_for_people(database, WHENCE) as people:
        people.cancel("RUN1", by="ada", at=NOW)
    with pytest.raises(EngineError, match="full"), open_for_people(database, WHENCE) as people:
        people.pause("restart-host", by="ada", at=NOW, reason=None)
    assert asyncio.run(ledger.orders(0)) == []
    assert asyncio.run(ledger.pauses()) == {}


def test_it_outlives_what_it_tells_of(ledger: SqliteLedger, database: Path) -> None:
    asyncio.run(going(ledger))
    with open_for_people(database, WHENCE) as people:
        people.cancel("RUN1", by="ada", at=NOW)
    ended = a_run("RUN1", PLAYBOOK, an_event("E1")).move(RunState.CANCELLED, at=NOW)
    asyncio.run(ledger.keep([RunMove(ended)]))
    batch = asyncio.run(ledger.pruning.prune(NOW + 9e9, 0, None))
    assert batch.runs == 1
    [entry] = kept(database)
    assert (entry.run_id, entry.playbook, entry.whence) == ("RUN1", "restart-host", WHENCE)
