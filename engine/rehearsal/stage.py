"""Where a rehearsal's steps are planned instead of performed.

A step that would have an effect returns what a mock says, else its `example`; without either its
result is unknown, and what depends on it says so. A person who would be asked is taken to have
agreed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError
from typing_extensions import override

from engine.events.event import Event
from engine.playbooks.deferred import Unknown
from engine.playbooks.playbook import NO_EXAMPLE, Step
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
from engine.rehearsal.by_hand import typed
from engine.rehearsal.mocks import NO_MOCKS, Mocks, TimesOut
from engine.rehearsal.supposing import (
    supposing_one_item,
    supposing_yes,
    undecided_when,
    unknown_items,
)
from engine.runs import fact as facts
from engine.runs.attempt import as_wanted
from engine.runs.flow import Flow, around
from engine.runs.move import Document, Note, Perform
from engine.runs.rendering import rendered, rendering_error
from engine.runs.run import Asking, Outcome, Question
from engine.runs.walk import NOT_DONE, items_of

RUN_ID: Final = "dry-run"
_OR_NOT: Final = "; what follows is as if it did not stop here"
_AGREED: Final = "a person is asked; what follows is as if somebody had agreed"


@dataclass(frozen=True, slots=True)
class RehearsedStep:
    """What would become of one step."""

    step: Step
    outcome: str  # performed, skipped, failed or unknown: "would be ..."
    plan: Plan | None = None
    reason: str | None = None
    command: str | None = None  # what a person could copy to do the same by hand
    stops: bool = False  # it ends its section

    def as_json(self) -> dict[str, Any]:
        """Stable keys: path, id, name, type, outcome, plan {summary, details, command}, reason."""
        return {
            "path": self.step.path,
            "id": self.step.id,
            "name": self.step.name,
            "type": self.step.type,
            "outcome": self.outcome,
            "plan": None
            if self.plan is None
            else {
                "summary": self.plan.summary,
                "details": shown(self.plan.details),
                "command": self.command,
            },
            "reason": self.reason,
        }


class UnknownResult(Unknown):
    """What a step would return; that it succeeds is what a rehearsal assumes."""

    __slots__ = ()

    @override
    def get(self, key: str) -> Any:
        known = {"outcome": Outcome.SUCCEEDED.value, "error": None}
        return known[key] if key in known else super().get(key)


@dataclass(frozen=True, slots=True)
class Stage:
    """Takes the flow's moves, and keeps what would become of each step.

    `guesses` says of which steps it was supposed that they are performed, and what for.
    """

    step_types: Mapping[str, StepType[Any]]
    secrets: Mapping[str, str]
    event: Event

    steps: list[RehearsedStep]
    mocks: Mocks = NO_MOCKS
    under_way: dict[str, facts.Settled] = field(default_factory=dict)
    guesses: list[tuple[Step, str]] = field(default_factory=list)

    def note(self, flow: Flow, note: Note, now: float) -> Flow:
        """What the flow knows by itself, unless it is for want of a result of this rehearsal."""
        step, fact = note.step, note.fact
        self._head_those_around(flow, step, note.document)
        if isinstance(fact, facts.Called):
            self.steps.append(_head(step, note.document, handed=fact.handed.inputs))
            return flow.take(fact)
        begins = step.path not in flow.progress and step.path not in flow.begun
        if begins and (said := undecided_when(step, note.document)) is not None:
            self.guesses.append((step, said))
            if step.branches or step.foreach is not None or step.called is not None:
                self.steps.append(_head(step, note.document, said))
                return supposing_yes(flow, step)
            move = Perform(step, fact.attempt, None, document=note.document)
            return self.perform(flow, move, now, said)
        if begins and (said := unknown_items(step, note.document)) is not None:
            self.guesses.append((step, said))
            if step.called is not None:
                return self._of_unknown_items(flow, step, now, said)
            flow, step, item = supposing_one_item(flow, step)
            move = Perform(step, fact.attempt, None, document={**note.document, **item})
            return self.perform(flow, move, now, said)
        if begins and fact.outcome is Outcome.SUCCEEDED and step.foreach is not None:
            self.steps.append(_head(step, note.document))
        elif fact.result is None and step.path not in flow.begun:
            outcome = "skipped" if fact.outcome is Outcome.SKIPPED else "failed"
            self._tell(RehearsedStep(step, outcome, reason=fact.error))
        return flow.take(fact)

    def perform(self, flow: Flow, move: Perform, now: float, note: str | None) -> Flow:
        """Plan the step, note it, and have what it would report under way."""
        step, attempt = move.step, move.attempt
        self._head_those_around(flow, step, move.document)
        step_type = self.step_types[step.type]
        call = Call(RUN_ID, step.path, attempt, self.event.incident_id)
        try:
            parameters = rendered(step, step_type, {**move.document, "secrets": self.secrets})
        except (RenderError, ValidationError) as error:
            said = rendering_error(step, error)
            self.steps.append(RehearsedStep(step, "failed", reason=said))
            return flow.take(
                facts.Settled(step.path, attempt, now, Outcome.FAILED, error=said, retryable=False)
            )
        plan, report = step_type.plan(parameters, call), step_type.foretell(parameters)
        command = typed(plan, self.secrets, self.event)
        if isinstance(report, Stopped) and note is not None:
            self.steps.append(RehearsedStep(step, "performed", plan, f"{note}{_OR_NOT}"))
            return flow.take(facts.Settled(step.path, attempt, now, Outcome.SKIPPED))
        flow = flow.take(facts.Started(step.path, attempt, now))
        at, mock = now, self.mocks.at(step.path, attempt)
        if mock is not None and not isinstance(report, Failed):  # what is refused is not performed
            if isinstance(report, Asks) and isinstance(mock.what, TimesOut):
                self._tell(RehearsedStep(step, "performed", plan, "nobody answers"))
                return flow.take(_asked(step, attempt, now, report))
            limit = _shorter(step.timeout or step_type.timeout, move.deadline, now)
            report, took = mock.report(step_type, parameters, limit)
            at += took
        if isinstance(report, Paused):
            self.steps.append(RehearsedStep(step, "performed", plan, note))
            seconds: object = report.seconds  # a Deferred when an unknown result decides it
            known = seconds if isinstance(seconds, float) else 0.0
            return flow.take(facts.Paused(step.path, attempt, now + known))
        settled = _settled(step, attempt, at, report, _name_of_result(flow, step))
        failed = not settled.stops and settled.outcome in NOT_DONE
        asked = _AGREED if isinstance(report, Asks) else None
        reason = settled.error if failed else _joined(note, _repeating(step), asked)
        tried = None if attempt == 1 else f"attempt {attempt}"
        told = _joined(tried, reason)
        outcome = settled.outcome.value if failed else "performed"
        self._tell(RehearsedStep(step, outcome, plan, told, command, settled.stops))
        # Not taken before all that goes on beside it has begun, as in a run.
        self.under_way[step.path] = settled
        return flow

    def settle(self, flow: Flow, now: float) -> Flow:
        """Take the outcome of what has been under way until now."""
        for path, settled in sorted(self.under_way.items(), key=lambda item: item[1].at):
            if settled.at <= now:
                flow = flow.take(self.under_way.pop(path))
        return flow

    def _tell(self, told: RehearsedStep) -> None:
        """All attempts at a step are told as one: where it began, and what became of it."""
        for place, before in enumerate(self.steps):
            if before.step.path == told.step.path:
                known = replace(before, outcome=told.outcome, reason=told.reason)
                self.steps[place] = known if told.plan is None else told
                return
        self.steps.append(told)

    def _of_unknown_items(self, flow: Flow, step: Step, now: float, said: str) -> Flow:
        """A playbook that is carried out for each of items that nobody knows yet."""
        plan = Plan(f"carry out {step.parameters['call']}", {})
        self.steps.append(
            RehearsedStep(step, "performed", plan, f"{said}; its steps are not shown")
        )
        result = UnknownResult(_name_of_result(flow, step))
        return flow.take(facts.Settled(step.path, 1, now, Outcome.SUCCEEDED, result))

    def _head_those_around(self, flow: Flow, step: Step, document: Document) -> None:
        """Say of the `foreach` and `parallel` that the step is in what they are, once."""
        for path in sorted(around(step.path)):
            outer = flow.playbook.find(path)
            if outer is not None and all(one.step.path != path for one in self.steps):
                self.steps.append(_head(outer, document))


def _head(
    step: Step,
    document: Document,
    note: str | None = None,
    handed: Mapping[str, Any] | None = None,
) -> RehearsedStep:
    if step.called is not None and step.foreach is None:
        plan = None if handed is None else Plan(f"carry out {step.called.name}", {"inputs": handed})
        return RehearsedStep(step, "performed", plan, note)
    said: str | None = f"{len(step.branches)} branches, side by side"
    if step.foreach is not None:
        items = items_of(step.foreach, document)
        said = None if isinstance(items, str) else f"for each of {step.foreach.items.text}: "
        if said is not None:
            most = step.foreach.max_parallel
            said += "1 item" if len(items) == 1 else f"{len(items) or 'no'} items"
            said += f", up to {most} at once" if min(most, len(items)) > 1 else ""
    return RehearsedStep(step, "performed", None, _joined(note, said))


def _repeating(step: Step) -> str | None:
    if step.until is None:
        return None
    every, longest = format_duration(step.until.every), format_duration(step.until.longest)
    return f"until {step.until.condition.text}: again every {every}, for {longest} at most"


def _joined(*said: str | None) -> str | None:
    return "; ".join(one for one in said if one) or None


def _name_of_result(flow: Flow, step: Step) -> str:
    """What its unknown result is called; a step without an `id` has one that nobody can ask for."""
    if step.id is not None:
        return f"steps.{step.id}"
    place = step.path.rfind("[")
    outer = flow.playbook.find(step.path[:place]) if step.path.endswith("]") else None
    name = step.path if outer is None or outer.id is None else f"steps.{outer.id}"
    return name if name == step.path else f"{name}.items{step.path[place:]}"


def _settled(
    step: Step, attempt: int, now: float, report: Report | None, name: str
) -> facts.Settled:
    succeeded = facts.Settled(step.path, attempt, now, Outcome.SUCCEEDED)
    match report:
        case Stopped(well, reason):
            outcome = Outcome.SUCCEEDED if well else Outcome.FAILED
            return facts.Settled(
                step.path, attempt, now, outcome, error=str(reason), retryable=False, stops=True
            )
        case Failed() | Uncertain():
            return _not_done(succeeded, report)
        case Succeeded(result, variables):
            return as_wanted(step, succeeded._replace(result=result, variables=variables))
        case Asks():
            agreed = {"approved": True, "by": "a rehearsal", "at": None}
            return succeeded._replace(result=agreed)
        case _:
            return _of_example(step, succeeded, name)


def _of_example(step: Step, succeeded: facts.Settled, name: str) -> facts.Settled:
    if step.example is NO_EXAMPLE:
        return succeeded._replace(result=UnknownResult(name))
    settled = as_wanted(step, succeeded._replace(result=step.example))
    if settled.outcome is Outcome.SUCCEEDED or step.until is None:
        return settled
    # The example is what it would come to: asking again would not change it.
    return settled._replace(error=f"{settled.error}, in its `example`", retryable=False)


def _not_done(fact: facts.Settled, report: Failed | Uncertain) -> facts.Settled:
    fact = fact._replace(error=report.error, result=report.result)
    if isinstance(report, Failed):
        return fact._replace(outcome=Outcome.FAILED, retryable=report.retryable)
    return fact._replace(outcome=Outcome.UNKNOWN, retryable=False)


def _asked(step: Step, attempt: int, now: float, asks: Asks) -> facts.Asked:
    """The question, which nobody answers in time."""
    within: object = asks.within  # a Deferred when an unknown result decides it
    until = now + within if isinstance(within, float) else now
    question = Question(Asking.APPROVAL, str(asks.text), now, until, asks.otherwise)
    return facts.Asked(step.path, attempt, question)


def _shorter(timeout: float | None, deadline: float | None, now: float) -> float | None:
    """The seconds that an attempt has."""
    left = None if deadline is None else max(0.0, deadline - now)
    return min((one for one in (timeout, left) if one is not None), default=None)


def shown(value: Any) -> Any:
    """Data for people and JSON: what is not known yet by its name."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value
