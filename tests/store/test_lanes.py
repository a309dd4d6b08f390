"""What is said of a run before it is offered is what a worker would make of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.playbooks.playbook import Playbook
from engine.rules.condition import Answer, Verdict
from engine.runs.change import RunMove
from engine.runs.judging import Judged
from engine.runs.lane import Decision, Hold, Restart, Skip, Start
from engine.runs.ledger import Judgement
from engine.runs.run import Run, RunState
from engine.runs.turns import Turns
from engine.store.people import open_for_people
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, WHENCE, a_playbook, a_run, an_event, letting

LANE = '"db-1"'
KEY = "key: labels.host"
RUNNING, QUEUED = RunState.RUNNING, RunState.QUEUED
SUCCEEDED, FAILED = RunState.SUCCEEDED, RunState.FAILED


async def kept(ledger: SqliteLedger, playbook: Playbook, states: Sequence[RunState]) -> None:
    """Runs of the lane, one a second, each in its state; those that ended did a minute later."""
    await ledger.keep_playbook(playbook)
    for number, state in enumerate(states, start=1):
        event = an_event(f"E{number}")
        began = NOW - 1000 + number
        run = replace(a_run(f"RUN{number}", playbook, event, began), lane=LANE)
        await ledger.accept(event)
        yes = Judgement(playbook.name, playbook.version, Verdict(Answer.YES))
        await ledger.keep_match(event, [yes], began, letting([run]))
        if state is not QUEUED:
            run = run.move(RUNNING, at=began)
            await ledger.keep([RunMove(run)])
        if state.settled:
            await ledger.keep([RunMove(run.move(state, at=began + 60))])


async def offered(
    ledger: SqliteLedger, playbook: Playbook, lane: str | None, paused: Mapping[str, str]
) -> tuple[Run, list[str]]:
    """What a worker's turns make of a run, and which runs they would cancel for it."""

    async def version(_: Run) -> Playbook:
        return playbook

    turns = Turns(
        ledger=ledger,
        version=version,
        clock=lambda: NOW,
        tell=print,
        starts=100,
    )
    turns.pause(paused)
    run = replace(a_run("NEW", playbook, an_event("NEW")), lane=lane)
    event = an_event("NEW")
    await ledger.accept(event)
    judged = Judged(event, [], 1, [run], NOW, {playbook.name: playbook.guard})
    admitted = await ledger.keep_match(event, [], NOW, lambda read: turns.admit(judged, NOW, read))
    return admitted.runs[0], [order.run_id for order in admitted.orders]


@pytest.mark.parametrize(
    ("guard", "states", "paused", "decided"),
    [
        ("", [], None, Start()),
        (f"guard: {{{KEY}}}", [], None, Start()),
        (f"guard: {{{KEY}}}", [RUNNING], None, Skip("single: run RUN1 is going on for this key")),
        (f"guard: {{{KEY}, concurrency: queue}}", [RUNNING], None, Hold("queue: place 1, behind run RUN1")),
        (f"guard: {{{KEY}, concurrency: queue}}", [RUNNING, QUEUED], None, Hold("queue: place 2, behind run RUN2")),
        (f"guard: {{{KEY}, concurrency: restart}}", [RUNNING], None, Restart(("RUN1",), "it takes the place of run RUN1")),
        (f"guard: {{{KEY}, concurrency: parallel}}", [RUNNING, RUNNING], None, Start()),
        (
            f"guard: {{{KEY}, cooldown: 20m}}",
            [SUCCEEDED],
            None,
            Skip("cooldown: the last run for this key ended 0:15:39 ago, and `cooldown` is 0:20:00", NOW + 261),
        ),
        (f"guard: {{{KEY}, cooldown: 10m}}", [SUCCEEDED], None, Start()),
        (f"guard: {{{KEY}, rate: 2 per 1h}}", [SUCCEEDED, FAILED], None, Skip("rate: 2 runs were let in within 1:00:00, and that is all it allows")),
        (
            f"guard: {{{KEY}, breaker: 2}}",
            [FAILED, FAILED],
            None,
            Skip("the breaker is open after 2 failed runs in a row; `engine resume PLAYBOOK` closes it"),
        ),
        (f"guard: {{{KEY}, breaker: 2}}", [FAILED, SUCCEEDED, FAILED], None, Start()),
        ("", [], "p", Skip("paused by ann: a test")),
        (f"guard: {{{KEY}}}", [], "", Skip("paused by ann: a test")),
        ("", [], "another", Start()),
    ],
)  # fmt: skip
def test_it_is_the_same(
    ledger: SqliteLedger,
    database: Path,
    guard: str,
    states: Sequence[RunState],
    paused: str | None,
    decided: Decision,
) -> None:
    playbook = a_playbook(f"{guard}\nsteps: [{{probe: a}}]")
    lane = LANE if guard else None
    asyncio.run(kept(ledger, playbook, states))
    said: dict[str, str] = {}
    if paused is not None:
        with open_for_people(database, WHENCE) as people:
            people.pause(paused, by="ann", at=NOW, reason="a test")
            said = {name: pause.said for name, pause in people.pauses().items()}

    with open_records(database) as records:
        decision = records.decision(playbook, lane, NOW)

    assert decision == decided
    run, cancelled = asyncio.run(offered(ledger, playbook, lane, said))
    skipped = isinstance(decided, Skip)
    assert run.state is (RunState.SKIPPED if skipped else QUEUED)
    assert run.reason == getattr(decided, "reason", None)
    assert cancelled == list(getattr(decided, "cancel", ()))
