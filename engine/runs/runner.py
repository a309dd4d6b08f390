"""Carries out one run: begins it or takes it up again, and brings it to its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.events.event import Event
from engine.playbooks.answer import rendered_answer
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.runs import fact as facts
from engine.runs.attempt import shortened
from engine.runs.change import RunBegin
from engine.runs.conduct import MASKED_VALUE, Conduct
from engine.runs.control import Control
from engine.runs.flow import Flow
from engine.runs.handing import rendered_variables
from engine.runs.happening import RunMoved, Tell
from engine.runs.journal import Journal
from engine.runs.ledger import Ledger
from engine.runs.move import End
from engine.runs.redaction import Redactor
from engine.runs.run import Run, RunState
from engine.runs.slot import Place

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Runner:
    """Performs steps. Holds no state of its own: all of it is in the flow and in the ledger."""

    ledger: Ledger
    step_types: Mapping[str, StepType[Any]]
    secrets: Mapping[str, str]
    redactor: Redactor
    clock: Clock
    tell: Tell

    async def carry_out(
        self,
        run: Run,
        playbook: Playbook,
        event: Event,
        document: Mapping[str, Any],
        *,
        control: Control,
        place: Place,
        history: Sequence[facts.Fact] | None = None,
    ) -> Run:
        """Bring a queued or unfinished run to its end, or to where it rests or stopping finds it.

        `history` is what happened to it; None: the ledger is asked. Its `place` is given back while
        the run only waits, and when nothing is left but to keep its end, so that another one can
        have its turn.
        Cancelling it cuts the steps in flight; they have no outcome then.
        """
        journal = Journal(self.ledger, self.tell, self.clock)
        try:
            run, flow = await self._begin(run, Flow(playbook, document, run.id), journal, history)
            conduct = Conduct(self, journal, run, flow, event, control, place)
            end = await conduct.to_the_end()
            if end is None:
                return conduct.run
            place.give_back()  # the next run need not wait until this one's end is on the disk
            return self._end(conduct.run, playbook, end, journal)
        finally:
            await journal.write()

    async def _begin(
        self, run: Run, flow: Flow, journal: Journal, history: Sequence[facts.Fact] | None
    ) -> tuple[Run, Flow]:
        """Render `vars` for a new run, or replay the history of an unfinished one."""
        if history is None:
            fresh = run.state is RunState.QUEUED and run.origin is None
            history = [] if fresh else await self.ledger.history(run.id)
        if history and run.state is not RunState.QUEUED:
            return run, flow.replay(history)
        at = self.clock()
        run = run.move(RunState.RUNNING, at=at)
        match history:
            case [facts.Began() as before, *rest]:  # of the run that it repeats
                began = replace(before, at=at)
                journal.note(RunBegin(run, began), RunMoved(run))
                return run, flow.take(began).replay(rest)
            case _:
                pass
        masked: Mapping[str, Any] = {}
        error = None
        if flow.playbook.variables:
            seen = flow.take(facts.Began(at)).sees()
            variables, error = rendered_variables(flow.playbook, seen)
            masked = self.redactor.data(variables)
            if error is None and masked != variables:
                error = MASKED_VALUE
        began = facts.Began(at, masked, self.redactor.text(error) if error else None)
        journal.note(RunBegin(run, began), RunMoved(run))
        return run, flow.take(began)

    def _end(self, run: Run, playbook: Playbook, end: End, journal: Journal) -> Run:
        """The run's last move; one that was to answer and cannot has failed."""
        state, reason = end.state, end.reason
        if state is RunState.SUCCEEDED and playbook.answer is not None:
            labels, error = rendered_answer(playbook.answer, end.document)
            if error is None and self.redactor.data(labels) != labels:
                error = MASKED_VALUE
            if error is None:
                run = replace(run, answer=labels)
            else:
                state = RunState.FAILED
                reason = f"answer: {shortened(self.redactor.text(error))}"
        return journal.move(run, state, reason)
