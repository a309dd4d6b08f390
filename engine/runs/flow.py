"""The flow: given a playbook and what has happened so far, what a run does next.

A pure state machine. It knows no clock, no I/O and no randomness; times and results come in as
values, so the same history always gives the same next moves. The worker drives it against the
ledger, a rehearsal drives it with plans and mocks, and after a crash the recorded facts drive it
back to where it was.

The order of things: `steps` until one fails or stops; after a failure `on_failure`; always
`finally`. Whatever fails in `on_failure` and `finally`, the rest of them is still carried out. A
cancelled run begins nothing more but `finally`. A step whose outcome is unknown is a failure, and
one that is never tried again by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from engine.playbooks.playbook import Playbook, Section, Step
from engine.runs.fact import Began, Cancelled, Fact, Settled
from engine.runs.moment import Moment, StepMove
from engine.runs.move import Document, End, Move
from engine.runs.progress import UNBEGUN, Progress, StepFact
from engine.runs.run import Asking, RunState
from engine.runs.scope import Scope
from engine.runs.walk import Broken, Done, Left, Open, Stopped, Walk

NEVER: Final = Began(0.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """What `on_failure` is told."""

    where: str
    error: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a run stands in its playbook. Changed only by `take`, which answers a new one."""

    playbook: Playbook
    document: Mapping[str, Any]  # of the event
    run_id: str
    began: Began = NEVER
    progress: Mapping[str, Progress] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()  # the `parallel` and `foreach` of which something began
    cancelled: Cancelled | None = None
    held: float = 0.0  # seconds that a person's attention took: they are not the playbook's

    def next(self, now: float) -> tuple[Move, ...]:
        """What to do now, side by side; an `End` is alone. `now` is Unix seconds."""
        moves, scope, failure, said = self._in_steps(now)
        if moves:
            return moves
        state, reason = RunState.SUCCEEDED, said
        if failure is not None:
            state, reason = RunState.FAILED, f"{failure.where}: {failure.error}"
            moves, scope, _ = self._clean_up(now, Section.ON_FAILURE, scope, failure)
            if moves:
                return moves
        moves, scope, broken = self._clean_up(now, Section.FINALLY, scope, failure)
        if moves:
            return moves
        if broken is not None and state is RunState.SUCCEEDED:
            state, reason = RunState.FAILED, f"{broken.where}: {broken.error}"
        if self.cancelled is not None:
            state, reason = RunState.CANCELLED, self.cancelled.reason
        return (End(state, reason, self._sees(scope, 1, failure)),)

    def take(self, fact: Fact) -> Self:
        """The flow after one more fact. Raises ValueError for a fact that cannot come now."""
        match fact:
            case Began():
                if self.progress or self.began.error is not None:
                    raise ValueError("the run began before")
                return replace(self, began=fact)
            case Cancelled():
                return self if self.cancelled is not None else replace(self, cancelled=fact)
            case _:
                return self._advance(fact)

    def replay(self, facts: Iterable[Fact]) -> Self:
        """The flow after a history."""
        flow = self
        for fact in facts:
            flow = flow.take(fact)
        return flow

    def sees(self) -> Document:
        """The document at the first place where something is to be done."""
        return self.next(self.began.at)[0].document

    def _advance(self, fact: StepFact) -> Self:
        step = self._expect(fact)
        before = self.progress.get(fact.path, UNBEGUN)
        held = self.held
        question = before.question
        if isinstance(fact, Settled) and question and question.kind is Asking.ATTENTION:
            held += max(0.0, fact.at - question.at)
        return replace(
            self,
            progress={**self.progress, fact.path: before.take(fact, step)},
            begun=self.begun | around(fact.path),
            held=held,
        )

    def _expect(self, fact: StepFact) -> Step:
        """The step of a fact. Those side by side may come in any order, others in their own."""
        step = self.playbook.find(fact.path)
        if step is None:
            raise ValueError(f"there is no step {fact.path}")
        if not around(fact.path):
            at = fact.at if isinstance(fact, Settled) else self.began.at
            stands = [move.step.path for move in self.next(at) if not isinstance(move, End)]
            # What ended a `foreach` before its time may come later in a ledger's records.
            if not any(path == fact.path or path.startswith(f"{fact.path}[") for path in stands):
                shown = ", ".join(stands) or "its end"
                raise ValueError(f"the run stands at {shown}, not at {fact.path}")
        return step

    def _in_steps(
        self, now: float
    ) -> tuple[tuple[StepMove, ...], Scope, Failure | None, str | None]:
        """What is to be done in `steps`; else what is seen behind them, and how they ended."""
        scope = Scope(self.began.variables)
        if self.began.error is not None:
            return (), scope, Failure("vars", self.began.error), None
        walk = self._walk(now, None, Section.STEPS)
        match walk.sequence(self.playbook.steps, scope):
            case Open(moves):
                return moves, scope, None, None
            case Broken(scope, where, error):
                return (), scope, Failure(where, error), None
            case Stopped(scope, succeeded, where, said):
                return (), scope, None if succeeded else Failure(where, said or "stopped"), said
            case Done(scope) | Left(scope):
                return (), scope, None, None

    def _clean_up(
        self, now: float, section: Section, scope: Scope, failure: Failure | None
    ) -> tuple[tuple[StepMove, ...], Scope, Broken | None]:
        """What is to be done in a section in which nothing keeps the rest from being tried."""
        walk = self._walk(now, failure, section)
        first: Broken | None = None
        for step in self.playbook.section(section):
            stand = walk.step(step, scope)
            if isinstance(stand, Open):
                return stand.moves, scope, first
            scope = stand.scope
            if isinstance(stand, Stopped):
                break
            if isinstance(stand, Broken):
                first = first or stand
        return (), scope, first

    def _walk(self, now: float, failure: Failure | None, section: Section) -> Walk:
        deadline = None  # what cleans up after `steps` has its own time
        if section is Section.STEPS:
            deadline = self.began.at + self.held + self.playbook.timeout
        # A cancelled run begins nothing more but `finally`.
        ends = self.cancelled is not None and section is not Section.FINALLY
        ended = self.cancelled.reason if ends and self.cancelled is not None else None
        return Walk(
            Moment(now, deadline, self.playbook.timeout, ended),
            self.progress,
            self.begun,
            lambda scope, attempt: self._sees(scope, attempt, failure),
        )

    def _sees(self, scope: Scope, attempt: int, failure: Failure | None) -> Document:
        return {
            **self.document,
            "vars": scope.variables,
            "steps": scope.results,
            "run": {
                "id": self.run_id,
                "playbook": self.playbook.name,
                "url": None,
                "attempt": attempt,
                "started": int(self.began.at),
                "failed_step": None if failure is None else failure.where,
                "error": None if failure is None else failure.error,
            },
            **scope.extra,
        }


def around(path: str) -> frozenset[str]:
    """The paths of the steps around one: `steps/3` and `steps/3[0]/1` of `steps/3[0]/1[2]`."""
    return frozenset(path[:place] for place, char in enumerate(path) if char == "[")
