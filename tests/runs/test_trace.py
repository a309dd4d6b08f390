"""The one record that the CLI and every report read; its keys are stable."""

import json

import pytest

from engine.runs.run import Outcome, Run, RunState, StepRecord
from engine.runs.trace import run_as_json, step_as_json, timestamp, trace

RUN = Run(
    id="R",
    playbook="restart-host",
    version="abc",
    event_id="E",
    state=RunState.FAILED,
    created=1_700_208_013.5,
    reason="a: no",
    started=1_700_208_014.0,
    ended=1_700_208_015.25,
)
STEP = StepRecord(
    path="steps/0",
    attempt=2,
    type="http",
    id="drain",
    name="Take it out",
    started=1_700_208_014.0,
    ended=1_700_208_015.0,
    outcome=Outcome.SUCCEEDED,
    result={"status": 200},
    plan="POST http://lb/drain",
    repeats=1,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_208_013.988, "2023-11-17T08:00:13.988Z"),
        (1_795_000_000, "2026-11-18T11:06:40.000Z"),
    ],
)
def test_times_are_utc_with_milliseconds(seconds: float | None, text: str | None) -> None:
    assert timestamp(seconds) == text


def test_a_run_has_these_keys() -> None:
    assert run_as_json(RUN) == {
        "id": "R",
        "playbook": "restart-host",
        "version": "abc",
        "state": "failed",
        "reason": "a: no",
        "event": "E",
        "created": "2023-11-17T08:00:13.500Z",
        "started": "2023-11-17T08:00:14.000Z",
        "ended": "2023-11-17T08:00:15.250Z",
        "answer": None,
        "origin": None,
    }


def test_a_step_has_these_keys() -> None:
    assert step_as_json(STEP) == {
        "path": "steps/0",
        "id": "drain",
        "name": "Take it out",
        "type": "http",
        "outcome": "succeeded",
        "attempt": 2,
        "started": "2023-11-17T08:00:14.000Z",
        "ended": "2023-11-17T08:00:15.000Z",
        "plan": "POST http://lb/drain",
        "request": None,
        "result": {"status": 200},
        "error": None,
        "repeats": 1,
        "question": None,
        "by": None,
    }


def test_a_step_that_is_going_on_has_no_outcome() -> None:
    going = step_as_json(StepRecord(path="steps/0", attempt=1, type="wait", started=1.0))
    assert (going["outcome"], going["ended"]) == (None, None)


def test_the_trace_is_the_run_its_vars_and_its_steps_in_their_order() -> None:
    whole = trace(RUN, {"host": "h"}, [STEP, StepRecord(path="steps/1", attempt=1, type="wait")])
    assert list(whole) == [*run_as_json(RUN), "cancelled", "vars", "steps"]
    assert whole["vars"] == {"host": "h"}
    assert [step["path"] for step in whole["steps"]] == ["steps/0", "steps/1"]
    assert json.loads(json.dumps(whole)) == whole
