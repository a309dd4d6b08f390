"""The worker judges what was accepted and keeps every run going until it has ended."""

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from typing_extensions import override

from engine.events.event import Event
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.playbooks.step_type import Call, Report, Succeeded
from engine.problem import EngineError, Problem
from engine.rules.condition import Answer, Verdict
from engine.rules.match import Trigger
from engine.runs import admission, patient_ledger
from engine.runs.change import Change, RunBegin, RunMove
from engine.runs.fact import Began
from engine.runs.happening import Matched, RunMoved, StepStarted, TakenUp
from engine.runs.ledger import Judgement, Ledger, LedgerError, NotInLedgerError, Past
from engine.runs.run import Outcome, RunState
from engine.runs.worker import Worker
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import (
    NOW,
    PATIENCE,
    Clock,
    Probe,
    Stage,
    a_playbook,
    a_run,
    an_event,
    letting,
    step_types,
)

ONE = a_playbook("steps: [{probe: '{{ event.id }}'}]", "one", "one.yaml")


async def at_once() -> None:
    """Nobody has to be given way to."""


def a_worker(
    stage: Stage,
    *playbooks: Playbook,
    at_once: int = 10,
    starts: int = 100_000,
    wall: Callable[[], float] | None = None,
    load: Callable[[PlaybookText], Playbook] | None = None,
    config: Mapping[str, Any] | None = None,
    own: Callable[[Event], bool | None] = lambda _: False,
    give_way: Callable[[], Awaitable[None]] = at_once,
) -> Worker:
    ids = (f"RUN{number}" for number in itertools.count(1))
    return Worker(
        ledger=stage.ledger,
        runner=stage.runner(),
        playbooks=playbooks,
        load=load or Loader(step_types(Probe())).load_kept,
        config=config or {},
        new_id=lambda: next(ids),
        clock=wall or stage.clock,
        tell=stage.told,
        runs_at_once=at_once,
        starts=starts,
        own=own,
        give_way=give_way,
    )


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    """Until the end of the block; then it is stopped and has to come to its end."""
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.work())
        yield
        worker.stop()


async def accepted(ledger: Ledger, *events: Event) -> None:
    for event in events:
        await ledger.accept(event)


def states_in(database: Path, limit: int = 1000) -> dict[str, str]:
    with open_records(database) as records:
        return {run.id: run.state.value for run in records.runs(limit, None, None, None).items}


