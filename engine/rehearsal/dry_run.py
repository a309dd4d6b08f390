"""Dry-run: real matching, real rendering, real checking, no effect.

Drives the same flow as the worker, with plans in the place of effects. Secrets are not resolved:
`$NAME` stands for each. What else goes on in the engine is asked for and not changed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from typing_extensions import override

from engine.events.document import document_of
from engine.events.event import Event
from engine.playbooks.answer import rendered_answer
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.rehearsal.driving import Driven, to_the_end
from engine.rehearsal.explained import Explained, explain_all, just_happened
from engine.rehearsal.mocks import NO_MOCKS, Mocks
from engine.rehearsal.offering import Offer, as_if_idle, decision_as_json
from engine.rehearsal.stage import RUN_ID, RehearsedStep, Stage, shown
from engine.rehearsal.unknowns import unknowns_in
from engine.rehearsal.unreached import Unreached, unreached
from engine.rules.condition import Verdict
from engine.runs import fact as facts
from engine.runs.flow import Flow
from engine.runs.handing import rendered_variables
from engine.runs.lane import Decision, Skip, lane_of
from engine.runs.run import RunState

NOTHING_MOCKED: Final[Mapping[str, Mocks]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What one playbook would do about an event."""

    explained: Explained
    decision: Decision | None = None  # what its guard makes of it; None: it would not start
    lane: str | None = None  # JSON: what its guard says it acts on
    variables: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[RehearsedStep, ...] = ()
    unreached: tuple[Unreached, ...] = ()
    state: RunState | None = None  # which it comes to if it is let in; None: it would not start
    reason: str | None = None
    answer: Mapping[str, Any] | None = None  # the labels for a call, whether asked for or not
    driven: Driven | None = None  # how it went on; None: it would not start

    @property
    def playbook(self) -> Playbook:
        """Whose rehearsal it is."""
        return self.explained.playbook

    @property
    def verdict(self) -> Verdict:
        """What it says of the event."""
        return self.explained.verdict

    @property
    def skipped(self) -> str | None:
        """Why it would not be let in; None where it would, at once or later."""
        return self.decision.reason if isinstance(self.decision, Skip) else None

    @property
    def succeeds(self) -> bool:
        """Whether it would run to its end."""
        return self.state is RunState.SUCCEEDED and self.skipped is None

    @property
    def unknown(self) -> tuple[str, ...]:
        """The values that are not known before their step is performed, each once."""
        steps = [[step.plan and shown(step.plan.details), step.reason] for step in self.steps]
        return unknowns_in([shown(self.variables), *steps, shown(self.answer), self.reason])

    def as_json(self) -> dict[str, Any]:
        """What `engine dry-run --format json` has of a playbook, with stable keys.

        - `playbook`, `file`; `answer` (yes, no, cannot tell), `reason`, and `tree` with all of it,
          see `Explanation`
        - `lane`: the value of the guard's key, or null
        - `guard`: what the guard makes of it, see `decision_as_json`; null where it does not match
        - `vars`: as they are rendered
        - `steps`, in the order they would go: {path, id, name, type, outcome, plan, reason}.
          `outcome` is performed, skipped or failed. `plan` is null, or {summary, details, command}:
          `details` are what goes out, `command` is a line for a shell that does the same, or null
        - `unreached`: the steps that it does not come to, {path, id, name, type, reason}
        - `unknown`: the names of the values that no step returned yet, such as steps.a.body.owner
        - `would`: null, or {state, reason, answer, otherwise}. `answer` are the labels, or null; of
          a run that its guard skips, `otherwise` is {state, reason} it would come to if let in
        """
        return {
            "playbook": self.playbook.name,
            "file": self.playbook.file,
            "answer": self.verdict.answer.value,
            "reason": self.verdict.reason,
            "tree": self.explained.tree.as_json(),
            "lane": json.loads(self.lane) if self.lane else None,
            "guard": None if self.decision is None else decision_as_json(self.decision),
            "vars": shown(self.variables),
            "steps": [step.as_json() for step in self.steps],
            "unreached": [one.as_json() for one in self.unreached],
            "unknown": list(self.unknown),
            "would": self._would,
        }

    @property
    def _would(self) -> dict[str, Any] | None:
        if self.state is None:
            return None
        come_to = {"state": self.state.value, "reason": self.reason}
        if self.skipped is None:
            answer = None if self.answer is None else shown(self.answer)
            return {**come_to, "answer": answer, "otherwise": None}
        otherwise = None if self.state is RunState.SKIPPED else come_to
        skipped = {"state": RunState.SKIPPED.value, "reason": self.skipped, "answer": None}
        return {**skipped, "otherwise": otherwise}


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
    offer: Offer = as_if_idle,
    mocks: Mapping[str, Mocks] = NOTHING_MOCKED,
) -> list[Rehearsal]:
    """What each playbook would do about this event. A call for labels has one answer.

    `mocks` are by the playbook's name.
    """
    return [
        _rehearse(
            *(one, event, config, secrets, step_types, offer),
            mocks.get(one.playbook.name, NO_MOCKS),
        )
        for one in explain_all(playbooks, event, config, just_happened(event))
    ]


def rehearse(
    playbook: Playbook,
    event: Event,
    *,
    config: Mapping[str, Any],
    secrets: frozenset[str],
    step_types: Mapping[str, StepType[Any]],
    offer: Offer = as_if_idle,
    mocks: Mocks = NO_MOCKS,
    at: float | None = None,
) -> Rehearsal:
    """What this playbook would do about this event. `at`: judged then; None: as it happens."""
    judged = just_happened(event) if at is None else at
    (explained,) = explain_all([playbook], event, config, judged)
    return _rehearse(explained, event, config, secrets, step_types, offer, mocks)


def _rehearse(
    explained: Explained,
    event: Event,
    config: Mapping[str, Any],
    secrets: frozenset[str],
    step_types: Mapping[str, StepType[Any]],
    offer: Offer,
    mocks: Mocks,
) -> Rehearsal:
    playbook = explained.playbook
    if not explained.verdict.yes:
        return Rehearsal(explained)
    document = document_of(event, config)
    lane = lane_of(playbook.guard, document)
    if isinstance(lane, Skip):
        return Rehearsal(explained, lane, state=RunState.SKIPPED, reason=lane.reason)
    now = event.received
    flow = Flow(playbook, document, RUN_ID).take(facts.Began(now))
    variables, error = rendered_variables(playbook, flow.sees())
    flow = flow.take(facts.Began(now, variables, error))
    stage = Stage(step_types, MaskedSecrets(secrets), event, [], mocks)
    driven = to_the_end(flow, stage, now)
    state, reason, answer = driven.end.state, driven.end.reason, None
    if state is RunState.SUCCEEDED and playbook.answer is not None:
        answer, unanswered = rendered_answer(playbook.answer, driven.end.document)
        if unanswered is not None:
            state, reason, answer = RunState.FAILED, f"answer: {unanswered}", None
    no_vars = None if error is None else "`vars` could not be rendered"
    return Rehearsal(
        explained,
        offer(playbook, lane),
        lane,
        variables,
        tuple(stage.steps),
        tuple(unreached(playbook, stage.steps, no_vars)),
        state,
        reason,
        answer,
        driven,
    )
