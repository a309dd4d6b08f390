"""The table of legal moves, exactly; and what moving does to a run."""

import itertools

import pytest

from engine.runs.run import LEGAL_MOVES, Run, RunState, StepRecord

TABLE = {
    "queued": {"running", "cancelled", "skipped"},
    "running": {"waiting", "succeeded", "failed", "cancelled"},
    "waiting": {"running", "succeeded", "failed", "cancelled"},
    "succeeded": set[str](),
    "failed": set[str](),
    "cancelled": set[str](),
    "skipped": set[str](),
}
PAIRS = list(itertools.product(RunState, RunState))


def run_in(state: RunState) -> Run:
    began = None if state is RunState.QUEUED else 20.0
    return Run(
        id="R",
        playbook="p",
        version="v",
        event_id="E",
        state=state,
        created=10.0,
        started=began,
        reason="before",
    )


def test_the_table_of_legal_moves_is_this_one() -> None:
    moves = {state.value: {to.value for to in allowed} for state, allowed in LEGAL_MOVES.items()}
    assert moves == TABLE


@pytest.mark.parametrize(("state", "to"), PAIRS, ids=[f"{a.value}-{b.value}" for a, b in PAIRS])
def test_a_run_moves_as_the_table_says_and_in_no_other_way(state: RunState, to: RunState) -> None:
    run = run_in(state)
    if state is to:
        assert run.move(to, at=30.0, reason="still").reason == "still"
    elif to.value in TABLE[state.value]:
        assert run.move(to, at=30.0).state is to
    else:
        with pytest.raises(ValueError, match=f"^a {state.value} run cannot become {to.value}$"):
            run.move(to, at=30.0)


@pytest.mark.parametrize("state", RunState)
def test_a_run_is_settled_when_the_table_lets_it_go_nowhere(state: RunState) -> None:
    assert state.settled is (TABLE[state.value] == set())


def test_a_run_remembers_when_it_first_ran_and_when_it_ended() -> None:
    queued = run_in(RunState.QUEUED)
    running = queued.move(RunState.RUNNING, at=20.0)
    assert (running.started, running.ended, running.reason) == (20.0, None, None)
    waiting = running.move(RunState.WAITING, at=30.0, reason="wait: for a timer")
    assert (waiting.started, waiting.ended, waiting.reason) == (20.0, None, "wait: for a timer")
    again = waiting.move(RunState.RUNNING, at=40.0)
    assert (again.started, again.ended) == (20.0, None)
    over = again.move(RunState.FAILED, at=50.0, reason="it failed")
    assert (over.started, over.ended, over.reason) == (20.0, 50.0, "it failed")
    assert queued.state is RunState.QUEUED, "a run is a value: moving makes a new one"


def test_a_run_that_never_started_has_no_start() -> None:
    skipped = run_in(RunState.QUEUED).move(RunState.SKIPPED, at=20.0, reason="another one runs")
    assert (skipped.started, skipped.ended) == (None, 20.0)


def test_a_run_that_stays_where_it_is_keeps_its_times() -> None:
    over = run_in(RunState.RUNNING).move(RunState.SUCCEEDED, at=50.0)
    assert over.move(RunState.SUCCEEDED, at=99.0) == over


def test_a_step_that_is_going_on_has_no_outcome() -> None:
    record = StepRecord(path="steps/0", attempt=1, type="probe", started=1.0)
    assert (record.outcome, record.ended, record.repeats, record.retryable) == (None, None, 0, True)
