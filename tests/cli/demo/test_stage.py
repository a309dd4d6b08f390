"""The demo's screen: what it says of a step whose attempts fail on the way to the one that counts."""

from io import StringIO

import pytest
from rich.console import Console

from engine.cli.demo import stage
from engine.cli.demo.stage import Stage
from engine.cli.screen import line
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


def test_a_step_may_begin_while_the_screen_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn by a thread of its own, which died of that: and with it the screen."""
    text = "name: p\ntrigger: {}\nsteps: [{name: First, probe: a}, {name: Second, probe: b}]"
    first, second = Loader({"probe": Probe()}).load(text, "p.yaml").steps
    screen = StringIO()
    made = Stage(Console(file=screen, width=80), 1)

    def drawn(text: str, width: int) -> str:
        made.tell(StepStarted(RUN, second, 1, Plan("look", {}), 1.0))
        return line(text, width)

    monkeypatch.setattr(stage, "line", drawn)
    made.tell(StepStarted(RUN, first, 1, Plan("look", {}), 1.0))
    made.console.print(made)
    made.console.print(made)

    assert [screen.getvalue().count(name) for name in ("First", "Second")] == [2, 1]


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize(("end", "shown"), [(Outcome.SUCCEEDED, "✓"), (Outcome.FAILED, "✗")])
def test_an_attempt_that_is_followed_by_another_is_no_failure_yet(
    again: str, end: Outcome, shown: str
) -> None:
    text = f"name: p\ntrigger: {{}}\nsteps: [{{name: Look, probe: hello, {again}}}]"
    (step,) = Loader({"probe": Probe()}).load(text, "p.yaml").steps
    screen = StringIO()
    made = Stage(Console(file=screen, width=80), 1)

    for attempt, outcome in ((1, Outcome.FAILED), (2, end)):
        made.tell(StepStarted(RUN, step, attempt, Plan("look", {}), 1.0))
        made.tell(StepSettled(RUN, step, Settled(step.path, attempt, 2.0, outcome, error="down")))
        if attempt == 1:
            made.console.print(made)
            assert "✗" not in screen.getvalue()
            assert "Look" in screen.getvalue()
    made.tell(RunMoved(RUN.move(RunState.FAILED, at=3.0)))

    assert f"{shown} Look 1s look (2 attempts)" in " ".join(screen.getvalue().split())
