"""The flow: given a playbook and what has happened so far, what a run does next.

A pure state machine. It knows no clock, no I/O and no randomness; times and results come in as
values, so the same history always gives the same next move. The worker drives it against the
ledger, a rehearsal drives it with plans and mocks, and after a crash the recorded facts drive it
back to where it was.

The order of things: `steps` until one fails or stops; after a failure `on_failure`; always
`finally`. Whatever fails in `on_failure` and `finally`, the rest of them is still carried out.
A step whose outcome is unknown is a failure, and one that is never tried again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from engine.playbooks.playbook import Playbook, Section, Step
from engine.playbooks.units import format_duration
from engine.rules.condition import Answer
from engine.rules.explain import decide
from engine.runs.fact import Began, Fact, Paused, Settled, Started
from engine.runs.run import Outcome, RunState


@dataclass(frozen=True, slots=True)
class Perform:
    """Perform an attempt at a step. `again`: it was started before, and its outcome is unknown."""

    step: Step
    attempt: int
    deadline: float | None  # when the playbook's time is over
    again: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Nothing to perform: the flow itself knows the outcome; record it."""

    step: Step
    fact: Settled


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    step: Step
    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""

    state: RunState
    reason: str | None


Move = Perform | Note | Wait | End

_NOT_DONE: Final = (Outcome.FAILED, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a run stands in its playbook. Changed only by `take`, which answers a new one."""

    playbook: Playbook
    document: Mapping[str, Any]  # of the event
    run_id: str
    began: float = 0.0
    variables: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    section: Section | None = Section.STEPS  # None: nothing is left to do
    index: int = 0
    attempt: int = 0  # the last attempt at the current step
    started: float | None = None  # when that attempt started, while its outcome is open
    wake: float | None = None  # when the started step is done by itself
    not_before: float | None = None  # when the next attempt may start
    state: RunState = RunState.SUCCEEDED  # how the run will end, as far as is known
    reason: str | None = None
    failed_step: str | None = None
    error: str | None = None

    def next(self, now: float) -> Move:  # noqa: PLR0911 - one answer a kind of move
        """What to do now. `now` is Unix seconds."""
        step = self.step
        if step is None:
            return End(self.state, self.reason)
        if self.started is not None:
            return self._next_of_started(step, self.started, now)
        if self._deadline is not None and now >= self._deadline:
            allowed = format_duration(self.playbook.timeout)
            return self._note(
                step,
                now,
                Outcome.FAILED,
                f"the playbook's {allowed} were over before this step",
                final=True,
            )
        if self.not_before is not None and now < self.not_before:
            return self._wait(step, self.not_before, "until the next attempt")
        if step.when is not None and self.attempt == 0:
            verdict = decide(step.when, self.sees())
            if verdict.answer is Answer.NO:
                return self._note(step, now, Outcome.SKIPPED, verdict.reason)
            if verdict.answer is Answer.CANNOT_TELL:
                said = f"its `when` cannot be told: {verdict.reason}"
                return self._note(step, now, Outcome.FAILED, said, final=True)
        return Perform(step, self.attempt + 1, self._deadline)

    def take(self, fact: Fact) -> Self:
        """The flow after one more fact. Raises ValueError for a fact that cannot come now."""
        match fact:
            case Began():
                if self.section is not Section.STEPS or self.index or self.attempt:
                    raise ValueError("the run began before")
                begun = replace(self, began=fact.at, variables=dict(fact.variables))
                return begun if fact.error is None else begun._fail("vars", fact.error)
            case Started():
                self._expect(fact.path, fact.attempt)
                return replace(self, attempt=fact.attempt, started=fact.at, not_before=None)
            case Paused():
                self._expect(fact.path, fact.attempt)
                if self.started is None:
                    raise ValueError(f"{fact.path} cannot pause: it was not started")
                return replace(self, wake=fact.until)
            case Settled():
                return self._settle(self._expect(fact.path, fact.attempt), fact)

    def replay(self, facts: Iterable[Fact]) -> Self:
        """The flow after a history."""
        flow = self
        for fact in facts:
            flow = flow.take(fact)
        return flow

    @property
    def step(self) -> Step | None:
        """The step that is next or in flight."""
        if self.section is None:
            return None
        return self.playbook.section(self.section)[self.index]

    def sees(self) -> dict[str, Any]:
        """The document that the current step's condition and templates see."""
        return {
            **self.document,
            "vars": self.variables,
            "steps": self.results,
            "run": {
                "id": self.run_id,
                "playbook": self.playbook.name,
                "url": None,
                "attempt": self._due,
                "started": int(self.began),
                "failed_step": self.failed_step,
                "error": self.error,
            },
        }

    @property
    def _due(self) -> int:
        """The attempt that is in flight or comes next."""
        return self.attempt + (0 if self.started is not None else 1)

    @property
    def _deadline(self) -> float | None:
        """The playbook's timeout bounds `steps`; what cleans up after them gets its own time."""
        return self.began + self.playbook.timeout if self.section is Section.STEPS else None

    def _next_of_started(self, step: Step, started: float, now: float) -> Move:
        over = self._deadline is not None and min(now, self.wake or now) >= self._deadline
        if over:
            said = f"the playbook's {format_duration(self.playbook.timeout)} were over"
            if self.wake is not None:
                return self._note(step, now, Outcome.FAILED, said, final=True)
            said += " while the step was under way, and it is not performed again"
            return self._note(step, now, Outcome.UNKNOWN, said, final=True)
        if self.wake is None:
            return Perform(step, self.attempt, self._deadline, again=True)
        if now < self.wake:
            return self._wait(step, self.wake, "for a timer")
        waited = {"waited": round(self.wake - started, 3)}
        return Note(step, Settled(step.path, self.attempt, now, Outcome.SUCCEEDED, waited))

    def _wait(self, step: Step, until: float, reason: str) -> Wait:
        if self._deadline is not None:
            until = min(until, self._deadline)
        return Wait(step, until, reason)

    def _note(
        self, step: Step, now: float, outcome: Outcome, error: str | None, *, final: bool = False
    ) -> Note:
        fact = Settled(step.path, self._due, now, outcome, error=error, retryable=not final)
        return Note(step, fact)

    def _expect(self, path: str, attempt: int) -> Step:
        step = self.step
        if step is None or step.path != path or attempt != self._due:
            stands = f"{step.path}, attempt {self._due}" if step else "its end"
            raise ValueError(f"the run stands at {stands}, not at {path}, attempt {attempt}")
        return step

    def _settle(self, step: Step, fact: Settled) -> Self:
        again = (
            fact.outcome is Outcome.FAILED and fact.retryable and fact.attempt < step.retry.attempts
        )
        if again:
            return replace(
                self,
                attempt=fact.attempt,
                started=None,
                wake=None,
                not_before=fact.at + step.retry.delay_after(fact.attempt),
            )
        flow = replace(
            self,
            attempt=fact.attempt,
            started=None,
            wake=None,
            not_before=None,
            variables={**self.variables, **fact.variables},
            results=self._with_result(step, fact),
        )
        if fact.stops:
            return flow._stop(step, fact)
        # An error that may be passed over is the step's own; that the time is over is the run's.
        over = self._deadline is not None and fact.at >= self._deadline
        if fact.outcome in _NOT_DONE and (over or not step.continue_on_error):
            return flow._fail(_called(step), _why(fact))
        return flow._advance()

    def _with_result(self, step: Step, fact: Settled) -> Mapping[str, Any]:
        if step.id is None:
            return self.results
        result = {} if fact.result is None else fact.result
        if isinstance(result, Mapping):
            result = {**result, "outcome": fact.outcome.value, "error": fact.error}
        return {**self.results, step.id: result}

    def _stop(self, step: Step, fact: Settled) -> Self:
        """A `stop` step ends its section; in `steps` it decides how the run ends."""
        if self.section is not Section.STEPS:
            return self._enter(self._after(self.section))
        if fact.outcome is Outcome.SUCCEEDED:
            return replace(self, reason=fact.error)._enter(Section.FINALLY)
        return self._fail(_called(step), fact.error or "stopped")

    def _fail(self, where: str, error: str) -> Self:
        if self.section is Section.STEPS:
            failed = replace(
                self,
                state=RunState.FAILED,
                reason=f"{where}: {error}",
                failed_step=where,
                error=error,
            )
            return failed._enter(Section.ON_FAILURE)
        if self.section is Section.FINALLY and self.state is RunState.SUCCEEDED:
            failed = replace(self, state=RunState.FAILED, reason=f"{where}: {error}")
            return failed._advance()
        return self._advance()

    def _advance(self) -> Self:
        section = self.section
        if section is not None and self.index + 1 < len(self.playbook.section(section)):
            return replace(self, index=self.index + 1, attempt=0)
        if section is Section.STEPS:
            return self._enter(Section.FINALLY)
        return self._enter(self._after(section))

    def _enter(self, section: Section | None) -> Self:
        if section is not None and not self.playbook.section(section):
            return self._enter(self._after(section))
        return replace(self, section=section, index=0, attempt=0)

    @staticmethod
    def _after(section: Section | None) -> Section | None:
        return Section.FINALLY if section in (Section.STEPS, Section.ON_FAILURE) else None


def _why(fact: Settled) -> str:
    """What `run.error` says: that something may have happened is the first thing to know."""
    if fact.outcome is Outcome.UNKNOWN:
        return f"its outcome is unknown: {fact.error or 'nobody knows whether it took effect'}"
    return fact.error or "it failed"


def _called(step: Step) -> str:
    """What `run.failed_step` calls it: the shortest name it has."""
    return step.id or step.name or step.path