class Gate:
    """Steps wait at it until they are let through by name, and say that they came."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.reached = asyncio.Event()  # by somebody
        self.open: dict[str, asyncio.Event] = {}
        self.inside = 0
        self.most_inside = 0

    async def __call__(self, call: Call) -> Report:
        self.came.append(call.run_id)
        self.reached.set()
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.open.setdefault(call.run_id, asyncio.Event()).wait()
        finally:
            self.inside -= 1
        return Succeeded()

    def let(self, *runs: str) -> None:
        for run in runs:
            self.open.setdefault(run, asyncio.Event()).set()


async def a_few_turns(worker: Worker, ledger: Ledger) -> None:
    """Time for the worker to do what it must not do."""
    for _ in range(5):
        worker.wake()
        await ledger.queued(0, 1)


# Judging


def test_an_event_is_judged_by_every_playbook_and_what_those_said_that_it_could_concern_is_kept(
    stage: Stage, database: Path
) -> None:
    playbooks = [
        a_playbook("trigger: {when: labels.resource}\nsteps: [{probe: a}]", "yes"),
        a_playbook("trigger: {events: [i_new]}\nsteps: [{probe: a}]", "no-type"),
        a_playbook("trigger: {action: reboot}\nsteps: [{probe: a}]", "no-action"),
        a_playbook("trigger: {when: lower(config.region) != 'us'}\nsteps: [{probe: a}]", "config"),
        a_playbook("trigger: {when: labels.resource == 'x'}\nsteps: [{probe: a}]", "no-host"),
        a_playbook("trigger: {when: 'length(labels.x) > `1`'}\nsteps: [{probe: a}]", "unsure"),
    ]

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, *playbooks, config={"region": "us"})):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    with open_records(database) as records:
        kept = records.event("EVENT1")
        ruled_out = [name for name, _ in records.ruled_out(kept)]
    assert sorted(ruled_out) == ["no-action", "no-host", "no-type"]
    assert {judgement.playbook: judgement.verdict for judgement in kept.judgements} == {
        "yes": Verdict(Answer.YES),
        "config": Verdict(Answer.NO, 'lower(config.region) is "us"'),
        "unsure": Verdict(
            Answer.CANNOT_TELL,
            "length(labels.x) > `1`: "
            "length() takes string or array or object, not a field that is not there",
        ),
    }
    assert [run.playbook for run in kept.runs] == ["yes"]
    assert Matched("EVENT1", ("yes",), ("unsure",)) in stage.told.happenings


def test_an_event_that_nothing_wants_is_judged_once_and_starts_nothing(stage: Stage) -> None:
    playbook = a_playbook("trigger: {action: reboot}\nsteps: [{probe: a}]")

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        worker = a_worker(stage, playbook)
        async with working(worker):
            await stage.told.until(lambda told: bool(told.happenings))
            await a_few_turns(worker, stage.ledger)
        assert await stage.ledger.unmatched(9) == []

    asyncio.run(story())
    assert stage.told.happenings == [Matched("EVENT1", (), ())]


def test_nothing_is_judged_while_the_worker_gives_way(stage: Stage) -> None:
    asked, quiet = asyncio.Event(), asyncio.Event()

    async def give_way() -> None:
        asked.set()
        await quiet.wait()

    async def story() -> None:
        await accepted(stage.ledger, an_event("EVENT1"))
        async with working(a_worker(stage, ONE, give_way=give_way)):
            await asked.wait()
            assert [event.id for event in await stage.ledger.unmatched(1)] == ["EVENT1"]
            quiet.set()
            await stage.told.until(lambda told: bool(told.happenings))

    asyncio.run(story())


def test_an_event_that_comes_later_is_taken_when_the_worker_is_woken(stage: Stage) -> None:
    async def story() -> None:
        worker = a_worker(stage, ONE)
        async with working(worker):
            for number in (1, 2):
                await accepted(stage.ledger, an_event(f"EVENT{number}"))
                worker.wake()
                await stage.told.until(lambda told, n=number: told.ended(f"RUN{n}"))  # type: ignore[misc]

    asyncio.run(story())
    assert stage.probe.said == ["EVENT1", "EVENT2"]


def test_an_event_and_a_playbook_make_one_run_however_often_they_are_matched(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended("RUN1"))
        await stage.ledger.keep_match(
            an_event(), [], NOW, letting([a_run("AGAIN", ONE, an_event())])
        )
        await accepted(stage.ledger, an_event("EVENT2", key="key of EVENT1"))
        worker = a_worker(stage, ONE)
        async with working(worker):
            await a_few_turns(worker, stage.ledger)

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "succeeded"}
    assert stage.probe.said == ["EVENT1"]


class BrokenTrigger(Trigger):
    @override
    def judge(self, document: Mapping[str, Any], now: float) -> Verdict:
        raise ZeroDivisionError("by zero")


def test_a_fault_in_a_trigger_is_a_verdict_that_cannot_be_told_and_keeps_no_other_from_starting(
    stage: Stage, database: Path
) -> None:
    broken = replace(a_playbook("steps: [{probe: no}]", "broken"), trigger=BrokenTrigger())

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, broken, ONE)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.said == ["EVENT1"]
    (trouble,) = stage.told.troubles
    assert trouble.where == "playbook broken"
    assert "ZeroDivisionError" in trouble.message
    with open_records(database) as records:
        assert records.event("EVENT1").judgements[0].verdict == Verdict(
            Answer.CANNOT_TELL, "ZeroDivisionError: by zero (this is a fault of the engine)"
        )


def test_runs_start_while_a_storm_of_events_is_still_being_judged(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "BATCH", 2)
    names = [f"RUN{number}" for number in range(1, 41)]

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"EVENT{number}") for number in range(40)))
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended(*names))

    asyncio.run(story())
    kinds = [type(happening) for happening in stage.told.happenings]
    last_matched = len(kinds) - kinds[::-1].index(Matched)
    assert kinds.index(StepStarted) < last_matched
    assert Counter(kinds)[Matched] == 40


def test_a_backlog_that_starts_nothing_is_judged_to_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "BATCH", 2)
    playbook = a_playbook("trigger: {action: reboot}\nsteps: [{probe: a}]")

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"EVENT{number}") for number in range(6)))
        async with working(a_worker(stage, playbook)):
            await stage.told.until(lambda told: len(told.happenings) == 6)

    asyncio.run(story())
    assert stage.told.happenings == [Matched(f"EVENT{number}", (), ()) for number in range(6)]


# Slots


def test_the_next_run_does_not_wait_until_the_end_of_one_is_on_the_disk(
    stage: Stage, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = stage.ledger.keep

    async def keep_late(changes: Sequence[Change]) -> None:
        if any(isinstance(one, RunMove) and one.run.id == "RUN1" for one in changes):
            await stage.told.until(lambda told: ("RUN2", RunState.RUNNING) in told.states)
        await keep(changes)

    monkeypatch.setattr(stage.ledger, "keep", keep_late)

    async def story() -> None:
        await accepted(stage.ledger, an_event("EVENT1"), an_event("EVENT2"))
        async with working(a_worker(stage, ONE, at_once=1)):
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))

    asyncio.run(story())
    assert set(states_in(database).values()) == {"succeeded"}


def test_no_more_runs_go_at_once_than_allowed_and_the_others_start_in_order(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", *[gate] * 5)

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"EVENT{number}") for number in range(5)))
        worker = a_worker(stage, ONE, at_once=2)
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 2)
            await a_few_turns(worker, stage.ledger)
            assert gate.came == ["RUN1", "RUN2"]
            assert [run.id for _, run in await stage.ledger.queued(0, 9)] == [
                "RUN3",
                "RUN4",
                "RUN5",
            ]
            for number in (2, 1, 3, 4, 5):
                gate.let(f"RUN{number}")
                await stage.told.until(lambda told, n=number: told.ended(f"RUN{n}"))  # type: ignore[misc]

    asyncio.run(story())
    assert gate.came == ["RUN1", "RUN2", "RUN3", "RUN4", "RUN5"]
    assert gate.most_inside == 2
    assert set(states_in(database).values()) == {"succeeded"}


def test_a_run_that_only_waits_gives_its_turn_to_another(stage: Stage, database: Path) -> None:
    waits = a_playbook("trigger: {when: labels.first}\nsteps: [{wait: 1h}]", "waits")
    goes = a_playbook("trigger: {when: labels.resource}\nsteps: [{probe: b}]", "goes")

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1", labels={"first": "1"}), an_event("E2"))
        async with working(a_worker(stage, waits, goes, at_once=1)):
            await stage.told.until(lambda told: told.ended("RUN2"))

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "waiting", "RUN2": "succeeded"}
    assert stage.told.states[:2] == [("RUN1", RunState.RUNNING), ("RUN1", RunState.WAITING)]


def test_a_run_whose_wait_is_over_waits_for_its_turn_again(stage: Stage) -> None:
    class RealClock(Clock):
        @override
        def __call__(self) -> float:
            return NOW + asyncio.get_running_loop().time()

    inside = Counter[str]()
    most: list[int] = []

    async def looks(_: Call) -> Report:
        inside["now"] += 1
        most.append(inside["now"])
        for _turn in range(10):
            await asyncio.sleep(0)
        inside["now"] -= 1
        return Succeeded()

    stage.clock = RealClock()
    playbook = a_playbook("steps: [{probe: a}, {wait: 3ms}, {probe: b}, {wait: 1ms}, {probe: c}]")
    for path in ("steps/0", "steps/2", "steps/4"):
        stage.probe.answer(path, *[looks] * 12)
    names = [f"RUN{number}" for number in range(1, 13)]

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"EVENT{number}") for number in range(12)))
        async with working(a_worker(stage, playbook, at_once=2)):
            await stage.told.until(lambda told: told.ended(*names))

    asyncio.run(story())
    assert len(most) == 36
    assert max(most) <= 2


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_neither_puts_a_wait_off_nor_ends_a_playbooks_time(
    stage: Stage, step: float
) -> None:
    """What runs go by is steady; only how old an event is, is asked of the machine's clock."""
    wall = Clock()
    playbook = a_playbook("timeout: 1h\nsteps: [{wait: 30s}, {probe: a}]")

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        worker = a_worker(stage, playbook, wall=wall)
        async with working(worker):
            await stage.told.until(lambda told: ("RUN1", RunState.WAITING) in told.states)
            wall.jump(step)
            stage.clock.jump(29.99)
            await accepted(stage.ledger, an_event("E2"))
            worker.wake()
            await stage.told.until(lambda told: ("RUN2", RunState.WAITING) in told.states)
            assert stage.probe.calls == []
            stage.clock.jump(0.01)
            worker._controls["RUN1"].changed.set()  # noqa: SLF001 - in place of its timer
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert ("RUN1", RunState.SUCCEEDED) in stage.told.states


