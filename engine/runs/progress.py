"""How far one step has come: its attempts, and the outcome that stands once there is one."""

from typing import Final, NamedTuple, Self

from engine.playbooks.playbook import Step
from engine.runs.fact import Asked, Called, Paused, Settled, Started
from engine.runs.run import Handed, Outcome, Question

StepFact = Started | Called | Paused | Asked | Settled


class Progress(NamedTuple):  # made for every fact: see `fact`
    """Changed only by `take`, which answers a new one. Times are Unix seconds."""

    attempt: int = 0  # the last one
    began: float | None = None  # when the first attempt started
    started: float | None = None  # when the last one started, while its outcome is open
    wake: float | None = None  # when the started step is done by itself
    handed: Handed | None = None  # to the playbook that the started step carries out
    question: Question | None = None  # what the started step waits for a person to say
    not_before: float | None = None  # when the next attempt may start
    settled: Settled | None = None  # the outcome that stands

    @property
    def due(self) -> int:
        """The attempt that is in flight or comes next."""
        return self.attempt + (0 if self.started is not None else 1)

    def take(self, fact: StepFact, step: Step) -> Self:
        """The progress after one more fact. Raises ValueError for one that cannot come now."""
        if self.settled is not None:
            raise ValueError(f"{fact.path} has its outcome")
        if fact.attempt != self.due:
            raise ValueError(f"{fact.path} is at attempt {self.due}, not at {fact.attempt}")
        match fact:
            case Started(at=at):
                began = at if self.began is None else self.began
                return type(self)(fact.attempt, began, at, self.wake, self.handed, self.question)
            case Called(at=at, handed=handed):
                return type(self)(1, began=at, started=at, handed=handed)
            case Paused() | Asked() if self.started is None:
                raise ValueError(f"{fact.path} cannot wait: it was not started")
            case Paused(until=until):
                return type(self)(
                    *(self.attempt, self.began, self.started, until, self.handed, self.question)
                )
            case Asked(question=question):
                return type(self)(
                    *(self.attempt, self.began, self.started, self.wake, self.handed, question)
                )
            case Settled():
                again = self._again_at(fact, step)
                over = fact if again is None else None
                return type(self)(
                    fact.attempt, self.began, handed=self.handed, not_before=again, settled=over
                )

    def _again_at(self, fact: Settled, step: Step) -> float | None:
        """When another attempt is due; None: the outcome stands."""
        if fact.again:
            return fact.at
        if fact.outcome is not Outcome.FAILED or not fact.retryable:
            return None
        if step.until is not None:
            began = fact.at if self.began is None else self.began
            next_ = fact.at + step.until.every
            return next_ if next_ <= began + step.until.longest else None
        if fact.attempt < step.retry.attempts:
            return fact.at + step.retry.delay_after(fact.attempt)
        return None


UNBEGUN: Final = Progress()
