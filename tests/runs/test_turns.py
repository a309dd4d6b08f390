"""Lanes on a real ledger: what the guard lets in, what waits for what, and what survives a kill."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import Call, Failed, Report
from engine.runs.change import RunMove
from engine.runs.control import Order, Verb
from engine.runs.happening import Happening, RunMoved, StartsLimited
from engine.runs.lane import Lane
from engine.runs.ledger import Ledger
from engine.runs.run import Run, RunState
from engine.runs.turns import Turns
from engine.runs.worker import Worker
from engine.store.records import open_records
from engine.store.sqlite import open_ledger
from tests.runs.fakes import NOW, PATIENCE, Stage, a_playbook, a_run, an_event, letting
from tests.runs.test_worker import Gate, a_few_turns, a_worker, accepted, working


def guarded(guard: str, steps: str = "[{probe: a}]") -> Any:
    return a_playbook(f"guard: {guard}\nsteps: {steps}", "p", "p.yaml")


async def press(ledger: Ledger, worker: Worker, number: int, host: str = "db-1") -> None:
    """One more event about a host."""
    await accepted(ledger, an_event(f"E{number}", labels={"host": host}))
    worker.wake()


def runs_of(database: Path) -> Mapping[str, Run]:
    with open_records(database) as records:
        return {run.id: run for run in records.runs(1000, None, None, None).items}


async def judged(stage: Stage, count: int) -> None:
    await stage.told.until(
        lambda told: sum(type(one).__name__ == "Matched" for one in told.happenings) == count
    )


def run_story(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_single_skips_who_comes_while_one_runs_and_only_for_its_own_key(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate, gate, gate)

    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host}"))
        async with working(worker):
            for number, host in enumerate(["a", "a", "b"], start=1):
                await press(stage.ledger, worker, number, host)
                await judged(stage, number)
            await stage.told.until(lambda told: len(told.started) == 2)
            gate.let("RUN1", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3"))
            await press(stage.ledger, worker, 4, "a")
            gate.let("RUN4")
            await stage.told.until(lambda told: told.ended("RUN4"))

    run_story(story)
    runs = runs_of(database)
    assert (runs["RUN2"].state, runs["RUN2"].reason) == (
        RunState.SKIPPED,
        "single: run RUN1 is going on for this key",
    )
    assert [runs[f"RUN{n}"].state for n in (1, 3, 4)] == [RunState.SUCCEEDED] * 3
    assert runs["RUN2"].ended == NOW
    assert runs["RUN2"].started is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("labels.nowhere", "guard: the key labels.nowhere is not there, so nobody knows"),
        ("labels.empty", "guard: the key labels.empty is empty, so nobody knows"),
        ("labels.*.x[]", "guard: the key labels.*.x[] is empty, so nobody knows"),
        ("lower(labels.nowhere)", "guard: the key cannot be told: lower()"),
    ],
)
def test_a_key_that_nobody_can_tell_skips_the_run(
    stage: Stage, database: Path, key: str, reason: str
) -> None:
    async def story() -> None:
        worker = a_worker(stage, guarded(f"{{key: '{key}'}}"))
        async with working(worker):
            await accepted(stage.ledger, an_event("E1", labels={"empty": " "}))
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))

    run_story(story)
    run = runs_of(database)["RUN1"]
    assert run.state is RunState.SKIPPED
    assert str(run.reason).startswith(reason)
    assert stage.probe.calls == []


def test_queue_keeps_the_order_of_its_key_and_lets_other_keys_pass(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", *[gate] * 5)

    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, concurrency: queue, queue_max: 2}"))
        async with working(worker):
            for number, host in enumerate(["a", "a", "a", "a", "b"], start=1):
                await press(stage.ledger, worker, number, host)
                await judged(stage, number)
            await stage.told.until(lambda told: len(told.started) == 2)
            await a_few_turns(worker, stage.ledger)
            assert gate.came == ["RUN1", "RUN5"]
            held = runs_of(database)
            assert held["RUN3"].state is RunState.QUEUED
            assert held["RUN3"].reason == "queue: place 2, behind run RUN2"
            assert "`queue_max` is that" in str(held["RUN4"].reason)
            gate.let("RUN1", "RUN2", "RUN3", "RUN5")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3", "RUN5"))

    run_story(story)
    assert [run for run in gate.came if run != "RUN5"] == ["RUN1", "RUN2", "RUN3"]
    assert gate.most_inside == 2
    assert runs_of(database)["RUN4"].state is RunState.SKIPPED


def test_what_waited_too_long_in_its_queue_is_skipped(stage: Stage, database: Path) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)

    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, concurrency: queue, queue_ttl: 1m}"))
        async with working(worker):
            for number in (1, 2):
                await press(stage.ledger, worker, number)
                await judged(stage, number)
            await stage.told.until(lambda told: len(told.started) == 1)
            stage.clock.jump(61)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))
            gate.let("RUN1")

    run_story(story)
    run = runs_of(database)["RUN2"]
    assert run.state is RunState.SKIPPED
    assert run.reason == "queue: it waited 0:01:01, and `queue_ttl` is 0:01:00"


def test_restart_cancels_the_one_that_runs_and_starts_after_its_finally(
    stage: Stage, database: Path
) -> None:
    gate, cleaning = Gate(), Gate()
    stage.probe.answer("steps/0", gate, gate)
    stage.probe.answer("finally/0", cleaning, cleaning)
    playbook = a_playbook(
        "guard: {key: labels.host, concurrency: restart}\n"
        "steps: [{probe: a}]\nfinally: [{probe: unlock}]",
        "p",
        "p.yaml",
    )

    async def story() -> None:
        worker = a_worker(stage, playbook)
        async with working(worker):
            await press(stage.ledger, worker, 1)
            await stage.told.until(lambda told: len(told.started) == 1)
            await press(stage.ledger, worker, 2)
            await stage.told.until(lambda told: ("finally/0", 1) in told.started)
            await a_few_turns(worker, stage.ledger)
            assert gate.came == ["RUN1"], "its finally is still going on"
            cleaning.let("RUN1", "RUN2")
            gate.let("RUN2")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))

    run_story(story)
    runs = runs_of(database)
    assert (runs["RUN1"].state, runs["RUN1"].reason) == (
        RunState.CANCELLED,
        "cancelled by run RUN2, which takes its place",
    )
    assert runs["RUN2"].state is RunState.SUCCEEDED


def test_a_cooldown_counts_from_the_end_of_the_last_run_that_was_carried_out(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, cooldown: 10m}"))
        async with working(worker):
            for number, after in enumerate([0, 599, 2], start=1):
                stage.clock.jump(after)
                await press(stage.ledger, worker, number)
                await stage.told.until(lambda told, n=number: told.ended(f"RUN{n}"))  # type: ignore[misc]

    run_story(story)
    runs = runs_of(database)
    assert [runs[f"RUN{n}"].state.value for n in (1, 2, 3)] == ["succeeded", "skipped", "succeeded"]
    assert str(runs["RUN2"].reason).startswith("cooldown: the last run for this key ended 0:09:59")


def test_a_queued_run_starts_by_itself_when_the_cooldown_is_over(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        guard = "{key: labels.host, concurrency: queue, cooldown: 20ms}"
        worker = a_worker(stage, guarded(guard))
        async with working(worker):
            await press(stage.ledger, worker, 1)
            await stage.told.until(lambda told: told.ended("RUN1"))
            await press(stage.ledger, worker, 2)
            await judged(stage, 2)
            assert runs_of(database)["RUN2"].state is RunState.QUEUED
            stage.clock.jump(0.02)  # nobody wakes the worker: its own timer has to
            await stage.told.until(lambda told: told.ended("RUN2"))

    run_story(story)
    assert runs_of(database)["RUN2"].state is RunState.SUCCEEDED


def test_a_rate_is_a_window_over_the_playbook_whatever_the_key(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, rate: 2 per 1h}"))
        async with working(worker):
            for number, after in enumerate([0, 1800, 10, 1791], start=1):
                stage.clock.jump(after)
                await press(stage.ledger, worker, number, f"host-{number}")
                await stage.told.until(lambda told, n=number: told.ended(f"RUN{n}"))  # type: ignore[misc]

    run_story(story)
    runs = runs_of(database)
    states = [runs[f"RUN{n}"].state.value for n in (1, 2, 3, 4)]
    assert states == ["succeeded", "succeeded", "skipped", "succeeded"]
    assert (
        runs["RUN3"].reason == "rate: 2 runs were let in within 1:00:00, and that is all it allows"
    )


def test_the_breaker_opens_after_failures_in_a_row_and_takes_the_queue_with_it(
    stage: Stage, database: Path
) -> None:
    gate = Gate()

    async def fails(call: Call) -> Report:
        await gate(call)
        return Failed("no way", retryable=False)

    stage.probe.answer("steps/0", fails, fails, fails)

    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, concurrency: queue, breaker: 2}"))
        async with working(worker):
            for number in (1, 2, 3):
                await press(stage.ledger, worker, number)
                await judged(stage, number)
            gate.let("RUN1", "RUN2", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3"))
            await press(stage.ledger, worker, 4, "another host")
            await stage.told.until(lambda told: told.ended("RUN4"))

    run_story(story)
    runs = runs_of(database)
    states = [runs[f"RUN{n}"].state.value for n in (1, 2, 3, 4)]
    assert states == ["failed", "failed", "skipped", "skipped"]
    assert str(runs["RUN4"].reason).startswith("the breaker is open after 2 failed runs in a row")


def test_lanes_are_found_again_in_the_rows_after_a_kill(database: Path) -> None:
    gate, again = Gate(), Gate()
    playbook = guarded("{key: labels.host, concurrency: queue}", "[{probe: twice}]")

    async def killed(stage: Stage) -> None:
        stage.probe.answer("steps/0", gate)
        worker = a_worker(stage, playbook)
        working_on = asyncio.ensure_future(worker.work())
        for number in (1, 2, 3):
            await press(stage.ledger, worker, number)
            await judged(stage, number)
        await stage.told.until(lambda told: len(told.started) == 1)
        working_on.cancel()
        await asyncio.wait([working_on])

    async def goes_on(stage: Stage) -> None:
        stage.probe.answer("steps/0", again, again, again)
        worker = a_worker(stage, playbook)
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 1)
            await a_few_turns(worker, stage.ledger)
            assert again.came == ["RUN1"]
            again.let("RUN1", "RUN2", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2", "RUN3"))

    for story in (killed, goes_on):
        with open_ledger(database) as ledger:
            asyncio.run(story(Stage(ledger)))
    assert again.came == ["RUN1", "RUN2", "RUN3"]
    assert again.most_inside == 1


def test_cancelling_a_run_that_waits_in_its_lane_takes_it_out(stage: Stage, database: Path) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", *[gate] * 3)

    async def story() -> None:
        worker = a_worker(stage, guarded("{key: labels.host, concurrency: queue}"))
        async with working(worker):
            for number in (1, 2, 3):
                await press(stage.ledger, worker, number)
                await judged(stage, number)
            cancel = Order(0, "RUN2", Verb.CANCEL, "ada", NOW)
            await stage.ledger.keep_match(
                an_event("X"), [], NOW, letting([])
            )  # nothing is said by it
            await said(stage, cancel)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN2"))
            gate.let("RUN1", "RUN3")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN3"))

    run_story(story)
    runs = runs_of(database)
    assert (runs["RUN2"].state, runs["RUN2"].reason) == (RunState.CANCELLED, "cancelled by ada")
    assert gate.came == ["RUN1", "RUN3"]


async def said(stage: Stage, order: Order) -> None:
    """A word to a run, with an event that starts nothing."""
    await stage.ledger.accept(an_event("WORD"))
    await stage.ledger.keep_match(an_event("WORD"), [], NOW, letting([], [order]))


def test_no_more_runs_start_within_a_minute_than_the_config_allows(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        worker = a_worker(stage, guarded("{concurrency: parallel}"), starts=2)
        async with working(worker):
            for number in (1, 2, 3):
                await press(stage.ledger, worker, number)
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))
            await judged(stage, 3)
            await a_few_turns(worker, stage.ledger)
            assert runs_of(database)["RUN3"].state is RunState.QUEUED
            stage.clock.jump(61)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN3"))

    run_story(story)


def test_that_runs_wait_for_their_minute_is_told_once_a_storm(stage: Stage) -> None:
    def times() -> int:
        return stage.told.happenings.count(StartsLimited(2))

    async def story() -> None:
        worker = a_worker(stage, guarded("{concurrency: parallel}"), starts=2)
        async with working(worker):
            for number in (1, 2):
                await press(stage.ledger, worker, number)
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))
            await a_few_turns(worker, stage.ledger)
            assert times() == 0, "nobody waits"
            stage.clock.jump(30)
            for number in (3, 4, 5, 6):
                await press(stage.ledger, worker, number)
            await stage.told.until(lambda _: times() == 1)
            stage.clock.jump(31)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN3", "RUN4"))
            await a_few_turns(worker, stage.ledger)
            assert times() == 1, "the others wait in the same storm"
            stage.clock.jump(61)
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN5", "RUN6"))
            stage.clock.jump(61)
            for number in (7, 8, 9):
                await press(stage.ledger, worker, number)
            await stage.told.until(lambda _: times() == 2)

    run_story(story)


def test_a_storm_starts_just_what_the_guard_allows(stage: Stage, database: Path) -> None:
    """500 events about 50 hosts: one run a host, and of those no more than the rate."""
    guard = "{key: labels.host, cooldown: 10m, rate: 30 per 1h}"

    async def story() -> None:
        over = asyncio.Event()
        ended: set[str] = set()

        def count(happening: Happening) -> None:
            if isinstance(happening, RunMoved) and happening.run.state.settled:
                ended.add(happening.run.id)
                if len(ended) == 500:
                    over.set()

        stage.told.listeners.append(count)
        worker = a_worker(stage, guarded(guard))
        for number in range(500):
            await stage.ledger.accept(an_event(f"E{number}", labels={"host": f"h{number % 50}"}))
        async with asyncio.timeout(4 * PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.work())
            await over.wait()
            worker.stop()

    run_story(story)
    with open_records(database) as records:
        runs = records.runs(10_000, None, None, None).items
    done = [run for run in runs if run.state is RunState.SUCCEEDED]
    skipped = Counter(str(run.reason).split(":")[0] for run in runs if run not in done)
    assert len(runs) == 500
    assert len(done) == len({run.lane for run in done}) == 30
    assert skipped["rate"] == 200, "20 hosts, 10 events each"
    assert skipped["single"] + skipped["cooldown"] == 30 * 9
    assert len(stage.probe.calls) == 30


class Late:
    """The ledger, whose answers about a lane arrive after the next thing has happened."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def lane(self, *arguments: Any) -> Lane:
        answer = await self._ledger.lane(*arguments)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def test_what_ends_while_the_lane_is_looked_up_is_not_waited_for(stage: Stage) -> None:
    playbook = guarded("{key: labels.host, concurrency: queue}")

    async def version(_: Run) -> Playbook:
        return playbook  # type: ignore[no-any-return]

    async def story() -> None:
        late = Late(stage.ledger)
        turns = Turns(
            ledger=cast("Ledger", late), version=version, clock=lambda: NOW, tell=print, starts=9
        )
        for number in (1, 2):
            run = replace(a_run(f"RUN{number}", playbook, an_event(f"E{number}")), lane='"db-1"')
            await stage.ledger.keep_playbook(playbook)
            await stage.ledger.accept(an_event(f"E{number}"))
            await stage.ledger.keep_match(an_event(f"E{number}"), [], NOW, letting([run]))
        first = await turns.next()
        assert first is not None
        running = first.move(RunState.RUNNING, at=NOW)
        await stage.ledger.keep([RunMove(running)])
        assert await turns.next() is None, "the second one waits for the first"

        async def ends() -> None:
            await stage.ledger.keep([RunMove(running.move(RunState.SUCCEEDED, at=NOW))])
            turns.ended(first)

        late.meanwhile = ends
        turns.pause({"another": "so that the places are looked at"})
        second = await turns.next()
        assert second is not None
        assert (first.id, second.id) == ("RUN1", "RUN2")

    run_story(story)
