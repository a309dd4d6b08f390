"""A run that waits for long is in the ledger alone, and is taken up when there is a reason."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from engine.runs.change import Change, RunMove
from engine.runs.control import EVERYTHING
from engine.runs.ledger import Ledger, Past
from engine.runs.resting import Resting
from engine.runs.run import Run, RunState
from engine.runs.slot import LONG
from engine.runs.worker import Worker
from engine.store.people import People, open_for_people
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, PATIENCE, WHENCE, Stage, a_playbook, a_run, an_event
from tests.runs.test_worker import Gate, a_few_turns, a_worker, accepted, states_in, working

PLAYBOOK = a_playbook(
    "timeout: 1d\nsteps: [{probe: before}, {wait: 1h}, {probe: '{{ event.id }}'}]"
)
RUN1, RUN2, RUN3 = (a_run(f"RUN{n}", PLAYBOOK, an_event(f"E{n}")) for n in (1, 2, 3))


class Books:
    """A ledger that tells which runs it was asked for what they were left with."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self.taken_up: list[str] = []
        self.asked_of = asyncio.Event()  # a run, as whoever passes on an order does just before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def run(self, run_id: str) -> Run:
        found = await self._ledger.run(run_id)
        self.asked_of.set()
        return found

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        found = await self._ledger.pasts(runs)
        # Those of the queue are read in this way too, and have none yet.
        self.taken_up += [run for run, past in found.items() if past.history]
        return found


@pytest.fixture
def books(ledger: SqliteLedger) -> Books:
    return Books(ledger)


@pytest.fixture
def stage(books: Ledger) -> Stage:
    return Stage(books)


def people(database: Path) -> AbstractContextManager[People]:
    return open_for_people(database, WHENCE)


async def waits(stage: Stage, *runs: str) -> None:
    waiting = {(run, RunState.WAITING) for run in runs}
    await stage.told.until(lambda told: waiting <= set(told.states))


async def all_paused(worker: Worker, stage: Stage, database: Path) -> None:
    """And the worker has heard of it: one that was just looking goes by what it saw."""
    with people(database) as ops:
        ops.pause(EVERYTHING, by="ada", at=NOW, reason=None)
    async with asyncio.timeout(PATIENCE):
        while worker.paused(PLAYBOOK.name) is None:
            worker.wake()
            await stage.ledger.queued(0, 1)


# Which of them rest, and until when


def test_each_is_up_when_its_time_has_come_and_once() -> None:
    resting = Resting()
    for run, until in ((RUN1, 30.0), (RUN2, 10.0), (RUN3, None)):
        resting.lay_down(run, until)
    assert resting.due == 10.0
    assert resting.up(9.9) == []
    assert resting.up(10.0) == [RUN2]
    assert resting.up(10.0) == []
    assert resting.up(1e9) == [RUN1]
    assert resting.due is None


def test_whoever_is_called_is_up_at_once_and_not_again_at_its_time() -> None:
    resting = Resting()
    resting.lay_down(RUN1, 30.0)
    resting.lay_down(RUN2, None)
    for run in ("RUN1", "RUN2", "RUN1", "RUN3"):
        resting.call(run)
    assert resting.up(0.0) == [RUN1, RUN2]
    assert resting.up(30.0) == []


# What the worker makes of it


def test_a_run_that_waits_for_long_is_taken_up_out_of_the_ledger_when_its_time_has_come(
    stage: Stage, books: Books, database: Path
) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"), an_event("E2"))
        worker = a_worker(stage, PLAYBOOK, at_once=1)
        async with working(worker):
            await waits(stage, "RUN1", "RUN2")
            stage.clock.jump(3599.9)
            await a_few_turns(worker, stage.ledger)
            assert books.taken_up == []
            stage.clock.jump(0.1)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))

    asyncio.run(story())
    assert books.taken_up == ["RUN1", "RUN2"]
    assert stage.probe.said == ["before", "before", "E1", "E2"]
    assert set(states_in(database).values()) == {"succeeded"}


def test_it_is_taken_up_by_itself_as_soon_as_its_time_has_come(stage: Stage, books: Books) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, PLAYBOOK)
        async with working(worker):
            await waits(stage, "RUN1")
            stage.clock.jump(3599.95)
            worker.wake()  # which looks at the clock again, and sleeps until then
            await a_few_turns(worker, stage.ledger)
            loop = asyncio.get_running_loop()
            loop.call_later(0.05, stage.clock.jump, 0.05)  # before the worker's own timer
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert books.taken_up == ["RUN1"]


