"""The flow: given a playbook and what has happened so far, what a run does next.

A pure state machine. It knows no clock, no I/O and no randomness; times and results come in as
values, so the same history always gives the same next moves. The worker drives it against the
ledger, a rehearsal drives it with plans and mocks, and after a crash the recorded facts drive it
back to where it was.

The order of things is that of `course`. A cancelled run begins nothing more but `on_resolved`, if
that is why, and `finally`. A step whose outcome is unknown is a failure, and one that is never
tried again by itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

from engine.playbooks.playbook import Playbook, Section, Step
from engine.runs.course import Course
from engine.runs.fact import Began, Cancelled, Fact, Settled
from engine.runs.moment import Moment
from engine.runs.move import Document, End, Move
from engine.runs.progress import UNBEGUN, Progress, StepFact
from engine.runs.run import Asking, Outcome, RunState
from engine.runs.scope import Scope
from engine.runs.stand import Failure, Open
from engine.runs.walk import Walk, held_within

NEVER: Final = Began(0.0)
_NOTHING: Final[frozenset[str]] = frozenset()
_DONE: Final = (Outcome.SUCCEEDED, Outcome.SKIPPED)
_INSIDE: Final = re.compile(rf"\[|/(?={'|'.join(section.value for section in Section)})")


class Passed(NamedTuple):
    """How many of the first steps are over for good, and what the one behind them sees.

    It follows from the facts: nothing that comes changes what these steps left.
    """

    steps: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a run stands in its playbook. Changed only by `take`, which answers a new one."""

    playbook: Playbook
    document: Mapping[str, Any]  # of the event
    run_id: str
    began: Began = NEVER
    progress: Mapping[str, Progress] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()  # the steps of whose inside something began
    cancelled: Cancelled | None = None
    # Seconds that a person's attention took, by the step's path: they are not the playbook's.
    held: Mapping[str, float] = field(default_factory=dict)
    passed: Passed | None = field(default=None, repr=False, compare=False)  # None: no step yet

    def next(self, now: float) -> tuple[Move, ...]:
        """What to do now, side by side; an `End` is alone. `now` is Unix seconds."""
        passed = self._passed
        move = self._plainly_next(now, passed)
        if move is not None:
            return (move,)
        course = Course(
            self.playbook,
            lambda section, failure: self._walk(now, section, failure),
            resolved=self.cancelled is not None and self.cancelled.resolved,
            passed=passed.steps,
        )
        unrendered = None if self.began.error is None else Failure("vars", self.began.error)
        over = course.stand(passed.scope, unrendered)
        if isinstance(over, Open):
            return over.moves
        failed = over.failure or over.broken
        state, reason = RunState.SUCCEEDED, over.said
        if failed is not None:
            state, reason = RunState.FAILED, f"{failed.where}: {failed.error}"
        if self.cancelled is not None:
            state, reason = RunState.CANCELLED, self.cancelled.reason
        return (End(state, reason, self._sees(over.scope, 1, over.failure)),)

    def take(self, fact: Fact) -> Self:
        """The flow after one more fact. Raises ValueError for a fact that cannot come now."""
        match fact:
            case Began():
                if self.progress or self.began.error is not None:
                    raise ValueError("the run began before")
                return type(self)(
                    self.playbook,
                    self.document,
                    self.run_id,
                    began=fact,
                    cancelled=self.cancelled,
                )
            case Cancelled():
                return self if self.cancelled is not None else replace(self, cancelled=fact)
            case _:
                return self._advance(self._expect(fact), [fact])

    def follow(self, step: Step, *facts: StepFact) -> Self:
        """The same for one of the steps that `next` named: where the run stands is known then."""
        return self._advance(step, facts)

    def replay(self, facts: Iterable[Fact]) -> Self:
        """The flow after a history. Raises ValueError for one that is not this playbook's."""
        flow = self
        some: list[StepFact] = []  # of one step, one after another: they are at the same place
        for fact in facts:
            if isinstance(fact, Began | Cancelled):
                flow, some = flow._with(some).take(fact), []
            elif some and fact.path != some[0].path:
                flow, some = flow._with(some), [fact]
            else:
                some.append(fact)
        return flow._with(some)

    def _with(self, some: Sequence[StepFact]) -> Self:
        return self._advance(self._expect(some[0]), some) if some else self

    def sees(self) -> Document:
        """The document at the first place where something is to be done."""
        return self.next(self.began.at)[0].document

    @property
    def _passed(self) -> Passed:
        if self.passed is not None:
            return self.passed
        return Passed(0, Scope(self.began.variables, extra={"inputs": self.playbook.defaults}))

    def _plainly_next(self, now: float, passed: Passed) -> Move | None:
        """What a walk would come to at the first step that is not passed, if that is a plain one.

        So it is of nearly all; None where the whole playbook has to be looked at.
        """
        if self.began.error is not None or passed.steps == len(self.playbook.steps):
            return None
        step = self.playbook.steps[passed.steps]
        progress = self.progress.get(step.path, UNBEGUN)
        if progress.settled or step.branches or step.foreach or step.called:
            return None
        document = self._sees(passed.scope, progress.due, None)
        moment = self._moment(now, Section.STEPS)
        return moment.move(step, progress, document, halted=False)

    def _after(self, step: Step, settled: Settled | None) -> Passed | None:
        """What is passed once a step has come so far."""
        passed = self._passed
        if settled is None or settled.stops or settled.outcome not in _DONE:
            return self.passed
        if step.branches or step.foreach or passed.steps == len(self.playbook.steps):
            return self.passed
        if step.path != self.playbook.steps[passed.steps].path:
            return self.passed
        return Passed(passed.steps + 1, passed.scope.after(step, settled, settled.result))

    def _advance(self, step: Step, facts: Sequence[StepFact]) -> Self:
        progress, held = self.progress.get(step.path, UNBEGUN), self.held
        for fact in facts:
            question = progress.question
            if isinstance(fact, Settled) and question and question.kind is Asking.ATTENTION:
                more = max(0.0, fact.at - question.at)
                held = {**held, step.path: held.get(step.path, 0.0) + more}
            progress = progress.take(fact, step)
        inside = around(step.path)
        # Named one by one: `replace` takes several times as long, and this is done for every fact.
        return type(self)(
            self.playbook,
            self.document,
            self.run_id,
            began=self.began,
            progress={**self.progress, step.path: progress},
            begun=self.begun | inside if inside else self.begun,
            cancelled=self.cancelled,
            held=held,
            passed=self._after(step, progress.settled),
        )

    def _expect(self, fact: StepFact) -> Step:
        """The step of a fact. Those side by side may come in any order, others in their own."""
        step = self.playbook.find(fact.path)
        if step is None:
            raise ValueError(f"there is no step {fact.path}")
        # Once a step has begun, the run stands at it until it is settled.
        if not around(fact.path) and fact.path not in self.progress and not self._is_next(step):
            at = fact.at if isinstance(fact, Settled) else self.began.at
            stands = [move.step.path for move in self.next(at) if not isinstance(move, End)]
            # What ended several steps before their time may come later in a ledger's records.
            inside = (f"{fact.path}[", f"{fact.path}/")
            if not any(path == fact.path or path.startswith(inside) for path in stands):
                shown = ", ".join(stands) or "its end"
                raise ValueError(f"the run stands at {shown}, not at {fact.path}")
        return step

    def _is_next(self, step: Step) -> bool:
        """Whether the run stands at it for sure: it was at the step before, which is done.

        So it is of nearly all; of the others a walk through the whole playbook tells.
        """
        section, _, number = step.path.partition("/")
        if section != Section.STEPS.value or self.cancelled is not None:
            return False
        if number == "0":
            return self.began.error is None
        before = self.playbook.steps[int(number) - 1]
        if before.branches or before.foreach is not None:
            return False
        settled = self.progress.get(before.path, UNBEGUN).settled
        return settled is not None and settled.outcome in _DONE and not settled.stops

    def _moment(self, now: float, section: Section) -> Moment:
        deadline = None  # what cleans up after `steps` has its own time
        if section is Section.STEPS:
            held = held_within(self.held, section.value)
            deadline = self.began.at + held + self.playbook.timeout
        # A cancelled run begins nothing more but what cleans up after that.
        ends = self.cancelled is not None and section in (Section.STEPS, Section.ON_FAILURE)
        ended = self.cancelled.reason if ends and self.cancelled is not None else None
        return Moment(now, deadline, self.playbook.timeout, ended)

    def _walk(self, now: float, section: Section, failure: Failure | None) -> Walk:
        return Walk(
            self._moment(now, section),
            self.progress,
            self.begun,
            self.held,
            self._sees,
            failure,
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
    """The paths of the steps around one: `steps/3`, `steps/3[0]/1` of `steps/3[0]/1/finally/2`."""
    if path.count("/") == 1 and "[" not in path:  # nearly all of them
        return _NOTHING
    return frozenset(path[: inside.start()] for inside in _INSIDE.finditer(path))
