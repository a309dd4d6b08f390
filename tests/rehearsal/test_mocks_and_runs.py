"""What a mocked rehearsal says is what a run does when that comes back: each fact, at its time."""

import asyncio
import random

import pytest

from engine.playbooks.playbook import Playbook, Step
from engine.playbooks.step_type import Failed, Report, Succeeded, Uncertain
from engine.rehearsal.dry_run import rehearse
from engine.rehearsal.mocks import Fails, IsUnknown, Mock, Mocks, Returns
from engine.rehearsal.naming import StepNames, steps_of
from engine.runs.fact import Settled
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import Probe, Stage, a_playbook, an_event, step_types

# All that waits waits for 10s, so that a clock that jumps that far each time is right.
PLAYBOOKS = [
    "steps: [{id: a, probe: x}, {id: b, probe: x}]",
    "steps: [{id: a, probe: x, retry: {attempts: 3, delay: 10s}}, {probe: x}]",
    "steps: [{probe: x, until: {condition: up, every: 10s, for: 35s}}, {wait: 10s}, {probe: x}]",
    "steps: [{id: a, probe: x, continue_on_error: true}, {when: steps.a.outcome == 'failed', probe: x}]",
    "steps: [{probe: x}]\non_failure: [{probe: x}, {probe: x}]\nfinally: [{probe: x}]",
    "steps: [{foreach: '[`1`, `2`, `3`]', probe: x, retry: {attempts: 2, delay: 10s}}, {probe: x}]",
    "steps: [{foreach: '[`1`, `2`, `3`]', max_parallel: 2, continue_on_error: true, probe: x}]",
    # With `fast`, which steps still begin when one fails is a matter of chance in a run.
    (
        "steps: [{parallel: {fail: late, branches: [[{probe: x}, {wait: 10s}, {probe: x}], "
        "[{wait: 10s}, {id: c, probe: x, retry: {attempts: 2, delay: 10s}}]]}}]"
    ),
    (
        "steps: [{parallel: {fail: late, branches: [[{probe: x}, {probe: x}], [{probe: x}]]}}]\n"
        "on_failure: [{probe: '{{ run.failed_step }}: {{ run.error }}'}]"
    ),
    "timeout: 20s\nsteps: [{wait: 10s}, {wait: 10s}, {wait: 10s}, {probe: x}]\nfinally: [{probe: x}]",
    (
        "steps: [{set: {a: 1}}, {when: vars.a == `1`, stop: {status: failed, reason: r}}, {probe: x}]\n"
        "on_failure: [{probe: x}]"
    ),
]
Answers = dict[str, list[Report]]
Facts = dict[str, tuple[str, int, object, str | None, float]]


def answers(playbook: Playbook, seed: int) -> Answers:
    """What comes back for each attempt at each step, by the paths in the run."""
    chance = random.Random(seed)  # noqa: S311 - a seed names the case

    def one() -> Report:
        up = {"up": chance.random() < 0.5}
        failed = Failed("no", up, retryable=chance.random() < 0.8)
        some: list[Report] = [Succeeded(up), Succeeded(up), failed, failed, Uncertain("who knows")]
        return chance.choice(some)

    def paths(step: Step) -> list[str]:
        if step.foreach is None:
            return [step.path]
        return [f"{step.path}[{index}]" for index in range(3)]

    steps = [step for _, step in steps_of(playbook) if step.type == "probe"]
    return {path: [one() for _ in range(4)] for step in steps for path in paths(step)}


def mock(report: Report) -> Mock:
    match report:
        case Succeeded(result):
            return Mock(Returns(result))
        case Failed(error, result, retryable):
            return Mock(Fails(error, result, retryable))
        case Uncertain(error, result):
            return Mock(IsUnknown(error, result))
        case _:  # pragma: no cover (there are no others)
            raise AssertionError(report)


def told(fact: Settled, began: float) -> tuple[str, int, object, str | None, float]:
    return (fact.outcome.value, fact.attempt, fact.result, fact.error, fact.at - began)


@pytest.mark.parametrize("text", PLAYBOOKS)
@pytest.mark.parametrize("seed", range(6))
def test_a_run_and_its_rehearsal_have_the_same_facts(
    ledger: SqliteLedger, text: str, seed: int
) -> None:
    playbook, event, stage = a_playbook(text), an_event(), Stage(ledger)
    laid_out = answers(playbook, seed)
    for path, reports in laid_out.items():
        stage.probe.answer(path, *reports)
    began = stage.clock()

    async def story() -> tuple[str, str | None]:
        run = await stage.queue(playbook, event)
        run = await stage.carry_out(
            run, playbook, event, while_waiting=lambda: stage.clock.jump(10)
        )
        return run.state.value, run.reason

    ended = asyncio.run(story())
    performed: Facts = {fact.path: told(fact, began) for fact in stage.told.settled}

    attempts = {path: tuple(map(mock, reports)) for path, reports in laid_out.items()}
    rehearsal = rehearse(
        playbook,
        event,
        config={},
        secrets=frozenset(),
        step_types=step_types(Probe()),
        mocks=Mocks(StepNames.of(playbook), attempts),
    )
    assert rehearsal.driven is not None
    progress = rehearsal.driven.flow.progress
    supposed: Facts = {
        path: told(one.settled, event.received) for path, one in progress.items() if one.settled
    }
    assert supposed == performed
    assert rehearsal.state is not None
    assert (rehearsal.state.value, rehearsal.reason) == ended
