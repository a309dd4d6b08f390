"""The journal: one commit for all that lies between two effects, and nothing told that is not kept."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from engine.playbooks.step_type import Call, Report, Succeeded
from engine.runs.change import Change, RunBegin, RunCancel, RunMove, StepSettle, StepStart
from engine.runs.control import Control, Order, Verb
from engine.runs.happening import Happening, RunMoved
from engine.runs.journal import MOST, Journal
from engine.runs.ledger import Ledger, LedgerError
from engine.runs.run import Outcome, Run, RunState
from engine.store.records import open_records
from tests.runs.fakes import NOW, Stage, a_playbook, a_run, an_event

PLAYBOOK = a_playbook("steps: [{probe: a}]")
RUN = a_run("RUN1", PLAYBOOK, an_event()).move(RunState.RUNNING, at=NOW)


class Keeping:
    """The ledger, that remembers what it was given in one go."""

    def __init__(self, ledger: Ledger | None = None, refusals: int = 0) -> None:
        self._ledger = ledger
        self._refusals = refusals
        self.kept: list[Sequence[Change]] = []

    async def keep(self, changes: Sequence[Change]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise LedgerError("database or disk is full")
        if self._ledger is not None:
            await self._ledger.keep(changes)
        self.kept.append(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def a_journal(ledger: Keeping, told: list[Happening]) -> Journal:
    return Journal(cast("Ledger", ledger), told.append, lambda: NOW)


def test_what_is_noted_is_told_once_it_is_kept_and_not_before() -> None:
    told: list[Happening] = []
    ledger = Keeping()
    journal = a_journal(ledger, told)
    moved = journal.move(RUN, RunState.WAITING, "for a timer")
    assert (ledger.kept, told) == ([], [])
    asyncio.run(journal.write())
    assert ledger.kept == [[RunMove(moved)]]
    assert told == [RunMoved(moved)]


def test_what_was_written_is_not_written_again() -> None:
    ledger = Keeping()
    journal = a_journal(ledger, [])
    journal.move(RUN, RunState.WAITING)
    for _ in range(2):
        asyncio.run(journal.write())
    assert len(ledger.kept) == 1


def test_what_the_ledger_refuses_is_told_to_nobody_and_is_not_tried_a_second_time() -> None:
    told: list[Happening] = []
    ledger = Keeping(refusals=1)
    journal = a_journal(ledger, told)
    journal.move(RUN, RunState.WAITING)
    with pytest.raises(LedgerError):
        asyncio.run(journal.write())
    asyncio.run(journal.write())
    assert (ledger.kept, told) == ([], [])


def test_a_move_to_where_the_run_is_already_is_none() -> None:
    ledger = Keeping()
    journal = a_journal(ledger, [])
    assert journal.move(RUN, RunState.RUNNING) is RUN
    asyncio.run(journal.write())
    assert ledger.kept == []


# What it means for a run


def carried_out(stage: Stage, text: str) -> tuple[Run, list[Sequence[Change]]]:
    keeping = Keeping(stage.ledger)
    playbook = a_playbook(text)

    async def story() -> Run:
        run = await stage.queue(playbook, an_event())
        stage.ledger = cast("Ledger", keeping)
        return await stage.carry_out(run, playbook, an_event())

    return asyncio.run(story()), keeping.kept


def test_a_run_whose_steps_have_no_effect_is_one_commit(stage: Stage, database: Path) -> None:
    text = "steps: [{set: {a: 1}}, {when: vars.a, set: {b: 2}}, {when: vars.c, set: {d: 3}}]"
    run, kept = carried_out(stage, text)
    assert run.state is RunState.SUCCEEDED
    assert len(kept) == 1
    with open_records(database) as records:
        steps = records.run("RUN1").steps
    assert [step.outcome for step in steps] == [
        Outcome.SUCCEEDED,
        Outcome.SUCCEEDED,
        Outcome.SKIPPED,
    ]


def test_a_start_is_in_the_ledger_before_it_takes_effect_and_all_that_came_before_it(
    stage: Stage, database: Path
) -> None:
    seen: list[tuple[str, Outcome | None]] = []

    async def looks(_: Call) -> Report:
        with open_records(database) as records:
            seen.extend((step.path, step.outcome) for step in records.run("RUN1").steps)
        return Succeeded()

    stage.probe.answer("steps/1", looks)
    _, kept = carried_out(stage, "steps: [{set: {a: 1}}, {probe: b}, {probe: c}]")
    assert seen == [("steps/0", Outcome.SUCCEEDED), ("steps/1", None)]
    # To the first effect, from its outcome to the second one, and from that to the end.
    assert len(kept) == 3


def test_a_long_foreach_is_kept_in_parts_so_that_others_have_their_turn(stage: Stage) -> None:
    items = list(range(3 * MOST))
    run, kept = carried_out(stage, f"steps: [{{foreach: '`{items}`', set: {{a: 1}}}}]")
    assert run.state is RunState.SUCCEEDED
    assert max(len(changes) for changes in kept) <= MOST + 2  # what one step adds at once
    settled = [one for changes in kept for one in changes if isinstance(one, StepSettle)]
    assert len(settled) == 3 * MOST + 1


def test_what_was_noted_before_a_fault_is_kept(stage: Stage, database: Path) -> None:
    async def breaks(_: Call) -> Report:
        stage.redactor.text = None  # type: ignore[method-assign, assignment]
        return Succeeded()

    stage.probe.answer("steps/0", breaks)
    with pytest.raises(TypeError):
        carried_out(stage, "steps: [{probe: a}, {probe: b}]")
    with open_records(database) as records:
        (step,) = records.run("RUN1").steps
    assert step.outcome is Outcome.SUCCEEDED


def test_that_a_run_is_cancelled_is_kept_before_what_is_in_flight_is_cut(
    stage: Stage, database: Path
) -> None:
    control = Control(asyncio.Event())
    keeping = Keeping(stage.ledger)
    kept_when_cut: list[type[Change]] = []

    async def is_cut(_: Call) -> Report:
        control.hear([Order(1, "RUN1", Verb.CANCEL, "ada", NOW)])
        try:
            await asyncio.Event().wait()
        finally:
            kept_when_cut.extend(type(one) for changes in keeping.kept for one in changes)
        raise AssertionError

    playbook = a_playbook("steps: [{probe: a}]")
    stage.probe.answer("steps/0", is_cut)

    async def story() -> Run:
        run = await stage.queue(playbook, an_event())
        stage.ledger = cast("Ledger", keeping)
        return await stage.carry_out(run, playbook, an_event(), control=control)

    assert asyncio.run(story()).state is RunState.CANCELLED
    assert kept_when_cut == [RunBegin, StepStart, RunCancel]
    with open_records(database) as records:
        (step,) = records.run("RUN1").steps
    assert step.outcome is Outcome.FAILED