# Stopping


def test_stopping_lets_steps_in_flight_finish_and_starts_nothing_new(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate, gate)
    two = a_playbook("steps: [{probe: a}, {probe: b}]")

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"), an_event("E2"))
        worker = a_worker(stage, two, at_once=1)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            work = tasks.create_task(worker.work())
            await stage.told.until(lambda told: len(told.started) == 1)
            await accepted(stage.ledger, an_event("E3"))
            worker.stop()
            worker.stop()
            for _ in range(5):
                await stage.ledger.queued(0, 1)
            assert not work.done(), "a step is in flight"
            gate.let("RUN1")
        assert [event.id for event in await stage.ledger.unmatched(9)] == ["E3"]

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1)]
    assert [fact.path for fact in stage.told.settled] == ["steps/0"]
    assert states_in(database) == {"RUN1": "running", "RUN2": "queued"}


def test_stopping_does_not_wait_for_timers(stage: Stage, database: Path) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, a_playbook("steps: [{wait: 1h}]"))):
            await stage.told.until(lambda told: ("RUN1", RunState.WAITING) in told.states)

    asyncio.run(story())
    assert states_in(database) == {"RUN1": "waiting"}


def test_stopping_does_not_wait_for_a_backlog_to_be_judged(stage: Stage) -> None:
    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(500):
                tasks.create_task(stage.ledger.accept(an_event(f"EVENT{number}")))
        worker = a_worker(stage, ONE)
        stage.told.listeners.append(lambda _: worker.stop())
        async with working(worker):
            await stage.told.until(lambda told: bool(told.happenings))
        assert len(await stage.ledger.unmatched(500)) >= 300

    asyncio.run(story())
    assert stage.probe.calls == []


