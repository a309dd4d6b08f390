"""What is still to be done is counted by itself, whatever else the ledger holds."""

import asyncio
from pathlib import Path

from engine.runs.change import RunMove
from engine.runs.control import EVERYTHING
from engine.runs.ledger import Backlog
from engine.runs.run import RunState
from engine.store.people import open_for_people
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, WHENCE, Stage, a_playbook, an_event

PLAYBOOK = a_playbook("steps: [{probe: a}]")


def test_of_events_and_runs_those_are_counted_that_are_not_done(
    ledger: SqliteLedger, database: Path
) -> None:
    async def story() -> Backlog:
        stage = Stage(ledger)
        one, *_ = [
            await stage.queue(PLAYBOOK, an_event(f"E{number}"), f"RUN{number}")
            for number in range(3)
        ]
        running = one.move(RunState.RUNNING, at=NOW)
        await ledger.keep([RunMove(running)])
        ended = running.move(RunState.FAILED, at=NOW)
        for number in range(2):
            await ledger.accept(an_event(f"NEW{number}"))
        with open_for_people(database, WHENCE) as people:
            people.pause("one", by="ada", at=NOW, reason=None)
            people.pause(EVERYTHING, by="ada", at=NOW, reason=None)
            people.resume("one", by="ada", at=NOW)
        before = await ledger.backlog()
        await ledger.keep([RunMove(ended)])
        assert (await ledger.backlog()).unfinished == {RunState.QUEUED: 2}
        return before

    assert asyncio.run(story()) == Backlog(
        unjudged=2, unfinished={RunState.QUEUED: 2, RunState.RUNNING: 1}, pauses=1
    )
