"""The counters of what the engine does."""

import asyncio
import math
from collections.abc import Mapping
from typing import Final

import pytest
from prometheus_client import generate_latest

from engine.playbooks.playbook import Step
from engine.playbooks.step_type import Plan
from engine.problem import Problem
from engine.runs.fact import Asked, Settled
from engine.runs.happening import (
    Matched,
    Reloaded,
    ReloadRefused,
    RunMoved,
    StepAsked,
    StepSettled,
    StepStarted,
    Trouble,
)
from engine.runs.ledger import Backlog, LedgerError
from engine.runs.reloading import InForce
from engine.runs.run import Asking, Outcome, Question, Run, RunState
from engine.web.metrics import Metrics

BACKLOG: Final = {
    "unjudged": "engine_events_unjudged",
    "queued": 'engine_runs_unfinished{state="queued"}',
    "running": 'engine_runs_unfinished{state="running"}',
    "waiting": 'engine_runs_unfinished{state="waiting"}',
    "pauses": "engine_pauses",
}


def test_every_happening_is_counted_under_its_own_name() -> None:
    metrics = Metrics.create()
    run = Run(id="R", playbook="p", version="v", event_id="E", state=RunState.RUNNING, created=1.0)
    step = Step("steps/0", "http", {})

    metrics.tell(Matched("E", ("p",), ()))
    metrics.tell(Matched("F", (), ("q",)))
    metrics.tell(RunMoved(run))
    metrics.tell(StepStarted(run, step, 1, Plan("GET /", {}), 1.0))
    metrics.tell(StepSettled(run, step, Settled("steps/0", 1, 2.0, Outcome.FAILED)))
    question = Question(Asking.ATTENTION, "?", 2.0)
    metrics.tell(StepAsked(run, step, Asked("steps/0", 1, question)))
    metrics.tell(Trouble("run R", "trouble"))
    metrics.tell(Reloaded((), (), (), (), "v", None, asked=False, problems=()))
    metrics.tell(ReloadRefused((), asked=True))

    text = generate_latest(metrics.registry).decode()
    counted = [line for line in text.splitlines() if "_total{" in line]
    assert counted == [
        'engine_events_matched_total{started="yes"} 1.0',
        'engine_events_matched_total{started="no"} 1.0',
        'engine_run_moves_total{playbook="p",state="running"} 1.0',
        'engine_steps_total{outcome="failed",playbook="p",type="http"} 1.0',
        'engine_questions_total{kind="attention",playbook="p"} 1.0',
        'engine_troubles_total{where="run"} 1.0',
        'engine_reloads_total{outcome="taken"} 1.0',
        'engine_reloads_total{outcome="refused"} 1.0',
    ]


@pytest.mark.parametrize(
    ("backlog", "shown"),
    [
        (
            Backlog(unjudged=4, unfinished={RunState.QUEUED: 3, RunState.WAITING: 1}, pauses=2),
            {"queued": 3.0, "running": 0.0, "waiting": 1.0, "unjudged": 4.0, "pauses": 2.0},
        ),
        (None, dict.fromkeys(("queued", "running", "waiting", "unjudged", "pauses"), math.nan)),
    ],
)
def test_what_is_still_to_be_done_is_asked_of_the_ledger_at_each_look(
    backlog: Backlog | None, shown: Mapping[str, float]
) -> None:
    metrics = Metrics.create()
    answers = [Backlog(9, dict.fromkeys(RunState, 9), 9), backlog]  # of the first nothing is left

    async def ask() -> Backlog:
        answer = answers.pop(0)
        if answer is None:
            raise LedgerError("the disk is gone")
        return answer

    asyncio.run(metrics.text(ask))
    lines = asyncio.run(metrics.text(ask)).decode().splitlines()

    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert {name: float(found[key]) for name, key in BACKLOG.items()} == pytest.approx(
        shown, nan_ok=True
    )


def test_what_is_in_force_is_shown_as_it_is_at_each_look() -> None:
    metrics = Metrics.create()
    in_force = InForce((), None, 1795000000.0)
    metrics.show(lambda: in_force)

    def shown() -> list[str]:
        text = generate_latest(metrics.registry).decode()
        return [line for line in text.splitlines() if line.startswith("engine_playbook")]

    assert shown() == [
        "engine_playbooks 0.0",
        "engine_playbook_problems 0.0",
        "engine_playbooks_loaded_timestamp_seconds 1.795e+09",
    ]
    in_force = InForce((), None, 1795000000.0, (Problem("a", "b"),))
    assert "engine_playbook_problems 1.0" in shown()