def test_a_worker_that_is_stopped_before_it_works_does_nothing(stage: Stage) -> None:
    async def story() -> None:
        await accepted(stage.ledger, an_event())
        worker = a_worker(stage, ONE)
        worker.stop()
        await worker.work()
        assert len(await stage.ledger.unmatched(9)) == 1

    asyncio.run(story())


# Restarting


def test_a_restart_goes_on_with_unfinished_and_queued_runs(database: Path) -> None:
    gate = Gate()
    two = a_playbook("steps: [{probe: one}, {probe: twice}]")

    async def first(stage: Stage) -> None:
        stage.probe.answer("steps/1", gate, gate)
        await accepted(stage.ledger, *(an_event(f"E{number}") for number in range(4)))
        worker = a_worker(stage, two, at_once=2)
        async with asyncio.timeout(PATIENCE):
            work = asyncio.ensure_future(worker.work())
            await stage.told.until(lambda told: told.started.count(("steps/1", 1)) == 2)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    async def second(stage: Stage) -> None:
        async with working(a_worker(stage, two, at_once=2)):
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3", "RUN4"))

    with open_ledger(database) as ledger:
        asyncio.run(first(Stage(ledger)))
    assert states_in(database) == {
        "RUN1": "running",
        "RUN2": "running",
        "RUN3": "queued",
        "RUN4": "queued",
    }
    with open_ledger(database) as ledger:
        stage = Stage(ledger)
        asyncio.run(second(stage))
        assert Counter(stage.probe.calls) == {("steps/0", 1): 2, ("steps/1", 1): 4}
    assert set(states_in(database).values()) == {"succeeded"}
    with open_records(database) as records:
        assert [step.repeats for step in records.run("RUN1").steps] == [0, 1]


def test_unfinished_runs_take_turns_too(stage: Stage) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", *[gate] * 3)

    async def story() -> None:
        for number in (1, 2, 3):
            event = an_event(f"E{number}")
            run = await stage.queue(ONE, event, f"OLD{number}")
            await stage.ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW))])
        worker = a_worker(stage, ONE, at_once=1)
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 1)
            await a_few_turns(worker, stage.ledger)
            assert gate.came == ["OLD1"]
            gate.let("OLD1", "OLD2", "OLD3")
            await stage.told.until(lambda told: told.ended("OLD1", "OLD2", "OLD3"))

    asyncio.run(story())
    assert gate.came == ["OLD1", "OLD2", "OLD3"]
    assert gate.most_inside == 1


def test_an_unfinished_run_that_cannot_be_read_keeps_no_other_from_going_on(
    stage: Stage, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)

    async def story() -> None:
        for number in (1, 2, 3):
            run = await stage.queue(ONE, an_event(f"E{number}"), f"OLD{number}")
            await stage.ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW))])
        with closing(sqlite3.connect(database)) as db:
            db.execute("UPDATE runs SET began = '{' WHERE id = 'OLD1'")
            db.commit()
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended("OLD2", "OLD3"))
            await stage.told.until(lambda told: bool(told.troubles))

    asyncio.run(story())
    assert states_in(database) == {"OLD1": "running", "OLD2": "succeeded", "OLD3": "succeeded"}
    assert TakenUp(3, 0) in stage.told.happenings


def test_a_run_keeps_the_version_it_began_with_out_of_the_ledger(database: Path) -> None:
    old = a_playbook('steps: [{wait: 1m}, {probe: "old {{ event.id }}"}]', "p", "p.yaml")
    new = a_playbook('steps: [{wait: 1m}, {probe: "new {{ event.id }}"}]', "p", "p.yaml")
    loaded: list[PlaybookText] = []

    def load(kept: PlaybookText) -> Playbook:
        loaded.append(kept)
        return Loader(step_types(Probe())).load_kept(kept)

    async def first(stage: Stage) -> None:
        await accepted(stage.ledger, an_event("E1"), an_event("E2"))
        async with working(a_worker(stage, old)):
            waiting = {("RUN1", RunState.WAITING), ("RUN2", RunState.WAITING)}
            await stage.told.until(lambda told: waiting <= set(told.states))

    async def second(stage: Stage) -> None:
        stage.clock.jump(61)
        async with working(a_worker(stage, new, load=load)):
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))

    with open_ledger(database) as ledger:
        asyncio.run(first(Stage(ledger)))
    with open_ledger(database) as ledger:
        stage = Stage(ledger)
        asyncio.run(second(stage))
    assert sorted(stage.probe.said) == ["old E1", "old E2"]
    assert old.kept in loaded
    assert new.version != old.version


