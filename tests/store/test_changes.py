"""Changes that are kept in one go leave the rows as they do one after another."""

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs.change import (
    Change,
    OrderObeyed,
    RunBegin,
    RunCancel,
    RunMove,
    StepAsk,
    StepPause,
    StepSettle,
    StepStart,
)
from engine.runs.control import Order, Verb
from engine.runs.fact import Asked, Began, Cancelled, Paused, Settled
from engine.runs.run import Asking, Handed, Outcome, Question, RunState, StepRecord
from engine.store.changes import statements_of
from engine.store.sqlite import open_ledger
from tests.runs.fakes import NOW, Stage, a_playbook, a_run, an_event

PLAYBOOK: Final = a_playbook("steps: [{probe: a}]")
RUN: Final = a_run("RUN1", PLAYBOOK, an_event())
RUNNING: Final = RUN.move(RunState.RUNNING, at=NOW + 1)
MOVED: Final = (
    RUNNING,
    RUNNING.move(RunState.WAITING, at=NOW + 2, reason="a: for a timer"),
    RUNNING.move(RunState.SUCCEEDED, at=NOW + 3),
    RUNNING.move(RunState.FAILED, at=NOW + 4, reason="a: no"),
)
Attempt = tuple[str, int]
ATTEMPTS: Final = st.tuples(st.sampled_from(["steps/0", "steps/1"]), st.integers(1, 2))


def a_start(attempt: Attempt, plan: str, run_id: str = "RUN1") -> StepStart:
    path, number = attempt
    handed = Handed({"host": "h"}) if plan == "call" else None
    return StepStart(
        run_id,
        StepRecord(
            path=path,
            attempt=number,
            type="probe",
            id=path[-1],
            started=NOW + number,
            plan=plan,
            request={"say": plan},
            handed=handed,
        ),
    )


def an_outcome(attempt: Attempt, outcome: Outcome, run_id: str = "RUN1") -> StepSettle:
    path, number = attempt
    failed = outcome is Outcome.FAILED
    fact = Settled(
        *(path, number, NOW + 9, outcome),
        result={"said": path},
        error="no" if failed else None,
        variables={} if failed else {"a": number},
    )
    return StepSettle(run_id, StepRecord(path=path, attempt=number, type="probe"), fact)


