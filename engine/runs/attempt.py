"""One attempt at one step: from a move to what goes out, and from what came back to a fact."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from engine.playbooks.playbook import OnInterrupt, Step
from engine.playbooks.step_type import (
    Asks,
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
from engine.playbooks.template import RenderError
from engine.playbooks.units import format_duration
from engine.rules.explain import decide
from engine.rules.undecided import CannotTellError
from engine.runs.fact import Asked, Settled
from engine.runs.fact import Paused as PausedFact
from engine.runs.redaction import Redactor
from engine.runs.rendering import rendered, rendering_error
from engine.runs.result_limit import cut_result
from engine.runs.run import Asking, Outcome, Question

LONGEST: Final = 1000  # characters of an error or a plan; what is cut is cut from the middle

StepEnd = Settled | PausedFact | Asked


class Attempt(NamedTuple):
    """A step whose parameters are rendered: what it would do is known, and nothing has happened."""

    step: Step
    step_type: StepType[Any]
    parameters: Any
    call: Call
    plan: Plan  # masked
    foretold: Report | None = None  # what performing it would report, where it has no effect

    @property
    def policy(self) -> OnInterrupt:
        """What to do about this attempt when it was under way and the engine died."""
        if self.step.on_interrupt is not None:
            return self.step.on_interrupt
        harmless = self.step_type.harmless_to_repeat(self.parameters)
        return OnInterrupt.RETRY if harmless else OnInterrupt.ASK

    async def performed(self) -> Report:
        """Do it, for as long as it may take. Raises nothing but that it was cut."""
        timeout = asyncio.timeout(self.call.limit)
        try:
            async with timeout:
                report: Report = await self.step_type.perform(self.parameters, self.call)
                return report
        except TimeoutError as error:
            if timeout.expired() and self.call.limit is not None:
                return Failed(f"timed out after {format_duration(self.call.limit)}")
            return Failed(f"TimeoutError: {error}")
        except Exception as error:  # noqa: BLE001 - one broken step must not take the worker with it
            return Failed(f"{type(error).__name__}: {error} (this is a fault of the step type)")


def prepared(
    step: Step,
    step_type: StepType[Any],
    call: Call,
    document: Mapping[str, Any],
    redactor: Redactor,
) -> Attempt | str:
    """The attempt, or why it cannot be made: nothing has happened then."""
    try:
        parameters = rendered(step, step_type, document)
        plan, foretold = step_type.plan(parameters, call), step_type.foretell(parameters)
    except (RenderError, ValidationError) as error:
        return rendering_error(step, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened yet
        return f"{type(error).__name__}: {error} (this is a fault of the step type)"
    summary = shortened(redactor.text(plan.summary))
    masked_plan = Plan(summary, redactor.data(dict(plan.details)))
    return Attempt(step, step_type, parameters, call, masked_plan, foretold)


def end_of(  # noqa: PLR0911 - one answer a kind of report
    attempt: Attempt, report: Report, now: float
) -> StepEnd:
    """What a report makes of the attempt; not masked yet."""
    path, number = attempt.step.path, attempt.call.attempt
    match report:
        case Paused(seconds):
            return PausedFact(path, number, attempt.call.started + seconds)
        case Asks(text, within, otherwise):
            until = None if within is None else attempt.call.started + within
            question = Question(Asking.APPROVAL, text, attempt.call.started, until, otherwise)
            return Asked(path, number, question)
        case Uncertain(error) if attempt.call.again and attempt.policy is OnInterrupt.ASK:
            return attention(attempt.step, attempt.call, now, error)
        case Uncertain(error, result):
            return Settled(path, number, now, Outcome.UNKNOWN, result, error, retryable=False)
        case Failed(error, result, retryable):
            return Settled(path, number, now, Outcome.FAILED, result, error, retryable)
        case Stopped(succeeded, reason):
            outcome = Outcome.SUCCEEDED if succeeded else Outcome.FAILED
            return Settled(path, number, now, outcome, None, reason, retryable=False, stops=True)
        case Succeeded(result, variables):
            settled = Settled(path, number, now, Outcome.SUCCEEDED, result, variables=variables)
            return as_wanted(attempt.step, settled)


def attention(step: Step, call: Call, now: float, why: str) -> Asked:
    """Nobody but a person can say what became of the attempt."""
    text = f"{step.title} ({step.path}): {why}. Retry it, skip it, or fail it?"
    return Asked(step.path, call.attempt, Question(Asking.ATTENTION, text, now))


def masked(end: Settled, redactor: Redactor, mask_error: str) -> Settled:
    """The outcome as it is kept and gone on with: the ledger and the flow have to see the same.

    A variable that would be carried on masked fails the step, with `mask_error`.
    """
    error = None if end.error is None else shortened(redactor.text(end.error))
    variables = redactor.data(end.variables) if end.variables else end.variables
    result = cut_result(redactor.data(end.result))  # masked first: see `shortened`
    outcome, retryable = end.outcome, end.retryable
    if variables != end.variables:
        outcome, retryable, error, variables = Outcome.FAILED, False, mask_error, {}
    return Settled(
        *(end.path, end.attempt, end.at, outcome, result, error, retryable, variables),
        stops=end.stops,
        again=end.again,
        by=end.by,
    )


def as_wanted(step: Step, settled: Settled) -> Settled:
    """The outcome after `output` and `until` had their say."""
    if step.output is not None:
        try:
            settled = settled._replace(result=step.output.value(settled.result))
        except CannotTellError as error:
            said = f"its `output` cannot be told: {error}"
            return settled._replace(outcome=Outcome.FAILED, error=said, retryable=False)
    if step.until is None:
        return settled
    verdict = decide(step.until.condition, settled.result)
    if verdict.yes:
        return settled
    said = f"until: {verdict.reason}"
    return settled._replace(outcome=Outcome.FAILED, error=said)


def shortened(text: str) -> str:
    """A text with its beginning and its end, once it is masked: a cut secret is not recognised."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"