class Meanwhile:
    """A ledger during whose first answer to `method` something else happens."""

    def __init__(self, ledger: Ledger, method: str, happens: Callable[[], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._method: str | None = method
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        async def asked(*arguments: Any) -> Any:
            if name == self._method:
                self._method = None
                await self._happens()
            return await method(*arguments)

        return asked


@pytest.mark.parametrize("method", ["unmatched", "lane", "keep_match", "queued"])
def test_an_event_goes_by_all_of_the_old_playbooks_or_all_of_the_new_ones(
    stage: Stage, database: Path, method: str
) -> None:
    """`lane` and `keep_match` are asked between an event's judgement and its run."""
    text = "guard: {key: labels.resource}\nsteps: [{probe: %s}]"
    old = [a_playbook(text % "old", name, f"{name}.yaml") for name in ("one", "two")]
    new = [a_playbook(text % "new", name, f"{name}.yaml") for name in ("two", "three")]

    async def story() -> None:
        async def change() -> None:
            await worker.change(new, "c0ffee")

        await accepted(stage.ledger, an_event("E1"))
        stage.ledger = cast("Ledger", Meanwhile(stage.ledger, method, change))
        worker = a_worker(stage, *old)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))
            await accepted(stage.ledger, an_event("E2"))
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN3", "RUN4"))
        # Retention lets go of none that a run may be about to name.
        assert set(worker.known) == {one.version for one in (*old, *new)}

    asyncio.run(story())
    with open_records(database) as records:
        versions = [run.version for run in records.runs(9, None, None, None).items]
        kept = {
            records.run(run.id).playbook.commit for run in records.runs(2, None, None, None).items
        }
    first = new if method == "unmatched" else old
    assert versions == [one.version for one in (*reversed(new), *reversed(first))]
    assert kept == {"c0ffee"}


def test_each_event_knows_which_playbooks_were_in_force_and_not_asked(
    stage: Stage, database: Path
) -> None:
    text = "trigger: {action: %s}\nsteps: [{probe: a}]"
    old = [a_playbook(text % name, name, f"{name}.yaml") for name in ("a", "b")]
    new = [old[1], *(a_playbook(text % name, name, f"{name}.yaml") for name in ("c",))]

    async def story() -> None:
        await accepted(stage.ledger, an_event("E1"))
        worker = a_worker(stage, *old)
        async with working(worker):
            await stage.told.until(lambda told: Matched("E1", (), ()) in told.happenings)
            await worker.change(new, None)
            await accepted(stage.ledger, an_event("E2"))
            worker.wake()
            await stage.told.until(lambda told: Matched("E2", (), ()) in told.happenings)
        await accepted(stage.ledger, an_event("E3"))
        again = a_worker(stage, *new)
        async with working(again):
            await stage.told.until(lambda told: Matched("E3", (), ()) in told.happenings)

    asyncio.run(story())
    with open_records(database) as records:
        found = [records.event(id_) for id_ in ("E1", "E2", "E3")]
        assert [records.ruled_out(one) for one in found] == [
            [(one.name, one.version) for one in asked] for asked in (old, new, new)
        ]
    assert [one.judged_by for one in found] == [1, 2, 2], "a restart with the same is no change"


@pytest.mark.parametrize("method", ["keep_playbook", "put_in_force"])
def test_a_change_while_it_begins_comes_after_what_it_begins_with(
    stage: Stage, database: Path, method: str
) -> None:
    old = a_playbook("trigger: {action: a}\nsteps: [{probe: a}]", "old", "old.yaml")
    new = a_playbook("trigger: {action: b}\nsteps: [{probe: a}]", "new", "new.yaml")

    async def story() -> None:
        changing: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()

        async def change() -> None:
            changing.set_result(asyncio.ensure_future(worker.change([new], None)))
            await a_few_turns(worker, ledger)

        ledger = stage.ledger
        stage.ledger = cast("Ledger", Meanwhile(ledger, method, change))
        worker = a_worker(stage, old)
        async with working(worker):
            await (await changing)
            await accepted(stage.ledger, an_event("E1"))
            worker.wake()
            await stage.told.until(lambda told: Matched("E1", (), ()) in told.happenings)

    asyncio.run(story())
    with open_records(database) as records:
        assert records.ruled_out(records.event("E1")) == [(new.name, new.version)]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_version_that_cannot_be_read_any_more_ends_its_run_with_the_reason(
    stage: Stage, database: Path, state: str
) -> None:
    def load(kept: PlaybookText) -> Playbook:
        raise EngineError(Problem("no-step-type", f"{kept.file} does nothing", None, "give it one"))

    async def story() -> None:
        run = await stage.queue(ONE, an_event(), "OLD")
        if state == "running":
            await stage.ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW))])
        async with working(a_worker(stage, load=load)):
            await stage.told.until(lambda told: told.ended("OLD"))

    asyncio.run(story())
    assert stage.probe.calls == []
    with open_records(database) as records:
        run = records.run("OLD").run
    assert run.state is RunState.FAILED
    assert run.reason == (
        "the version it began with cannot be read any more: "
        "no-step-type: one.yaml does nothing (give it one)"
    )


# A ledger that refuses for a while


def asked_for(name: str, arguments: tuple[Any, ...]) -> list[str]:
    """What the ledger is asked for: by its method, and of `keep` by the kinds of changes."""
    return [type(one).__name__ for one in arguments[0]] if name == "keep" else [name]


