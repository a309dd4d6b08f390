"""Repeating: from which step on a run that is over can be carried out again."""

from collections.abc import Iterable, Sequence

from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.playbook import Playbook, Step
from engine.problem import EngineError, Problem, nearest
from engine.runs.run import Outcome, Run, RunState, StepRecord


def done_before(
    run: Run, event: Event, playbook: Playbook, records: Sequence[StepRecord], wanted: str | None
) -> Sequence[Step]:
    """The steps of `steps` that another run takes as done: those before the one that is wanted.

    By default that is the first that was not done. Raises EngineError for what cannot be repeated.
    """
    _check(run, event, wanted)
    first = _first_not_done(playbook.steps, records)
    if wanted is None:
        return playbook.steps[:first]
    found = [n for n, step in enumerate(playbook.steps) if wanted in (step.path, step.id)]
    if not found:
        known = [step.id or step.path for step in playbook.steps]
        said = f"playbook {playbook.name} has no step '{wanted}' on top of `steps`"
        raise EngineError(Problem("no-such-step", said, None, nearest(wanted, known)))
    if found[0] > first:
        step = playbook.steps[first]
        said = f"step '{wanted}' comes after '{step.title}' ({step.path}), which was not done"
        hint = f"go on from there: --from {step.id or step.path}"
        raise EngineError(Problem("not-done", said, None, hint))
    return playbook.steps[: found[0]]


def paths_within(steps: Iterable[Step], records: Iterable[StepRecord]) -> list[str]:
    """The paths at which these steps, and all inside them, left records."""
    tops = {step.path for step in steps}
    paths = dict.fromkeys(record.path for record in records)
    return [path for path in paths if _top(path) in tops]


def _top(path: str) -> str:
    """`steps/3` of `steps/3[0]/1` and of `steps/3/finally/0`."""
    return "/".join(path.split("/")[:2]).partition("[")[0]


def _check(run: Run, event: Event, wanted: str | None) -> None:
    if event.source == LABEL_MAPPING:
        said = f"run {run.id} answered a call for labels: nobody waits for its answer any more"
        raise EngineError(Problem("not-again", said, None, "send the call once more"))
    if not run.state.settled:
        said = f"run {run.id} is not over: it is {run.state.value}"
        raise EngineError(Problem("not-over", said, None, "wait for its end, or cancel it"))
    if run.state is RunState.SKIPPED:
        said = f"run {run.id} was skipped: {run.reason}"
        hint = f"`engine events replay {event.id}` has the event once more"
        raise EngineError(Problem("not-again", said, None, hint))
    if run.state is RunState.SUCCEEDED and wanted is None:
        said = f"run {run.id} succeeded: there is nothing to go on with"
        hint = "--from STEP carries it out again from a step on"
        raise EngineError(Problem("not-again", said, None, hint))


def _first_not_done(steps: Sequence[Step], records: Iterable[StepRecord]) -> int:
    last = {record.path: record for record in records}
    for number, step in enumerate(steps):
        record = last.get(step.path)
        if record is None or record.stops or record.outcome is None:
            return number
        failed = record.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
        if failed and not step.continue_on_error:
            return number
    return len(steps)
