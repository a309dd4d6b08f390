"""What a press or a closed incident means for the runs that are under way for it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.events.event import Event
from engine.playbooks.step_type import Asks, Call, Report
from engine.runs.run import RunState
from engine.store.records import open_records
from tests.runs.fakes import PATIENCE, Stage, a_playbook, an_event
from tests.runs.test_worker import Gate, a_few_turns, a_worker, accepted, working

ADA = {"person_id": 7, "person_name": "Ada"}
START = "trigger: {action: restart-host}\n"


def about(id_: str, incident: str = "I1", person: Any = ADA, **changes: Any) -> Event:
    payload = {"incident": {"incident_id": incident}, "person": person}
    return replace(an_event(id_, payload=payload), **changes)


def press(id_: str, action: str, incident: str = "I1", person: Any = ADA) -> Event:
    return about(id_, incident, person, action=action)


def closed(id_: str, incident: str = "I1") -> Event:
    return about(id_, incident, source="incident-webhook", action=None, type="i_rslv")


async def asks(_: Call) -> Report:
    return Asks("Fail over?", 60.0)


@pytest.mark.parametrize(
    ("person", "by"), [(ADA, "Ada"), ({"person_id": 7}, "7"), (None, "somebody")]
)
@pytest.mark.parametrize(("action", "outcome"), [("approve", "succeeded"), ("reject", "failed")])
def test_a_button_answers_what_waits_on_its_incident_and_nothing_else(
    stage: Stage, database: Path, action: str, outcome: str, person: Any, by: str
) -> None:
    stage.probe.answer("steps/0", asks, asks)
    playbook = a_playbook(f"{START}steps: [{{id: ok, probe: a}}]")

    async def story() -> None:
        worker = a_worker(stage, playbook)
        async with working(worker):
            await accepted(stage.ledger, about("E1", "I1"), about("E2", "I2"))
            worker.wake()
            waits = [("RUN1", RunState.WAITING), ("RUN2", RunState.WAITING)]
            await stage.told.until(lambda told: set(waits) <= set(told.states))
            await accepted(stage.ledger, press("E3", action, "I1", person))
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    with open_records(database) as records:
        (step,) = records.run("RUN1").steps
        assert records.run("RUN2").run.state is RunState.WAITING
    assert step.outcome is not None
    assert (step.outcome.value, step.by) == (outcome, by)


@pytest.mark.parametrize(
    ("on_resolved", "state"), [("cancel", RunState.CANCELLED), ("continue", RunState.SUCCEEDED)]
)
def test_a_run_ends_with_its_incident_if_its_playbook_says_so(
    stage: Stage, database: Path, on_resolved: str, state: RunState
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    playbook = a_playbook(
        f"{START}on_resolved: {on_resolved}\nsteps: [{{probe: a}}]\nfinally: [{{probe: unlock}}]"
    )

    async def story() -> None:
        worker = a_worker(stage, playbook)
        async with working(worker):
            await accepted(stage.ledger, about("E1"))
            worker.wake()
            await stage.told.until(lambda told: bool(told.started))
            await accepted(stage.ledger, closed("E2", "another"), closed("E3"))
            worker.wake()
            if state is RunState.SUCCEEDED:
                await stage.told.until(lambda told: len(told.happenings) >= 5)
                await a_few_turns(worker, stage.ledger)
                gate.let("RUN1")
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    with open_records(database) as records:
        run = records.run("RUN1").run
    assert run.state is state
    assert run.reason == (
        "cancelled by the end of its incident" if on_resolved == "cancel" else None
    )
    assert stage.probe.said[-1] == "unlock"


def test_a_playbook_may_say_what_is_done_when_the_incident_is_closed(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    playbook = a_playbook(
        f"{START}on_resolved: [{{probe: undo}}]\nsteps: [{{probe: a}}, {{probe: b}}]\n"
        "on_failure: [{probe: never}]\nfinally: [{probe: unlock}]"
    )

    async def story() -> None:
        worker = a_worker(stage, playbook)
        async with working(worker):
            await accepted(stage.ledger, about("E1"))
            worker.wake()
            await stage.told.until(lambda told: bool(told.started))
            await accepted(stage.ledger, closed("E2"))
            worker.wake()
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.said == ["a", "undo", "unlock"]
    with open_records(database) as records:
        run = records.run("RUN1").run
    assert run.state is RunState.CANCELLED


def test_what_is_done_for_a_closed_incident_survives_a_crash(stage: Stage, database: Path) -> None:
    stage.probe.answer("steps/0", Gate())
    undoing = Gate()
    stage.probe.answer("on_resolved/0", undoing)
    playbook = a_playbook(
        f"{START}on_resolved: [{{probe: twice}}, {{probe: z}}]\nsteps: [{{probe: a}}]"
    )

    async def first() -> None:
        worker = a_worker(stage, playbook)
        work = asyncio.ensure_future(worker.work())
        await accepted(stage.ledger, about("E1"))
        worker.wake()
        await stage.told.until(lambda told: bool(told.started))
        await accepted(stage.ledger, closed("E2"))
        worker.wake()
        async with asyncio.timeout(PATIENCE):
            await undoing.reached.wait()
        work.cancel()
        await asyncio.wait([work])

    async def second() -> None:
        async with working(a_worker(stage, playbook)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(first())
    asyncio.run(second())
    assert stage.probe.said == ["a", "twice", "twice", "z"]
    with open_records(database) as records:
        assert records.run("RUN1").run.state is RunState.CANCELLED


def test_a_run_that_closes_its_own_incident_goes_on(stage: Stage) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    playbook = a_playbook(f"{START}on_resolved: cancel\nsteps: [{{probe: a}}]")

    async def story() -> None:
        worker = a_worker(stage, playbook, own=lambda event: event.type == "i_rslv")
        async with working(worker):
            await accepted(stage.ledger, about("E1"))
            worker.wake()
            await stage.told.until(lambda told: bool(told.started))
            await accepted(stage.ledger, closed("E2"))
            worker.wake()
            await stage.told.until(lambda told: len(told.happenings) >= 4)
            await a_few_turns(worker, stage.ledger)
            gate.let("RUN1")
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.told.states[-1] == ("RUN1", RunState.SUCCEEDED)