def test_a_run_that_waits_for_a_moment_stays(stage: Stage, books: Books) -> None:
    playbook = a_playbook(f"steps: [{{wait: {LONG - 1:.0f}s}}, {{probe: after}}]")

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, playbook)
        async with working(worker):
            await waits(stage, "RUN1")
            stage.clock.jump(LONG)
            await a_few_turns(worker, stage.ledger)

    asyncio.run(story())
    assert books.taken_up == []


def test_a_run_that_rests_hears_what_people_say(stage: Stage, books: Books, database: Path) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"), an_event("E2"))
        worker = a_worker(stage, PLAYBOOK)
        async with working(worker):
            await waits(stage, "RUN1", "RUN2")
            with people(database) as ops:
                ops.cancel("RUN1", by="ada", at=stage.clock())
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))
            await a_few_turns(worker, stage.ledger)

    asyncio.run(story())
    assert books.taken_up == ["RUN1"]
    assert states_in(database) == {"RUN1": "cancelled", "RUN2": "waiting"}


def test_what_is_said_while_the_wait_is_being_kept_is_not_lost(
    stage: Stage, books: Books, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, PLAYBOOK)
        keep = stage.ledger.keep

        async def keep_and_say(changes: Sequence[Change]) -> None:
            await keep(changes)
            if not said and any(isinstance(one, RunMove) for one in changes):
                said.append("cancel")
                with people(database) as ops:
                    ops.cancel("RUN1", by="ada", at=stage.clock())
                worker.wake()
                await books.asked_of.wait()

        said: list[str] = []
        monkeypatch.setattr(stage.ledger, "keep", keep_and_say, raising=False)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "cancelled"}
    assert books.taken_up == []  # it had not come to rest


def test_a_run_whose_time_comes_while_all_is_paused_goes_on_when_that_is_over(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, PLAYBOOK)
        async with working(worker):
            await waits(stage, "RUN1")
            await all_paused(worker, stage, database)
            stage.clock.jump(3600)
            worker.wake()
            await stage.told.until(lambda told: len(told.settled) == 2)
            await a_few_turns(worker, stage.ledger)
            assert stage.probe.said == ["before"]
            with people(database) as ops:
                ops.resume(EVERYTHING, by="ada", at=NOW)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.said == ["before", "E1"]


def test_a_run_that_is_held_in_a_branch_goes_on_there_before_another_branch_has_waited(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    playbook = a_playbook("steps: [{parallel: [[{wait: 1h}], [{probe: a}, {probe: b}]]}]")
    stage.probe.answer("steps/0[1]/0", gate)

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, playbook)
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 2)
            await all_paused(worker, stage, database)
            gate.let("RUN1")
            await waits(stage, "RUN1")
            with people(database) as ops:
                ops.resume(EVERYTHING, by="ada", at=NOW)
            worker.wake()
            await stage.told.until(lambda told: len(told.settled) == 2)

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "waiting"}


def test_a_run_that_rests_gives_its_slot_to_one_other_and_not_to_two(stage: Stage) -> None:
    gate = Gate()
    waits_first = a_playbook("trigger: {when: labels.first}\nsteps: [{wait: 1h}]", "waits")
    goes = a_playbook("trigger: {when: labels.resource}\nsteps: [{probe: a}]", "goes")
    stage.probe.answer("steps/0", gate, gate)

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1", labels={"first": "1"}))
        await accepted(stage.ledger, an_event("E2"), an_event("E3"))
        worker = a_worker(stage, waits_first, goes, at_once=1)
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 2)
            await a_few_turns(worker, stage.ledger)
            assert gate.came == ["RUN2"]
            gate.let("RUN2", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN2", "RUN3"))

    asyncio.run(story())
    assert gate.most_inside == 1


def test_a_worker_that_stops_leaves_at_rest_what_rests(stage: Stage, database: Path) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        async with working(a_worker(stage, PLAYBOOK)):
            await waits(stage, "RUN1")

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "waiting"}
    assert stage.told.troubles == []