class Unwilling:
    """The ledger, that refuses the next few times it is asked for something."""

    def __init__(self, ledger: SqliteLedger, **refusals: int) -> None:
        self._ledger = ledger
        self.refusals = refusals
        self.error: Exception = LedgerError("database or disk is full")

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        async def asked(*arguments: Any) -> Any:
            for what in asked_for(name, arguments):
                if self.refusals.get(what, 0) > 0:
                    self.refusals[what] -= 1
                    raise self.error
            return await method(*arguments)

        return asked

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        """Nothing, where it is each event by itself that it refuses."""
        found: Mapping[str, Past] = await self.__getattr__("pasts")(runs)
        return {} if "event" in self.refusals else found


ASKED: Sequence[tuple[str, int]] = [
    ("keep_playbook", 1),
    ("unfinished", 1),
    ("unmatched", 1),
    ("keep_match", 1),
    ("queued", 1),
    ("event", 1),
    ("RunBegin", 1),
    ("StepStart", 1),
    ("StepPause", 1),
    ("RunMove", 1),
    ("StepSettle", 1),  # the effect has happened: it is kept, not performed once more
]


@pytest.mark.parametrize(("method", "performed"), ASKED)
def test_a_ledger_that_refuses_for_a_while_loses_nothing(
    stage: Stage,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    performed: int,
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)
    stage.ledger = cast("Ledger", Unwilling(cast("SqliteLedger", stage.ledger), **{method: 3}))
    playbook = a_playbook("steps: [{probe: a}, {wait: 1m}]\nfinally: [{probe: b}]")

    def jump(happening: object) -> None:
        if isinstance(happening, RunMoved) and happening.run.state is RunState.WAITING:
            stage.clock.jump(60)

    stage.told.listeners.append(jump)

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, playbook)):
            await stage.told.until(lambda told: any(state.settled for _, state in told.states))

    asyncio.run(story())
    assert list(states_in(database).values()) == ["succeeded"]
    assert stage.probe.calls.count(("steps/0", 1)) == performed
    assert stage.probe.calls.count(("finally/0", 1)) == 1
    assert [trouble.message for trouble in stage.told.troubles] == ["database or disk is full"]
    assert {trouble.where for trouble in stage.told.troubles} <= {"ledger", "run RUN1"}


def test_a_worker_can_be_stopped_while_the_ledger_refuses(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)
    ledger = cast("SqliteLedger", stage.ledger)

    async def story() -> None:
        await accepted(ledger, an_event())
        stage.ledger = cast("Ledger", Unwilling(ledger, RunBegin=1000_000))
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: len(told.troubles) == 1)
        assert [run.id for _, run in await ledger.queued(0, 9)] == ["RUN1"]

    asyncio.run(story())


def test_a_run_that_is_refused_goes_on_from_where_the_ledger_has_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)
    ledger = cast("SqliteLedger", stage.ledger)

    async def story() -> None:
        for number in (1, 2):
            run = await stage.queue(ONE, an_event(f"E{number}"), f"OLD{number}")
            await ledger.keep([RunBegin(run.move(RunState.RUNNING, at=NOW), Began(NOW))])
        stage.ledger = cast("Ledger", Unwilling(ledger, StepStart=4))
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended("OLD1", "OLD2"))

    asyncio.run(story())
    assert sorted(stage.probe.said) == ["E1", "E2"]


class Outage:
    """The ledger, that refuses everything for a while from some call on."""

    def __init__(self, ledger: SqliteLedger, method: str, call: int, refusals: int) -> None:
        self._ledger = ledger
        self._begins = (method, call)
        self._calls = Counter[str]()
        self._left = 0
        self._refusals = refusals

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        async def asked(*arguments: Any) -> Any:
            for what in asked_for(name, arguments):
                self._calls[what] += 1
                if (what, self._calls[what]) == self._begins:
                    self._left = self._refusals
            if self._left:
                self._left -= 1
                raise LedgerError("database or disk is full")
            return await method(*arguments)

        return asked


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("RunBegin", 1),
        *[("StepStart", number) for number in (1, 2, 3)],
        *[("StepSettle", number) for number in (1, 2, 3)],
        ("RunMove", 1),
    ],
)
def test_five_refusals_in_a_row_in_the_middle_of_a_run_fail_nothing_and_repeat_nothing(
    stage: Stage, database: Path, monkeypatch: pytest.MonkeyPatch, method: str, call: int
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)
    ledger = cast("SqliteLedger", stage.ledger)
    stage.ledger = cast("Ledger", Outage(ledger, method, call, 5))
    playbook = a_playbook(
        "steps: [{probe: a}, {probe: b}]\non_failure: [{probe: c}]\nfinally: [{probe: d}]"
    )

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, playbook)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1), ("steps/1", 1), ("finally/0", 1)]
    assert [fact.outcome for fact in stage.told.settled] == [Outcome.SUCCEEDED] * 3
    assert len(stage.told.troubles) == 1
    with open_records(database) as records:
        kept = records.run("RUN1")
    assert (kept.run.state, kept.run.reason) == (RunState.SUCCEEDED, None)
    assert [(step.path, step.attempt, step.repeats) for step in kept.steps] == [
        ("steps/0", 1, 0),
        ("steps/1", 1, 0),
        ("finally/0", 1, 0),
    ]


