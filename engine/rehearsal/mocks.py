"""Mocks: what comes back from outside in a rehearsal, step by step and attempt by attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.playbooks.step_type import Failed, Report, StepType, Succeeded, Uncertain
from engine.playbooks.units import format_duration
from engine.rehearsal.naming import StepNames
from engine.rules.undecided import CannotTellError


@dataclass(frozen=True, slots=True)
class Returns:
    """A result comes back. The step type judges it, as in a run."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fails:
    """The step fails, whatever it is."""

    error: str
    result: Any = None
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class TimesOut:
    """Nothing comes back before the step's time is over; of a person: no answer."""


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """It was sent, and nobody knows whether it took effect."""

    error: str
    result: Any = None


@dataclass(frozen=True, slots=True)
class Mock:
    """What comes back for one attempt, and after how many seconds."""

    what: Returns | Fails | TimesOut | IsUnknown
    takes: float = 0.0

    def report(
        self, step_type: StepType[Any], parameters: Any, limit: float | None
    ) -> tuple[Report, float]:
        """What performing it would have reported, and after how many seconds of its `limit`."""
        if limit is not None and (isinstance(self.what, TimesOut) or self.takes > limit):
            return _cut(step_type, parameters, limit), limit
        match self.what:
            case Returns(result):
                return _judged(step_type, parameters, dict(result)), self.takes
            case Fails(error, result, retryable):
                return Failed(error, result, retryable), self.takes
            case IsUnknown(error, result):
                return Uncertain(error, result), self.takes
            case TimesOut():
                return Failed("timed out"), self.takes


@dataclass(frozen=True, slots=True)
class Mocks:
    """What comes back for the steps of one playbook."""

    names: StepNames | None = None
    attempts: Mapping[str, tuple[Mock, ...]] = field(default_factory=dict)
    """By path, of one item of a `foreach` or of all; the last is for all further attempts, too."""

    def at(self, path: str, attempt: int) -> Mock | None:
        """What comes back for an attempt, counted from 1; None: nobody said."""
        given = self.attempts.get(path)
        if given is None and self.names is not None:
            given = self.attempts.get(self.names.declared(path))
        return None if given is None else given[min(attempt, len(given)) - 1]


NO_MOCKS: Final = Mocks()


def _judged(step_type: StepType[Any], parameters: Any, result: dict[str, Any]) -> Report:
    if step_type.outside is None:
        return Succeeded(result)
    try:
        return step_type.outside.judge(parameters, result)
    except CannotTellError:  # it depends on a value that is not known in a rehearsal
        return Succeeded(result)


def _cut(step_type: StepType[Any], parameters: Any, limit: float) -> Report:
    said = f"timed out after {format_duration(limit)}"
    if step_type.finds_out and not step_type.harmless_to_repeat(parameters):
        return Uncertain(f"{said}; nobody knows whether it took effect")
    return Failed(said)
