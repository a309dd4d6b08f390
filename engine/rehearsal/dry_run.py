"""Dry-run: real matching, real rendering, real checking, no effect.

Drives the same flow as the worker, with plans in the place of effects. A step that would have an
effect returns its `example`; without one its result is unknown, and what depends on it says so.
Secrets are not resolved: `$NAME` stands for each.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from typing_extensions import override

from engine.events.document import document_of
from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.answer import rendered_answer
from engine.playbooks.deferred import Unknown
from engine.playbooks.playbook import NO_EXAMPLE, Playbook, Step
from engine.playbooks.step_type import Call, Paused, Plan, Report, StepType, Stopped, Succeeded
from engine.playbooks.template import RenderError
from engine.rehearsal.supposing import (
    supposing_one_item,
    supposing_yes,
    undecided_when,
    unknown_items,
)
from engine.rules.condition import Verdict
from engine.rules.match import one_answers
from engine.rules.undecided import CannotTellError
from engine.runs import fact as facts
from engine.runs.flow import Flow
from engine.runs.lane import Skip, lane_of
from engine.runs.move import End, Note, Perform, Wait
from engine.runs.rendering import rendered, rendering_error
from engine.runs.run import Outcome, RunState
from engine.runs.runner import rendered_variables

RUN_ID = "dry-run"


@dataclass(frozen=True, slots=True)
class RehearsedStep:
    """What would become of one step."""

    step: Step
    outcome: str  # performed, skipped or failed: "would be ..."
    plan: Plan | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Stable keys: path, id, name, type, outcome, plan {summary, details}, reason."""
        return {
            "path": self.step.path,
            "id": self.step.id,
            "name": self.step.name,
            "type": self.step.type,
            "outcome": self.outcome,
            "plan": None
            if self.plan is None
            else {"summary": self.plan.summary, "details": shown(self.plan.details)},
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What one playbook would do about an event."""

    playbook: Playbook
    verdict: Verdict
    variables: Mapping[str, Any]
    steps: tuple[RehearsedStep, ...]
    state: RunState | None  # None: it would not start
    reason: str | None
    answer: Mapping[str, Any] | None = None  # the labels for a call, whether asked for or not
    lane: str | None = None  # JSON: what its guard says it acts on

    @property
    def succeeds(self) -> bool:
        """Whether it would run to its end."""
        return self.state is RunState.SUCCEEDED

    def as_json(self) -> dict[str, Any]:
        """Stable keys: playbook, file, answer, reason, lane, vars, steps, would.

        `lane` is the value of the guard's key, or null. `would` is {state, reason, answer}, or
        null; `answer` are the labels, or null.
        """
        return {
            "playbook": self.playbook.name,
            "file": self.playbook.file,
            "answer": self.verdict.answer.value,
            "reason": self.verdict.reason,
            "lane": json.loads(self.lane) if self.lane else None,
            "vars": shown(self.variables),
            "steps": [step.as_json() for step in self.steps],
            "would": None
            if self.state is None
            else {
                "state": self.state.value,
                "reason": self.reason,
                "answer": None if self.answer is None else shown(self.answer),
            },
        }


class UnknownResult(Unknown):
    """What a step would return; that it succeeds is what a rehearsal assumes."""

    __slots__ = ()

    @override
    def get(self, key: str) -> Any:
        known = {"outcome": Outcome.SUCCEEDED.value, "error": None}
        return known[key] if key in known else super().get(key)


class MaskedSecrets(Mapping[str, str]):
    """Every declared secret, as the name it has."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    @override
    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        return f"${name}"

    @override
    def __iter__(self) -> Any:
        return iter(sorted(self._names))

    @override
    def __len__(self) -> int:
        return len(self._names)


def rehearse_all(
    playbooks: Sequence[Playbook],
    event: Event,
    *,
    config: Mapping[str, Any],
    secrets: frozenset[str],
    step_types: Mapping[str, StepType[Any]],
) -> list[Rehearsal]:
    """What each playbook would do about this event. A call for labels has one answer."""
    rehearsals = [
        rehearse(playbook, event, config=config, secrets=secrets, step_types=step_types)
        for playbook in playbooks
    ]
    if event.source != LABEL_MAPPING:
        return rehearsals
    verdicts = one_answers([(one.playbook.name, one.verdict) for one in rehearsals])
    return [
        one if one.verdict.yes == verdict.yes else _not_started(one.playbook, verdict)
        for one, verdict in zip(rehearsals, verdicts, strict=True)
    ]


def rehearse(
    playbook: Playbook,
    event: Event,
    *,
    config: Mapping[str, Any],
    secrets: frozenset[str],
    step_types: Mapping[str, StepType[Any]],
) -> Rehearsal:
    """What this playbook would do about this event."""
    document = document_of(event, config)
    # As if it had just happened: a rehearsal is about what the playbook does, not about the file's
    # age.
    happened = event.received if event.time is None else event.time / 1000
    verdict = playbook.trigger.judge(document, happened)
    if not verdict.yes:
        return _not_started(playbook, verdict)
    lane = lane_of(playbook.guard, document)
    if isinstance(lane, Skip):
        return Rehearsal(playbook, verdict, {}, (), RunState.SKIPPED, lane.reason)
    now = event.received
    flow = Flow(playbook, document, RUN_ID).take(facts.Began(now))
    variables, error = rendered_variables(playbook, flow.sees())
    flow = flow.take(facts.Began(now, variables, error))
    stage = _Stage(step_types, MaskedSecrets(secrets), event, [])
    while not isinstance(move := flow.next(now)[0], End):
        if isinstance(move, Wait):
            now = move.until if move.until is not None else now
        elif isinstance(move, Note):
            flow = stage.note(flow, move, now)
        else:
            flow = stage.perform(flow, move, now, None)
    state, reason, answer = move.state, move.reason, None
    if state is RunState.SUCCEEDED and playbook.answer is not None:
        answer, error = rendered_answer(playbook.answer, move.document)
        if error is not None:
            state, reason, answer = RunState.FAILED, f"answer: {error}", None
    steps = tuple(stage.steps)
    return Rehearsal(playbook, verdict, variables, steps, state, reason, answer, lane)


def _not_started(playbook: Playbook, verdict: Verdict) -> Rehearsal:
    return Rehearsal(playbook, verdict, {}, (), None, None)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where steps are planned instead of performed."""

    step_types: Mapping[str, StepType[Any]]
    secrets: Mapping[str, str]
    event: Event

    steps: list[RehearsedStep]

    def note(self, flow: Flow, note: Note, now: float) -> Flow:
        """What the flow knows by itself, unless it is for want of a result of this rehearsal."""
        step, fact = note.step, note.fact
        begins = step.path not in flow.progress and step.path not in flow.begun
        if begins and (said := undecided_when(step, note.document)) is not None:
            if step.branches or step.foreach is not None:
                self.steps.append(RehearsedStep(step, "performed", None, said))
                return supposing_yes(flow, step)
            move = Perform(step, fact.attempt, None, document=note.document)
            return self.perform(flow, move, now, said)
        if begins and (said := unknown_items(step, note.document)) is not None:
            self.steps.append(RehearsedStep(step, "performed", None, said))
            return supposing_one_item(flow, step)
        if fact.result is None and step.path not in flow.begun:
            outcome = "skipped" if fact.outcome is Outcome.SKIPPED else "failed"
            self.steps.append(RehearsedStep(step, outcome, reason=fact.error))
        return flow.take(fact)

    def perform(self, flow: Flow, move: Perform, now: float, note: str | None) -> Flow:
        """Plan the step, note it, and take what it would report."""
        step, attempt = move.step, move.attempt
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
        self.steps.append(RehearsedStep(step, "performed", step_type.plan(parameters, call), note))
        report = step_type.foretell(parameters)
        flow = flow.take(facts.Started(step.path, attempt, now))
        if isinstance(report, Paused):
            seconds: object = report.seconds  # a Deferred when an unknown result decides it
            known = seconds if isinstance(seconds, float) else 0.0
            return flow.take(facts.Paused(step.path, attempt, now + known))
        return flow.take(_settled(step, attempt, now, report))


def _settled(step: Step, attempt: int, now: float, report: Report | None) -> facts.Settled:
    match report:
        case Stopped(succeeded, reason):
            outcome = Outcome.SUCCEEDED if succeeded else Outcome.FAILED
            return facts.Settled(
                step.path, attempt, now, outcome, error=str(reason), retryable=False, stops=True
            )
        case Succeeded(result, variables):
            return facts.Settled(
                step.path, attempt, now, Outcome.SUCCEEDED, result, variables=variables
            )
        case _:
            pass
    result = step.example if step.example is not NO_EXAMPLE else UnknownResult(f"steps.{step.id}")
    if step.output is not None:
        try:
            result = step.output.value(result)
        except CannotTellError:
            result = UnknownResult(f"steps.{step.id}")
    return facts.Settled(step.path, attempt, now, Outcome.SUCCEEDED, result)


def shown(value: Any) -> Any:
    """Data for people and JSON: what is not known yet by its name."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value
