"""A run under way, on real parts: side by side, again and again, and what a person says meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.playbooks.step_type import Asks, Call, Report, Succeeded, Uncertain
from engine.runs.change import RunBegin, StepStart
from engine.runs.control import Control, Order, Verb
from engine.runs.fact import Began
from engine.runs.happening import Happening, StepSettled
from engine.runs.run import Run, RunState, StepRecord
from engine.store.records import open_records
from tests.runs.fakes import NOW, PATIENCE, Stage, a_playbook, an_event

HOSTS = an_event(labels={"hosts": ["a", "b", "c"]})


@dataclass
class Scene:
    """One run, and a person who says things to it."""

    stage: Stage
    text: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    said: int = 0

    def __post_init__(self) -> None:
        self.playbook = a_playbook(self.text)
        self.control = Control(self.stopping)

    async def carry_out(self, run: Run | None = None) -> Run:
        run = run or await self.stage.queue(self.playbook, HOSTS)
        async with asyncio.timeout(PATIENCE):
            return await self.stage.carry_out(run, self.playbook, HOSTS, control=self.control)

    def say(self, verb: Verb, path: str | None = None) -> None:
        self.said += 1
        self.control.hear([Order(self.said, "RUN1", verb, "ada", NOW + 1, path)])

    async def until_waiting(self) -> None:
        await self.stage.told.until(
            lambda told: bool(told.states) and told.states[-1][1] is RunState.WAITING
        )

    async def after_a_crash(self, path: str = "steps/0", attempt: int = 1) -> Run:
        """The run as a dead engine left it: this step was under way."""
        run = (await self.stage.queue(self.playbook, HOSTS)).move(RunState.RUNNING, at=NOW)
        await self.stage.ledger.keep([RunBegin(run, Began(NOW))])
        record = StepRecord(path=path, attempt=attempt, type="probe", started=NOW)
        await self.stage.ledger.keep([StepStart(run.id, record)])
        return run


def told(stage: Stage) -> list[tuple[str, int, str, str | None]]:
    return [
        (fact.path, fact.attempt, fact.outcome.value, fact.error) for fact in stage.told.settled
    ]


def run_story(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


# Side by side


def test_branches_are_performed_at_the_same_time(stage: Stage) -> None:
    meeting = asyncio.Barrier(2)

    async def meets(_: Call) -> Report:
        await meeting.wait()
        return Succeeded()

    async def story() -> None:
        scene = Scene(stage, "steps: [{parallel: [[{probe: a}], [{probe: b}, {probe: c}]]}]")
        stage.probe.answer("steps/0[0]/0", meets)
        stage.probe.answer("steps/0[1]/0", meets)
        run = await scene.carry_out()
        assert run.state is RunState.SUCCEEDED

    run_story(story)
    assert stage.probe.calls[2] == ("steps/0[1]/1", 1)
    assert [path for path, *_ in told(stage)][-1] == "steps/0"


def test_items_are_rendered_each_with_its_own_and_kept_in_the_ledger(
    stage: Stage, database: Path
) -> None:
    text = "steps: [{id: each, foreach: labels.hosts, max_parallel: 3, probe: '{{ index }}{{ item }}'}]"

    async def story() -> None:
        assert (await Scene(stage, text).carry_out()).state is RunState.SUCCEEDED

    run_story(story)
    assert sorted(stage.probe.said) == ["0a", "1b", "2c"]
    with open_records(database) as records:
        paths = [step.path for step in records.run("RUN1").steps]
    assert paths == ["steps/0[0]", "steps/0[1]", "steps/0[2]", "steps/0"]


def test_stopping_lets_all_that_is_in_flight_finish_and_begins_no_more(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{parallel: [[{probe: a}, {probe: x}], [{probe: b}]]}]")
        meeting = asyncio.Barrier(2)

        async def stops(_: Call) -> Report:
            await meeting.wait()
            scene.stopping.set()
            scene.control.changed.set()
            return Succeeded()

        stage.probe.answer("steps/0[0]/0", stops)
        stage.probe.answer("steps/0[1]/0", stops)
        run = await scene.carry_out()
        assert run.state is RunState.RUNNING
        assert [path for path, *_ in told(stage)] == ["steps/0[0]/0", "steps/0[1]/0"]
        scene.control = Control(asyncio.Event())
        (unfinished,) = await stage.ledger.unfinished()
        assert (await scene.carry_out(unfinished)).state is RunState.SUCCEEDED

    run_story(story)
    assert sorted(stage.probe.calls) == [
        *(("steps/0[0]/0", 1), ("steps/0[0]/1", 1), ("steps/0[1]/0", 1))
    ]


# until and output


def test_until_is_asked_of_what_output_keeps(stage: Stage, database: Path) -> None:
    states = iter(["down", "down", "up"])

    async def looks(_: Call) -> Report:
        return Succeeded({"body": {"state": next(states)}, "headers": {"x": "y" * 1000}})

    def goes_on(happening: Happening) -> None:
        if isinstance(happening, StepSettled):
            stage.clock.jump(3)

    stage.told.listeners.append(goes_on)
    stage.probe.answer("steps/0", looks, looks, looks)
    text = (
        "steps:\n"
        "  - {id: up, probe: a, output: body, until: {condition: state == 'up', every: 1ms, for: 1m}}\n"
        "  - probe: 'it is {{ steps.up.state }}'\n"
    )

    async def story() -> None:
        assert (await Scene(stage, text).carry_out()).state is RunState.SUCCEEDED

    run_story(story)
    assert stage.probe.said[-1] == "it is up"
    with open_records(database) as records:
        steps = records.run("RUN1").steps
    assert [(step.attempt, step.result, step.error) for step in steps[:3]] == [
        (1, {"state": "down"}, 'until: state is "down"'),
        (2, {"state": "down"}, 'until: state is "down"'),
        (3, {"state": "up"}, None),
    ]


def test_an_output_that_cannot_be_told_fails_the_step(stage: Stage) -> None:
    async def story() -> None:
        run = await Scene(stage, "steps: [{probe: a, output: length(said.x)}]").carry_out()
        assert str(run.reason).startswith("steps/0: its `output` cannot be told: length() takes ")

    run_story(story)


# After a crash


@pytest.mark.parametrize(
    ("step", "calls", "said"),
    [
        ("{probe: twice}", [("steps/0", 1)], None),
        ("{probe: once, on_interrupt: retry}", [("steps/0", 1)], None),
        (
            *("{probe: twice, on_interrupt: fail}", []),
            "steps/0: its outcome is unknown: it was under way since 2026-11-18T11:06:40.000Z when the engine stopped, and nobody knows whether it took effect",
        ),
    ],
)
def test_what_was_under_way_goes_by_its_policy(
    stage: Stage, step: str, calls: list[tuple[str, int]], said: str | None
) -> None:
    async def story() -> None:
        scene = Scene(stage, f"steps: [{step}]")
        run = await scene.carry_out(await scene.after_a_crash())
        assert run.state is (RunState.SUCCEEDED if said is None else RunState.FAILED)
        assert run.reason == said

    run_story(story)
    assert stage.probe.calls == calls


@pytest.mark.parametrize(
    ("verb", "calls", "state"),
    [
        (Verb.RETRY, [("steps/0", 2), ("steps/1", 1)], RunState.SUCCEEDED),
        (Verb.SKIP, [("steps/1", 1)], RunState.SUCCEEDED),
        (Verb.FAIL, [], RunState.FAILED),
    ],
)
def test_what_may_not_be_repeated_waits_for_a_person_and_does_what_they_say(
    stage: Stage, verb: Verb, calls: list[tuple[str, int]], state: RunState, database: Path
) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{name: Reboot, probe: once}, {probe: two}]")
        run = await scene.after_a_crash()
        going = asyncio.ensure_future(scene.carry_out(run))
        await scene.until_waiting()
        waiting = await stage.ledger.run("RUN1")
        assert waiting.reason == (
            "Reboot: attention: Reboot (steps/0): it was under way since 2026-11-18T11:06:40.000Z "
            "when the engine stopped, and nobody knows whether it took effect. Retry it, skip it, "
            "or fail it?"
        )
        scene.say(Verb.APPROVE)  # is no answer to this question
        scene.say(verb)
        assert (await going).state is state
        assert await stage.ledger.orders(0) == []

    run_story(story)
    assert stage.probe.calls == calls
    with open_records(database) as records:
        first = records.run("RUN1").steps[0]
    assert (first.by, first.attempt) == ("ada", 1)


def test_the_question_survives_another_restart_and_nothing_is_performed(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{probe: once}]")
        going = asyncio.ensure_future(scene.carry_out(await scene.after_a_crash()))
        await scene.until_waiting()
        going.cancel()
        await asyncio.wait([going])
        scene.control = Control(asyncio.Event())
        stage.told.happenings.clear()
        (unfinished,) = await stage.ledger.unfinished()
        going = asyncio.ensure_future(scene.carry_out(unfinished))
        scene.say(Verb.FAIL)
        assert (await going).state is RunState.FAILED

    run_story(story)
    assert stage.probe.calls == []


def test_a_step_type_that_finds_out_is_asked_first_and_a_person_only_if_it_cannot(
    stage: Stage,
) -> None:
    stage.probe.finds_out = True
    agains: list[bool] = []

    async def looks(call: Call) -> Report:
        agains.append(call.again)
        return Uncertain("it is not in the timeline")

    async def story() -> None:
        scene = Scene(stage, "steps: [{probe: once}]")
        stage.probe.answer("steps/0", looks)
        going = asyncio.ensure_future(scene.carry_out(await scene.after_a_crash()))
        await scene.until_waiting()
        assert "it is not in the timeline. Retry it" in str((await stage.ledger.run("RUN1")).reason)
        scene.say(Verb.SKIP)
        assert (await going).state is RunState.SUCCEEDED

    run_story(story)
    assert agains == [True]


def test_what_cannot_be_rendered_any_more_after_a_crash_is_unknown(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{probe: '{{ labels.gone }}'}]")
        run = await scene.carry_out(await scene.after_a_crash())
        assert str(run.reason).startswith("steps/0: its outcome is unknown: ")

    run_story(story)


# Approvals


@pytest.mark.parametrize(
    ("verb", "reason"), [(Verb.APPROVE, None), (Verb.REJECT, "ok: rejected by ada")]
)
def test_an_approval_is_given_or_refused_by_somebody(
    stage: Stage, verb: Verb, reason: str | None
) -> None:
    async def asks(_: Call) -> Report:
        return Asks("Fail over?", 60.0)

    async def story() -> None:
        scene = Scene(stage, "steps: [{id: ok, probe: a}, {probe: 'by {{ steps.ok.by }}'}]")
        stage.probe.answer("steps/0", asks)
        going = asyncio.ensure_future(scene.carry_out())
        await scene.until_waiting()
        waiting = await stage.ledger.run("RUN1")
        assert waiting.reason == "ok: approval: Fail over? (2026-11-18T11:07:40.000Z)"
        scene.say(verb)
        assert (await going).reason == reason

    run_story(story)
    assert stage.probe.said == (["a", "by ada"] if reason is None else ["a"])


def test_an_order_that_nothing_waits_for_changes_nothing(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{probe: a}]")
        scene.say(Verb.APPROVE)
        scene.say(Verb.RETRY, "steps/7")
        assert (await scene.carry_out()).state is RunState.SUCCEEDED

    run_story(story)


# Cancelling


def test_cancelling_cuts_what_is_in_flight_and_does_finally(stage: Stage) -> None:
    cut: list[str] = []

    async def hangs(call: Call) -> Report:
        try:
            await asyncio.Event().wait()
        finally:
            cut.append(call.path)
        raise AssertionError

    async def story() -> None:
        scene = Scene(
            stage,
            "steps: [{probe: a}, {probe: never}]\non_failure: [{probe: never}]\nfinally: [{probe: unlock}]",
        )
        stage.probe.answer("steps/0", hangs)
        going = asyncio.ensure_future(scene.carry_out())
        await stage.told.until(lambda told: bool(told.started))
        scene.say(Verb.CANCEL)
        run = await going
        assert (run.state, run.reason) == (RunState.CANCELLED, "cancelled by ada")

    run_story(story)
    assert cut == ["steps/0"]
    assert stage.probe.said == ["a", "unlock"]
    assert told(stage) == [
        ("steps/0", 1, "failed", "cancelled by ada while it was under way"),
        ("finally/0", 1, "succeeded", None),
    ]


def test_cancelling_a_run_that_waits_ends_the_wait(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{wait: 1h}, {probe: never}]")
        going = asyncio.ensure_future(scene.carry_out())
        await scene.until_waiting()
        scene.say(Verb.CANCEL)
        assert (await going).state is RunState.CANCELLED

    run_story(story)
    assert stage.probe.calls == []


def test_a_cancellation_survives_a_crash_in_the_middle_of_finally(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{wait: 1h}]\nfinally: [{probe: twice}]")
        reached = asyncio.Event()

        async def hangs(_: Call) -> Report:
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError

        stage.probe.answer("finally/0", hangs)
        going = asyncio.ensure_future(scene.carry_out())
        await scene.until_waiting()
        scene.say(Verb.CANCEL)
        await reached.wait()
        going.cancel()
        await asyncio.wait([going])
        scene.control = Control(asyncio.Event())
        (unfinished,) = await stage.ledger.unfinished()
        run = await scene.carry_out(unfinished)
        assert (run.state, run.reason) == (RunState.CANCELLED, "cancelled by ada")

    run_story(story)
    assert stage.probe.calls == [("finally/0", 1), ("finally/0", 1)]


# Held


def test_a_run_that_is_held_begins_nothing_more_until_it_is_let_go(stage: Stage) -> None:
    async def story() -> None:
        scene = Scene(stage, "steps: [{probe: a}, {probe: b}]")

        async def holds(_: Call) -> Report:
            scene.control.hold("paused by ada")
            return Succeeded()

        stage.probe.answer("steps/0", holds)
        going = asyncio.ensure_future(scene.carry_out())
        await scene.until_waiting()
        assert (await stage.ledger.run("RUN1")).reason == "paused by ada"
        assert stage.probe.calls == [("steps/0", 1)]
        scene.control.hold(None)
        assert (await going).state is RunState.SUCCEEDED

    run_story(story)
