"""One step at one moment: what can be done about it, given how far it has come.

Pure, as the flow is, whose inside this is.
"""

from typing import Final, NamedTuple, Self

from engine.playbooks.playbook import Step
from engine.playbooks.units import format_duration
from engine.rules.condition import Answer
from engine.rules.explain import decide
from engine.runs.fact import Settled
from engine.runs.move import Document, Note, Perform, Wait
from engine.runs.progress import UNBEGUN, Progress
from engine.runs.run import Asking, Outcome, Question

StepMove = Perform | Note | Wait

_ANOTHER_BRANCH: Final = "another branch failed before the next attempt"


class Moment(NamedTuple):
    """A time, and how much of the playbook's own time is left then.

    `deadline` is None where the playbook's timeout does not hold; `ended` says why nothing more
    begins, and is None while the run goes on. Times are Unix seconds, `timeout` is in seconds.
    """

    now: float
    deadline: float | None
    timeout: float
    ended: str | None = None

    def move(
        self, step: Step, progress: Progress, document: Document, *, halted: bool
    ) -> StepMove | None:
        """What to do about a step that has no outcome yet; None: nothing, it does not begin."""
        if progress.started is not None:
            return self._in_flight(step, progress, progress.started, document)
        if halted or self.ended is not None:
            if not progress.attempt:
                return None
            said = self.ended or _ANOTHER_BRANCH
            return self.note(step, progress, Outcome.FAILED, said, document)
        if self.is_over:
            return self.too_late(step, progress, document)
        if progress.not_before is not None and self.now < progress.not_before:
            return self._wait(step, progress.not_before, "until the next attempt", document)
        refused = None if progress.attempt else self.gate(step, document)
        return refused or Perform(step, progress.due, self.deadline, document=document)

    def gate(self, step: Step, document: Document) -> Note | None:
        """What `when` has to say against a step that has not begun."""
        if step.when is None:
            return None
        verdict = decide(step.when, document)
        if verdict.answer is Answer.NO:
            skipped = Settled(step.path, 1, self.now, Outcome.SKIPPED, error=verdict.reason)
            return Note(step, skipped, document)
        if verdict.answer is Answer.CANNOT_TELL:
            said = f"its `when` cannot be told: {verdict.reason}"
            return self.note(step, UNBEGUN, Outcome.FAILED, said, document)
        return None

    def too_late(self, step: Step, progress: Progress, document: Document) -> Note:
        """The outcome of what does not begin any more: the playbook's time is over."""
        said = f"{self._time} were over before this step"
        return self.note(step, progress, Outcome.FAILED, said, document)

    def within(self, deadline: float, timeout: float) -> Self:
        """The same moment for a playbook within this one, which has its own time."""
        if self.deadline is not None and self.deadline <= deadline:
            return self
        return self._replace(deadline=deadline, timeout=timeout)

    def note(
        self, step: Step, progress: Progress, outcome: Outcome, error: str, document: Document
    ) -> Note:
        """An outcome that no further attempt could change."""
        fact = Settled(step.path, progress.due, self.now, outcome, error=error, retryable=False)
        return Note(step, fact, document)

    def _in_flight(  # noqa: PLR0911 - one answer a kind of waiting
        self, step: Step, progress: Progress, started: float, document: Document
    ) -> StepMove:
        if self.ended is not None:
            known = progress.wake is not None or progress.question is not None
            outcome = Outcome.FAILED if known else Outcome.UNKNOWN
            said = self.ended if known else f"{self.ended} while the step was under way"
            return self.note(step, progress, outcome, said, document)
        if progress.question is not None:
            return self._asking(step, progress, progress.question, document)
        if self.deadline is not None and min(self.now, progress.wake or self.now) >= self.deadline:
            if progress.wake is not None:
                said = f"{self._time} were over"
                return self.note(step, progress, Outcome.FAILED, said, document)
            said = f"{self._time} were over while the step was under way"
            said += ", and it is not performed again"
            return self.note(step, progress, Outcome.UNKNOWN, said, document)
        if progress.wake is None:
            return Perform(step, progress.attempt, self.deadline, again=True, document=document)
        if self.now < progress.wake:
            return self._wait(step, progress.wake, "for a timer", document)
        waited = {"waited": round(progress.wake - started, 3)}
        done = Settled(step.path, progress.attempt, self.now, Outcome.SUCCEEDED, waited)
        return Note(step, done, document)

    def _asking(
        self, step: Step, progress: Progress, question: Question, document: Document
    ) -> StepMove:
        if question.kind is Asking.ATTENTION:
            # As long as it takes: the playbook's own time does not go on meanwhile.
            return Wait(step, None, f"attention: {question.text}", document)
        if self.is_over:
            said = f"nobody had agreed when {self._time} were over"
            return self.note(step, progress, Outcome.FAILED, said, document)
        if question.until is None:
            return Wait(step, self.deadline, f"approval: {question.text}", document)
        if self.now < question.until:
            return self._wait(step, question.until, f"approval: {question.text}", document)
        if question.otherwise:
            answer = {"approved": True, "by": None}
            agreed = Settled(step.path, progress.attempt, self.now, Outcome.SUCCEEDED, answer)
            return Note(step, agreed, document)
        said = f"nobody agreed within {format_duration(question.until - question.at)}"
        return self.note(step, progress, Outcome.FAILED, said, document)

    @property
    def is_over(self) -> bool:
        """Whether the playbook's own time has been used up."""
        return self.deadline is not None and self.now >= self.deadline

    @property
    def _time(self) -> str:
        return f"the playbook's {format_duration(self.timeout)}"

    def _wait(self, step: Step, until: float, reason: str, document: Document) -> Wait:
        until = until if self.deadline is None else min(until, self.deadline)
        return Wait(step, until, reason, document)