def test_an_outcome_is_kept_also_when_the_worker_is_stopped_while_the_ledger_refuses_it(
    stage: Stage, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.001)
    ledger = cast("SqliteLedger", stage.ledger)
    unwilling = Unwilling(ledger, StepSettle=1000_000)
    stage.ledger = cast("Ledger", unwilling)

    async def story() -> None:
        await accepted(ledger, an_event())
        worker = a_worker(stage, ONE)
        async with working(worker):
            await stage.told.until(lambda told: len(told.troubles) == 1)
            worker.stop()
            left = unwilling.refusals["StepSettle"] - 3
            while unwilling.refusals["StepSettle"] > left:  # noqa: ASYNC110 - as it is asked again
                await asyncio.sleep(0)
            unwilling.refusals.clear()

    asyncio.run(story())
    with open_records(database) as records:
        (step,) = records.run("RUN1").steps
    assert (step.outcome, stage.probe.calls) == (Outcome.SUCCEEDED, [("steps/0", 1)])


# A long queue


def test_the_events_of_queued_runs_are_read_together(stage: Stage) -> None:
    counting = Counting(cast("SqliteLedger", stage.ledger))
    stage.ledger = cast("Ledger", counting)

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"E{number}") for number in range(30)))
        async with working(a_worker(stage, ONE, at_once=7)):
            await stage.told.until(lambda told: told.ended(*(f"RUN{n}" for n in range(1, 31))))

    asyncio.run(story())
    assert counting.calls["event"] == 0
    assert counting.calls["pasts"] <= counting.calls["queued"]
    assert len(stage.probe.calls) == 30


def test_the_events_that_cannot_be_read_together_are_read_one_by_one(stage: Stage) -> None:
    unwilling = Unwilling(cast("SqliteLedger", stage.ledger), pasts=1000)
    stage.ledger = cast("Ledger", unwilling)

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"E{number}") for number in range(3)))
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3"))

    asyncio.run(story())
    assert unwilling.refusals["pasts"] < 1000
    assert (len(stage.probe.calls), stage.told.troubles) == (3, [])


