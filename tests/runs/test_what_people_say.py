"""The worker does what people said: while it works, and when it starts."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from engine.playbooks.load import Loader
from engine.playbooks.playbook import PlaybookText
from engine.playbooks.step_type import Call, Failed, Report, Succeeded
from engine.rules.match import RECONCILED
from engine.runs.change import RunBegin
from engine.runs.control import EVERYTHING
from engine.runs.fact import Began
from engine.runs.happening import PausesChanged
from engine.runs.ledger import Ledger
from engine.runs.run import Outcome, RunState
from engine.store.people import People, open_for_people
from engine.store.records import open_records
from tests.runs.fakes import (
    NOW,
    PATIENCE,
    WHENCE,
    Probe,
    Stage,
    a_playbook,
    a_run,
    an_event,
    letting,
    step_types,
    verdicts,
)
from tests.runs.test_worker import Gate, a_worker, accepted, states_in, working

TWO = a_playbook("steps: [{id: a, probe: a}, {id: b, probe: b}]\nfinally: [{probe: f}]", "two")


async def left_behind(stage: Stage, id_: str = "RUN1") -> None:
    """A run that a dead engine had begun, and was about to go on with."""
    event = an_event(f"E of {id_}")
    await stage.ledger.accept(event)
    await stage.ledger.keep_playbook(TWO)
    run = a_run(id_, TWO, event)
    await stage.ledger.keep_match(event, verdicts([TWO]), NOW, letting([run]))
    await stage.ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW))])


def test_a_run_that_was_cancelled_while_no_engine_worked_performs_nothing_but_finally(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        await left_behind(stage)
        with open_for_people(database, WHENCE) as people:
            people.cancel("RUN1", by="ada", at=NOW)
        async with working(a_worker(stage, TWO)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.said == ["f"]
    assert states_in(database) == {"RUN1": "cancelled"}


class SlowToTell:
    """The ledger, that takes its time to tell what people said."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def orders(self, after: int) -> Any:
        for _ in range(50):
            await self._ledger.unfinished()
        return await self._ledger.orders(after)


