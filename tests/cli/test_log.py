"""The log: one JSON line a happening, with a stable name, masked."""

import io
import json
from typing import Any

import pytest
from typing_extensions import override

from engine.cli.log import create_log, write_happening
from engine.playbooks.playbook import Step
from engine.playbooks.step_type import Plan
from engine.runs.fact import Settled
from engine.runs.happening import Happening, Matched, RunMoved, StepSettled, StepStarted, Trouble
from engine.runs.redaction import Redactor
from engine.runs.run import Outcome, Run, RunState

RUN = Run(
    id="R",
    playbook="p",
    version="v",
    event_id="E",
    state=RunState.RUNNING,
    created=1.0,
    started=2.0,
)
STEP = Step("steps/0", "http", {})


def written(happening: Happening) -> dict[str, Any]:
    stream = io.StringIO()
    redactor = Redactor()
    redactor.learn("s3cret-value")
    write_happening(create_log(redactor, stream), happening)
    [text] = stream.getvalue().splitlines()
    entry: dict[str, Any] = json.loads(text)
    assert entry.pop("timestamp").endswith("Z")
    return entry


@pytest.mark.parametrize(
    ("happening", "entry"),
    [
        (
            Matched("E", ("p",), ("q",)),
            {"level": "info", "action": "event_judged", "event": "event judged",
             "event_id": "E", "started": ["p"], "undecided": ["q"]},
        ),
        (
            RunMoved(RUN),
            {"level": "info", "action": "run_running", "event": "run running", "run": "R",
             "playbook": "p", "reason": None, "took": None},
        ),
        (
            RunMoved(RUN.move(RunState.FAILED, at=3.5, reason="it says s3cret-value")),
            {"level": "error", "action": "run_failed", "event": "run failed", "run": "R",
             "playbook": "p", "reason": "it says ******", "took": "1.5s"},
        ),
        (
            StepStarted(RUN, STEP, 2, Plan("GET http://x/s3cret-value", {}), 3.0),
            {"level": "info", "action": "step_started", "event": "step started", "run": "R",
             "playbook": "p", "step": "steps/0", "attempt": 2, "plan": "GET http://x/******"},
        ),
        (
            StepSettled(RUN, STEP, Settled("steps/0", 1, 4.0, Outcome.FAILED, error="no\nway")),
            {"level": "warning", "action": "step_failed", "event": "step failed", "run": "R",
             "playbook": "p", "step": "steps/0", "attempt": 1, "error": "no way"},
        ),
        (
            Trouble("ledger", "disk full"),
            {"level": "error", "action": "trouble", "event": "trouble", "where": "ledger",
             "message": "disk full"},
        ),
    ],
)  # fmt: skip
def test_each_happening_is_a_line_with_its_name(
    happening: Happening, entry: dict[str, Any]
) -> None:
    assert written(happening) == entry


def test_a_person_at_a_terminal_gets_words() -> None:
    class Terminal(io.StringIO):
        @override
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    write_happening(create_log(Redactor(), stream), Trouble("web", "it broke"))

    assert "it broke" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
