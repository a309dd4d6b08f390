"""Carries out one run: asks the flow, performs what it says, keeps each fact before going on."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from engine.events.event import Event
from engine.playbooks.answer import rendered_answer
from engine.playbooks.playbook import Playbook, Step
from engine.playbooks.step_type import (
    Call,
    Failed,
    Paused,
    Plan,
    Report,
    StepType,
    Stopped,
    Succeeded,
    Uncertain,
)
from engine.playbooks.template import RenderError, render
from engine.playbooks.units import format_duration
from engine.runs import fact as facts
from engine.runs.flow import End, Flow, Note, Perform, Wait
from engine.runs.happening import RunMoved, StepSettled, StepStarted, Tell
from engine.runs.ledger import Ledger
from engine.runs.redaction import Redactor
from engine.runs.rendering import rendered, rendering_error
from engine.runs.result_limit import cut_result
from engine.runs.run import Outcome, Run, RunState, StepRecord
from engine.runs.trace import timestamp

Clock = Callable[[], float]

MASKED_VALUE: Final = (
    "a value holds a secret, and would be carried on masked; name the secret in the step that "
    "needs it, as secrets.NAME"
)
LONGEST: Final = 1000  # characters of an error or a plan; what is cut is cut from the middle


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
        stopping: asyncio.Event,
        yielded: Callable[[], AbstractAsyncContextManager[None]],
    ) -> Run:
        """Bring a queued or unfinished run to its end, or to where `stopping` finds it.

        `yielded` is entered while the run only waits, so that another one can have its turn.
        """
        flow = Flow(playbook, document, run.id)
        run, flow = await self._begin(run, flow)
        while not stopping.is_set():
            move = flow.next(self.clock())
            match move:
                case End(state, reason):
                    return await self._end(run, flow, state, reason)
                case Note(step, fact):
                    flow = await self._settle(run, step, flow, fact)
                case Wait(step, until, reason):
                    said = f"{step.title}: {reason} ({timestamp(until)})"
                    run = await self._move(run, RunState.WAITING, said)
                    async with yielded():
                        await self._sleep_until(until, stopping)
                    if not stopping.is_set():
                        run = await self._move(run, RunState.RUNNING)
                case Perform(step, attempt, deadline):
                    flow = await self._perform(run, flow, step, attempt, deadline, event)
        return run

    async def _begin(self, run: Run, flow: Flow) -> tuple[Run, Flow]:
        """Render `vars` for a new run, or replay the history of an unfinished one."""
        history = await self.ledger.history(run.id)
        if run.state is RunState.WAITING:
            run = await self._move(run, RunState.RUNNING)
        if history:
            return run, flow.replay(history)
        at = self.clock()
        run = run.move(RunState.RUNNING, at=at)
        flow = flow.take(facts.Began(at))
        variables, error = rendered_variables(flow.playbook, flow.sees())
        masked = self.redactor.data(variables)
        if error is None and masked != variables:
            error = MASKED_VALUE
        began = facts.Began(at, masked, self.redactor.text(error) if error else None)
        await self.ledger.keep_began(run, began)
        self.tell(RunMoved(run))
        return run, flow.take(began)

    async def _end(self, run: Run, flow: Flow, state: RunState, reason: str | None) -> Run:
        """The run's last move; one that was to answer and cannot has failed."""
        answer = flow.playbook.answer
        if state is RunState.SUCCEEDED and answer is not None:
            labels, error = rendered_answer(answer, flow.sees())
            if error is None and self.redactor.data(labels) != labels:
                error = MASKED_VALUE
            if error is None:
                run = replace(run, answer=labels)
            else:
                state = RunState.FAILED
                reason = f"answer: {shortened(self.redactor.text(error))}"
        return await self._move(run, state, reason)

    async def _perform(
        self, run: Run, flow: Flow, step: Step, attempt: int, deadline: float | None, event: Event
    ) -> Flow:
        step_type = self.step_types[step.type]
        at = flow.started or self.clock()
        again = flow.started is not None
        call = Call(run.id, step.path, attempt, event.incident_id, started=at, again=again)
        try:
            parameters = rendered(step, step_type, {**flow.sees(), "secrets": self.secrets})
            plan = self._masked(step_type.plan(parameters, call))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened yet
            return await self._settle(run, step, flow, self._not_begun(step, attempt, error))
        started = facts.Started(step.path, attempt, at)
        record = replace(
            _record(step, attempt),
            started=started.at,
            plan=plan.summary,
            request=plan.details,
        )
        await self.ledger.keep_started(run.id, record)
        flow = flow.take(started)
        self.tell(StepStarted(run, step, attempt, plan, started.at))
        limit = _shorter(step.timeout or step_type.timeout, deadline, self.clock())
        report = await self._report(step_type, parameters, replace(call, limit=limit))
        if isinstance(report, Paused):
            paused = facts.Paused(step.path, attempt, started.at + report.seconds)
            await self.ledger.keep_paused(run.id, paused)
            return flow.take(paused)
        return await self._settle(run, step, flow, self._fact(step, attempt, report))

    async def _report(self, step_type: StepType[Any], parameters: Any, call: Call) -> Report:
        timeout = asyncio.timeout(call.limit)
        try:
            async with timeout:
                report: Report = await step_type.perform(parameters, call)
                return report
        except TimeoutError as error:
            if timeout.expired() and call.limit is not None:
                return Failed(f"timed out after {format_duration(call.limit)}")
            return Failed(f"TimeoutError: {error}")
        except Exception as error:  # noqa: BLE001 - one broken step must not take the worker with it
            return Failed(f"{type(error).__name__}: {error} (this is a fault of the step type)")

    def _fact(self, step: Step, attempt: int, report: Report) -> facts.Settled:
        at = self.clock()
        match report:
            case Succeeded(result, variables):
                return facts.Settled(
                    step.path, attempt, at, Outcome.SUCCEEDED, result, variables=variables
                )
            case Failed(error, result, retryable):
                return facts.Settled(
                    step.path, attempt, at, Outcome.FAILED, result, error, retryable=retryable
                )
            case Uncertain(error, result):
                return facts.Settled(
                    step.path, attempt, at, Outcome.UNKNOWN, result, error, retryable=False
                )
            case Stopped(succeeded, reason):
                outcome = Outcome.SUCCEEDED if succeeded else Outcome.FAILED
                return facts.Settled(
                    step.path, attempt, at, outcome, error=reason, retryable=False, stops=True
                )
            case Paused():  # pragma: no cover (its own fact, see _perform)
                raise AssertionError(report)

    def _not_begun(self, step: Step, attempt: int, error: Exception) -> facts.Settled:
        if isinstance(error, RenderError | ValidationError):
            said = rendering_error(step, error)
        else:
            said = f"{type(error).__name__}: {error} (this is a fault of the step type)"
        return facts.Settled(
            step.path, attempt, self.clock(), Outcome.FAILED, error=said, retryable=False
        )

    async def _settle(self, run: Run, step: Step, flow: Flow, fact: facts.Settled) -> Flow:
        # What the ledger keeps and what the flow goes on with have to be the same thing, or a
        # replay would see another document than the run did.
        error = self.redactor.text(fact.error) if fact.error is not None else None
        masked = replace(
            fact,
            result=cut_result(self.redactor.data(fact.result)),  # masked first: see `shortened`
            error=shortened(error) if error is not None else None,
            variables=self.redactor.data(fact.variables),
        )
        if masked.variables != fact.variables:
            masked = replace(
                masked, outcome=Outcome.FAILED, error=MASKED_VALUE, retryable=False, variables={}
            )
        await self.ledger.keep_settled(run.id, _record(step, fact.attempt), masked)
        self.tell(StepSettled(run, step, masked))
        return flow.take(masked)

    async def _move(self, run: Run, state: RunState, reason: str | None = None) -> Run:
        moved = run.move(state, at=self.clock(), reason=reason)
        await self.ledger.keep_run(moved)
        self.tell(RunMoved(moved))
        return moved

    async def _sleep_until(self, until: float, stopping: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - self.clock())):
                await stopping.wait()
        except TimeoutError:
            return

    def _masked(self, plan: Plan) -> Plan:
        summary = shortened(self.redactor.text(plan.summary))
        return Plan(summary, self.redactor.data(dict(plan.details)))


def rendered_variables(
    playbook: Playbook, document: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The playbook's `vars`, each of which may use those before it; and why one could not be."""
    variables: dict[str, Any] = {}
    for name, tree in playbook.variables.items():
        try:
            variables[name] = render(tree, {**document, "vars": variables})
        except RenderError as error:
            return variables, f"{name}: {error}"
    return variables, None


def _record(step: Step, attempt: int) -> StepRecord:
    return StepRecord(path=step.path, attempt=attempt, type=step.type, id=step.id, name=step.name)


def _shorter(timeout: float | None, deadline: float | None, now: float) -> float | None:
    if deadline is None:
        return timeout
    left = max(0.0, deadline - now)
    return left if timeout is None else min(timeout, left)


def shortened(text: str) -> str:
    """A text with its beginning and its end, once it is masked: a cut secret is not recognised."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"