def test_nothing_goes_on_at_a_start_before_it_is_known_what_people_said(
    stage: Stage, database: Path
) -> None:
    async def story(people: People) -> None:
        await left_behind(stage)
        people.cancel("RUN1", by="ada", at=NOW)
        stage.ledger = cast("Ledger", SlowToTell(stage.ledger))
        async with working(a_worker(stage, TWO)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["f"]


def test_a_run_that_was_paused_while_no_engine_worked_goes_on_when_it_is_resumed(
    stage: Stage, database: Path
) -> None:
    async def story(people: People) -> None:
        await left_behind(stage)
        people.pause("two", by="ada", at=NOW, reason="freeze")
        worker = a_worker(stage, TWO)
        async with working(worker):
            await stage.told.until(lambda told: ("RUN1", RunState.WAITING) in told.states)
            assert stage.probe.said == []
            assert (await stage.ledger.run("RUN1")).reason == "paused by ada: freeze"
            people.resume("two", by="ada", at=NOW)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["a", "b", "f"]
    changes = [one for one in stage.told.happenings if isinstance(one, PausesChanged)]
    assert changes == [PausesChanged({"two": "paused by ada: freeze"}), PausesChanged({})]


def test_a_pause_lets_the_step_under_way_finish_and_takes_up_no_queued_run(
    stage: Stage, database: Path
) -> None:
    async def story(people: People) -> None:
        worker = a_worker(stage, TWO)

        async def paused_meanwhile(_: Call) -> Report:
            people.pause(EVERYTHING, by="ada", at=NOW, reason=None)
            await accepted(stage.ledger, an_event("LATER"))
            worker.wake()
            await stage.told.until(lambda told: ("RUN2", RunState.SKIPPED) in told.states)
            return Succeeded()

        stage.probe.answer("steps/0", paused_meanwhile)
        await accepted(stage.ledger, an_event())
        async with working(worker):
            await stage.told.until(lambda told: ("RUN1", RunState.WAITING) in told.states)

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["a"]
    with open_records(database) as records:
        assert records.run("RUN2").run.reason == "paused by ada"


class PausedMeanwhile:
    """The ledger, in which a person pauses everything before it is asked for events, and sends one.

    As happens between two looks of a worker on a busy machine.
    """

    def __init__(self, ledger: Ledger, people: People) -> None:
        self._ledger = ledger
        self._people = people
        self._paused = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def unmatched(self, limit: int) -> Any:
        if not self._paused:
            self._paused = True
            self._people.pause(EVERYTHING, by="ada", at=NOW, reason=None)
            await self._ledger.accept(an_event())
        return await self._ledger.unmatched(limit)


def test_no_event_that_comes_behind_a_pause_starts_anything(stage: Stage, database: Path) -> None:
    async def story(people: People) -> None:
        stage.ledger = cast("Ledger", PausedMeanwhile(stage.ledger, people))
        async with working(a_worker(stage, TWO)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert states_in(database) == {"RUN1": "skipped"}
    assert stage.probe.said == []


def test_a_queued_run_is_cancelled_without_having_begun(stage: Stage, database: Path) -> None:
    async def story(people: People) -> None:
        await stage.queue(TWO, an_event())
        people.pause("two", by="ada", at=NOW, reason=None)
        people.cancel("RUN1", by="ada", at=NOW)
        async with working(a_worker(stage, TWO)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == []
    with open_records(database) as records:
        run = records.run("RUN1").run
    assert (run.state, run.reason, run.started) == (
        RunState.CANCELLED,
        "cancelled by ada",
        None,
    )


def test_a_repeated_run_has_the_playbooks_whole_time_and_sees_what_was_done_before(
    stage: Stage, database: Path
) -> None:
    text = (
        "timeout: 1m\nsteps: [{id: a, probe: a}, {id: b, probe: '{{ steps.a.said }}{{ vars.x }}'}]"
    )
    playbook = a_playbook(f"vars: {{x: '{{{{ config.x }}}}'}}\n{text}", "late")
    stage.probe.answer("steps/1", Failed("no", retryable=False))

    async def story(people: People) -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, playbook, config={"x": "1"})):
            await stage.told.until(lambda told: told.ended("RUN1"))
        stage.clock.jump(3600)
        people.repeat("RUN1", id_="AGAIN", by="ada", at=stage.clock(), paths=["steps/0"])
        stage.clock.jump(3600)  # in the queue
        async with working(a_worker(stage, playbook, config={"x": "2"})):
            await stage.told.until(lambda told: told.ended("AGAIN"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["a", "a1", "a1"]
    with open_records(database) as records:
        again = records.run("AGAIN").run
    assert (again.state, again.origin) == (RunState.SUCCEEDED, "RUN1")
    assert again.started == NOW + 7200


def test_a_replay_starts_what_an_event_like_it_started_before(stage: Stage, database: Path) -> None:
    playbook = a_playbook("trigger: {reconcile: true}\nsteps: [{probe: '{{ event.id }}'}]", "again")
    missed = replace(an_event(), source=RECONCILED, time=int(NOW * 1000))

    async def story(people: People) -> None:
        await accepted(stage.ledger, missed)
        worker = a_worker(stage, playbook)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN1"))
            people.replay(missed.id, id_="EVENT2", by="ada", at=NOW)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["EVENT1", "EVENT2"]


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{probe: a}]\nfinally: [{probe: f}, {probe: g}]",
        "steps: [{playbook: within}]\nfinally: [{probe: g}]",
    ],
)
def test_what_cleans_up_is_not_cut_by_a_cancelling(stage: Stage, database: Path, text: str) -> None:
    within = "name: within\ninputs: {}\nsteps: [{probe: a}]\nfinally: [{probe: f}]"
    kept = PlaybookText(f"name: p\ntrigger: {{}}\n{text}", "p.yaml", ((within, "within.yaml"),))
    playbook = Loader(step_types(Probe())).load_kept(kept)
    at = "steps/0/finally/0" if "playbook" in text else "finally/0"
    gate = Gate()
    stage.probe.answer(at, gate)

    async def story(people: People) -> None:
        worker = a_worker(stage, playbook)
        await accepted(stage.ledger, an_event())
        async with working(worker):
            await stage.told.until(lambda told: told.started[-1:] == [(at, 1)])
            people.cancel("RUN1", by="ada", at=NOW)
            async with asyncio.timeout(PATIENCE):
                while await stage.ledger.orders(0):  # the run has not heard of it
                    worker.wake()
            gate.let("RUN1")
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert stage.probe.said == ["a", "f", "g"]
    assert states_in(database) == {"RUN1": "cancelled"}
    with open_records(database) as records:
        steps = {step.path: step.outcome for step in records.run("RUN1").steps}
    assert steps[at] is Outcome.SUCCEEDED


def test_a_run_that_is_cancelled_before_its_turn_never_begins(stage: Stage, database: Path) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate, gate, gate)

    async def story(people: People) -> None:
        worker = a_worker(stage, a_playbook("steps: [{probe: a}]"), at_once=1)
        await accepted(stage.ledger, *(an_event(f"E{number}") for number in range(3)))
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 1)
            people.cancel("RUN2", by="ada", at=NOW)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))
            gate.let("RUN1", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN3"))

    with open_for_people(database, WHENCE) as people:
        asyncio.run(story(people))
    assert gate.came == ["RUN1", "RUN3"]
    assert states_in(database)["RUN2"] == "cancelled"
