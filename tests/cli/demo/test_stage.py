"""The demo's screen: what it says of a step whose attempts fail on the way to the one that counts."""

from io import StringIO

import pytest
from rich.console import Console

from engine.cli.demo.stage import Stage
from engine.playbooks.load import Loader
from engine.playbooks.step_type import Plan
from engine.runs.fact import Settled
from engine.runs.happening import RunMoved, StepSettled, StepStarted
from engine.runs.run import Outcome, Run, RunState
from tests.runs.fakes import Probe

RUN = Run(id="R", playbook="p", version="v", event_id="E", state=RunState.RUNNING, created=1.0)
AGAIN = {
    "until": "until: {condition: up, for: 5m}",
    "retry": "retry: {attempts: 2}",
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize(("end", "shown"), [(Outcome.SUCCEEDED, "✓"), (Outcome.FAILED, "✗")])
def test_an_attempt_that_is_followed_by_another_is_no_failure_yet(
    again: str, end: Outcome, shown: str
) -> None:
    text = f"name: p\ntrigger: {{}}\nsteps: [{{name: Look, probe: hello, {again}}}]"
    (step,) = Loader({"probe": Probe()}).load(text, "p.yaml").steps
    screen = StringIO()
    stage = Stage(Console(file=screen, width=80), 1)

    for attempt, outcome in ((1, Outcome.FAILED), (2, end)):
        stage.tell(StepStarted(RUN, step, attempt, Plan("look", {}), 1.0))
        stage.tell(StepSettled(RUN, step, Settled(step.path, attempt, 2.0, outcome, error="down")))
        if attempt == 1:
            stage.console.print(stage)
            assert "✗" not in screen.getvalue()
            assert "Look" in screen.getvalue()
    stage.tell(RunMoved(RUN.move(RunState.FAILED, at=3.0)))

    assert f"{shown} Look 1s look (2 attempts)" in " ".join(screen.getvalue().split())
