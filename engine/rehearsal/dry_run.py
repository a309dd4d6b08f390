"""Dry-run: real matching, real rendering, real checking, no effect.

Drives the same flow as the worker, with plans in the place of effects. Secrets are not resolved:
`$NAME` stands for each. What else goes on in the engine is not known: of the guard, the key alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from typing_extensions import override

from engine.events.document import document_of
from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.answer import rendered_answer
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.rehearsal.driving import Driven, to_the_end
from engine.rehearsal.mocks import NO_MOCKS, Mocks
from engine.rehearsal.stage import RUN_ID, RehearsedStep, Stage, shown
from engine.rules.condition import Verdict
from engine.rules.match import one_answers
from engine.runs import fact as facts
from engine.runs.flow import Flow
from engine.runs.handing import rendered_variables
from engine.runs.lane import Skip, lane_of
from engine.runs.run import RunState

NOTHING_MOCKED: Final[Mapping[str, Mocks]] = MappingProxyType({})


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
    driven: Driven | None = None  # how it went on; None: it would not start

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
    mocks: Mapping[str, Mocks] = NOTHING_MOCKED,
) -> list[Rehearsal]:
    """What each playbook would do about this event. A call for labels has one answer.

    `mocks` are by the playbook's name.
    """
    rehearsals = [
        rehearse(
            playbook,
            event,
            config=config,
            secrets=secrets,
            step_types=step_types,
            mocks=mocks.get(playbook.name, NO_MOCKS),
        )
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
    mocks: Mocks = NO_MOCKS,
    at: float | None = None,
) -> Rehearsal:
    """What this playbook would do about this event.

    `at` is when it is judged. None: as if it had just happened, since a rehearsal is about what the
    playbook does, and not about the file's age.
    """
    document = document_of(event, config)
    happened = event.received if event.time is None else event.time / 1000
    verdict = playbook.trigger.judge(document, happened if at is None else at)
    if not verdict.yes:
        return _not_started(playbook, verdict)
    lane = lane_of(playbook.guard, document)
    if isinstance(lane, Skip):
        return Rehearsal(playbook, verdict, {}, (), RunState.SKIPPED, lane.reason)
    now = event.received
    flow = Flow(playbook, document, RUN_ID).take(facts.Began(now))
    variables, error = rendered_variables(playbook, flow.sees())
    flow = flow.take(facts.Began(now, variables, error))
    stage = Stage(step_types, MaskedSecrets(secrets), event, [], mocks)
    driven = to_the_end(flow, stage, now)
    state, reason, answer = driven.end.state, driven.end.reason, None
    if state is RunState.SUCCEEDED and playbook.answer is not None:
        answer, error = rendered_answer(playbook.answer, driven.end.document)
        if error is not None:
            state, reason, answer = RunState.FAILED, f"answer: {error}", None
    steps = tuple(stage.steps)
    return Rehearsal(playbook, verdict, variables, steps, state, reason, answer, lane, driven)


def _not_started(playbook: Playbook, verdict: Verdict) -> Rehearsal:
    return Rehearsal(playbook, verdict, {}, (), None, None)