CHANGES: Final[st.SearchStrategy[Change]] = st.one_of(
    st.builds(RunMove, st.sampled_from(MOVED)),
    st.builds(RunBegin, st.sampled_from(MOVED[:1]), st.builds(Began, st.just(NOW))),
    st.builds(RunBegin, st.just(RUNNING), st.just(Began(NOW, {"host": "h"}))),
    st.just(RunCancel("RUN1", Cancelled(NOW, "cancelled by ada"))),
    st.builds(a_start, ATTEMPTS, st.sampled_from(["say a", "say b", "call"])),
    st.builds(an_outcome, ATTEMPTS, st.sampled_from(Outcome)),
    ATTEMPTS.map(lambda one: StepPause("RUN1", Paused(*one, NOW + 60))),
    ATTEMPTS.map(
        lambda one: StepAsk("RUN1", Asked(*one, Question(Asking.APPROVAL, "Shall we?", NOW)))
    ),
    st.just(OrderObeyed(Order(1, "RUN1", Verb.CANCEL, "ada", NOW))),
)
AT_ONCE: Final = st.builds(
    lambda attempt, plan, outcome: [a_start(attempt, plan), an_outcome(attempt, outcome)],
    ATTEMPTS,
    st.sampled_from(["say a", "say b"]),
    st.sampled_from(Outcome),
)
HISTORIES: Final = st.lists(CHANGES.map(lambda one: [one]) | AT_ONCE, min_size=1, max_size=8).map(
    lambda parts: [change for part in parts for change in part]
)


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which RUN1 is queued."""
    database = tmp_path_factory.mktemp("queued") / "engine.db"
    with open_ledger(database) as ledger:
        asyncio.run(Stage(ledger).queue(PLAYBOOK, an_event()))
    return database


def rows_after(
    queued: Path, groups: Sequence[Sequence[Change]], *, runs: int = 1, at_once: bool = False
) -> dict[str, list[tuple[Any, ...]]]:
    """All that a ledger has of RUN1 and so on, and in what order, after each group was kept."""
    database = queued.with_name("copy.db")
    shutil.copyfile(queued, database)
    with open_ledger(database) as ledger:

        async def story() -> None:
            for number in range(2, runs + 1):
                await Stage(ledger).queue(PLAYBOOK, an_event(f"E{number}"), f"RUN{number}")
            if at_once:
                await asyncio.gather(*map(ledger.keep, groups))
                return
            for changes in groups:
                await ledger.keep(changes)

        asyncio.run(story())
    with closing(sqlite3.connect(database)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608
            for table in ("runs", "steps", "orders")
        }


@settings(max_examples=60)
@given(HISTORIES, st.data())
def test_however_changes_are_put_together_the_rows_are_the_same(
    queued: Path, changes: list[Change], data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(changes))))
    marks = sorted({0, *cuts, len(changes)})
    together = [changes[start:end] for start, end in pairwise(marks)]
    assert rows_after(queued, together) == rows_after(queued, [[change] for change in changes])


def test_changes_of_many_runs_leave_the_rows_as_those_of_one_after_another(queued: Path) -> None:
    """More than a statement has rows, alike and not, and two of them move more than once."""

    def changes_of(number: int) -> list[Change]:
        run = replace(RUN, id=f"RUN{number}").move(RunState.RUNNING, at=NOW + number)
        waits: list[Change] = [
            a_start(("steps/1", 1), "wait 1m", run.id),
            StepPause(run.id, Paused("steps/1", 1, NOW + 60 + number)),
        ]
        settled = an_outcome(("steps/0", 1), Outcome.SUCCEEDED, run.id)
        changes = [settled, *waits[: number % 3], RunMove(run)]
        if number == 9:
            changes.append(RunMove(run.move(RunState.WAITING, at=NOW, reason="last")))
        if number == 11:  # an end is not followed by another one
            changes += [
                RunMove(run.move(state, at=NOW)) for state in (RunState.SUCCEEDED, RunState.FAILED)
            ]
        return changes

    groups = [changes_of(number) for number in range(1, 100)]
    together = rows_after(queued, groups, runs=99, at_once=True)
    one_by_one = rows_after(queued, groups, runs=99)
    assert together["runs"] == one_by_one["runs"]
    assert [row[1] for row in together["runs"] if "last" in row] == ["RUN9"]
    steps = [sorted(row[1:] for row in rows["steps"]) for rows in (together, one_by_one)]
    assert steps[0] == steps[1]
    assert len(steps[0]) == 99 + 66


def test_an_attempt_that_waits_when_it_begins_is_one_row() -> None:
    start = a_start(("steps/0", 1), "wait 1m")
    (one,) = statements_of([start, StepPause("RUN1", Paused("steps/0", 1, NOW + 60))])
    assert (one[0], [row["wake"] for row in one[1]]) == ("start_step", [NOW + 60])
    apart = statements_of([start, StepPause("RUN1", Paused("steps/0", 2, NOW + 60))])
    assert [name for name, _ in apart] == ["start_step", "pause_step"]


def test_a_run_of_three_steps_without_effect_is_two_statements_with_four_rows() -> None:
    steps = [
        change
        for number in range(3)
        for change in (
            a_start((f"steps/{number}", 1), "say a"),
            an_outcome((f"steps/{number}", 1), Outcome.SUCCEEDED),
        )
    ]
    changes = [RunBegin(RUNNING, Began(NOW)), *steps, RunMove(MOVED[2])]
    counted = [(name, len(parameters)) for name, parameters in statements_of(changes)]
    assert counted == [("begin_and_move_run", 1), ("step_at_once", 3)]


def test_no_changes_are_no_statements() -> None:
    assert statements_of([]) == []