class Counting:
    """The ledger, that counts what it is asked for and what `queued` hands out."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self.calls = Counter[str]()
        self.handed_out: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        async def asked(*arguments: Any) -> Any:
            self.calls[name] += 1
            answer = await method(*arguments)
            if name == "queued":
                self.handed_out += [run.id for _, run in answer]
            return answer

        return asked


def test_two_thousand_runs_that_wait_are_each_read_once(database: Path) -> None:
    waits = a_playbook("steps: [{wait: 1h}]", "waits")
    ids = [f"OLD{number}" for number in range(2000)]

    async def first(stage: Stage) -> None:
        await stage.ledger.keep_playbook(waits)
        yes = [Judgement("waits", waits.version, Verdict(Answer.YES))]
        async with asyncio.TaskGroup() as tasks:
            for id_ in ids:
                tasks.create_task(stage.ledger.accept(an_event(f"E of {id_}")))
        async with asyncio.TaskGroup() as tasks:
            for id_ in ids:
                event = an_event(f"E of {id_}")
                run = a_run(id_, waits, event)
                tasks.create_task(stage.ledger.keep_match(event, yes, NOW, letting([run])))
        started = Counter[RunState]()
        done = asyncio.Event()

        def listen(happening: object) -> None:
            if isinstance(happening, RunMoved):
                started[happening.run.state] += 1
                if started[RunState.WAITING] == len(ids):
                    done.set()

        stage.told.listeners.append(listen)
        async with asyncio.timeout(5 * PATIENCE), asyncio.TaskGroup() as tasks:
            worker = a_worker(stage, waits)
            tasks.create_task(worker.work())
            await done.wait()
            worker.stop()

    async def again(stage: Stage) -> None:
        worker = a_worker(stage, waits)
        async with working(worker):
            await a_few_turns(worker, stage.ledger)

    with open_ledger(database) as ledger:
        counting = Counting(ledger)
        asyncio.run(first(Stage(cast("Ledger", counting))))
        assert counting.handed_out == ids
        assert counting.calls["queued"] <= 2 * len(ids) + 10  # each run, and what it wakes
        assert counting.calls["unfinished"] == 1
    assert Counter(states_in(database, 3000).values()) == {"waiting": len(ids)}
    with open_ledger(database) as ledger:
        counting = Counting(ledger)
        asyncio.run(again(Stage(cast("Ledger", counting))))
        assert counting.handed_out == []
        assert counting.calls["unfinished"] == 1


# Faults


def test_what_is_not_in_the_ledger_is_asked_for_once_and_ends_the_run_with_its_reason(
    stage: Stage, database: Path
) -> None:
    unwilling = Unwilling(cast("SqliteLedger", stage.ledger), event=1000)
    unwilling.error = NotInLedgerError("there is no event EVENT1")
    stage.ledger = cast("Ledger", unwilling)

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, ONE)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert unwilling.refusals["event"] == 999
    assert stage.probe.calls == []
    with open_records(database) as records:
        run = records.run("RUN1").run
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "NotInLedgerError: there is no event EVENT1 (a fault of the engine)",
    )


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("method", ["event", "StepStart"])
def test_a_fault_inside_one_run_is_told_once_and_ends_no_other(
    stage: Stage, database: Path, method: str, at_once: int
) -> None:
    unwilling = Unwilling(cast("SqliteLedger", stage.ledger), **{method: 1})
    unwilling.error = ZeroDivisionError("by zero")
    stage.ledger = cast("Ledger", unwilling)

    async def story() -> None:
        await accepted(stage.ledger, *(an_event(f"E{number}") for number in (1, 2, 3)))
        worker = a_worker(stage, ONE, at_once=at_once)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN2", "RUN3"))
            await a_few_turns(worker, stage.ledger)

    asyncio.run(story())
    (trouble,) = stage.told.troubles
    assert trouble.where == "run RUN1"
    assert trouble.message.splitlines()[-1] == "ZeroDivisionError: by zero"
    assert states_in(database) == {
        "RUN1": "failed",
        "RUN2": "succeeded",
        "RUN3": "succeeded",
    }


def test_a_run_that_had_a_fault_says_so_and_is_not_taken_up_again(database: Path) -> None:
    with open_ledger(database) as ledger:
        unwilling = Unwilling(ledger, StepStart=1)
        unwilling.error = ZeroDivisionError("by zero")
        first = Stage(cast("Ledger", unwilling))

        async def story() -> None:
            await accepted(ledger, an_event())
            async with working(a_worker(first, ONE)):
                await first.told.until(lambda told: told.ended("RUN1"))
            assert await ledger.unfinished() == []
            assert await ledger.queued(0, 9) == []

        asyncio.run(story())
    [moved] = [told for told in first.told.happenings if isinstance(told, RunMoved)][-1:]
    assert moved.run.reason == "ZeroDivisionError: by zero (a fault of the engine)"


# What the engine itself caused, and what was missed


def test_what_the_engine_itself_caused_starts_nothing_and_is_kept_as_its_own(
    stage: Stage, database: Path
) -> None:
    asked: list[bool | None] = []
    echo = a_playbook("trigger: {own: true}\nsteps: [{probe: '{{ event.own }}'}]", "echo")

    async def story() -> None:
        await accepted(stage.ledger, an_event())

        def own(event: Event) -> bool | None:
            asked.append(event.own)
            return True

        async with working(a_worker(stage, ONE, echo, own=own)):
            await stage.told.until(lambda told: told.ended("RUN1"))
        assert (await stage.ledger.event("EVENT1")).own is True

    asyncio.run(story())
    assert stage.probe.said == ["true"]
    assert asked == [None]
    assert states_in(database) == {"RUN1": "succeeded"}


def test_a_missed_event_starts_no_playbook_that_ran_for_one_like_it(
    stage: Stage, database: Path
) -> None:
    late = a_playbook("trigger: {reconcile: true}\nsteps: [{probe: '{{ event.id }}'}]", "late")
    live = replace(an_event("LIVE"), own=False)
    missed = replace(live, id="MISSED", source="reconciled", key="k", time=int(NOW * 1000))
    other = replace(missed, id="OTHER", key="l", type="i_ack")

    async def story() -> None:
        await accepted(stage.ledger, live)
        worker = a_worker(stage, late)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN1"))
            await accepted(stage.ledger, missed, other)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))

    asyncio.run(story())
    assert stage.probe.said == ["LIVE", "OTHER"]
    with open_records(database) as records:
        (judgement,) = records.event("MISSED").judgements
    assert judgement.verdict.reason == (
        "the event was missed, and the playbook ran for one like it before"
    )


def test_a_delivery_that_comes_after_it_was_reconciled_starts_only_those_that_were_not_asked_then(
    stage: Stage, database: Path
) -> None:
    asked = a_playbook(
        "trigger: {reconcile: true}\nsteps: [{probe: 'asked {{ event.id }}'}]", "asked"
    )
    others = a_playbook("steps: [{probe: 'others {{ event.id }}'}]", "others")
    live = replace(an_event("LIVE"), own=False)
    missed = replace(live, id="MISSED", source="reconciled", time=int(NOW * 1000))

    async def story() -> None:
        await accepted(stage.ledger, missed)
        worker = a_worker(stage, asked, others)
        async with working(worker):
            await stage.told.until(lambda told: told.ended("RUN1"))
            await accepted(stage.ledger, live)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))

    asyncio.run(story())
    assert stage.probe.said == ["asked MISSED", "others LIVE"]
    with open_records(database) as records:
        judgement, _ = records.event("LIVE").judgements
    assert judgement.verdict.reason == "the playbook was asked when the event was found missing"
