"""What can happen to a run, as values. A run's history is a list of these, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.runs.run import Outcome, StepRecord


@dataclass(frozen=True, slots=True)
class Began:
    """The run began; its `vars` were rendered, or could not be."""

    at: float
    variables: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt at a step is about to take effect."""

    path: str
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The step is done when the time has come."""

    path: str
    attempt: int
    until: float


@dataclass(frozen=True, slots=True)
class Settled:
    """An attempt at a step has its outcome."""

    path: str
    attempt: int
    at: float
    outcome: Outcome
    result: Any = None
    error: str | None = None
    retryable: bool = True
    variables: Mapping[str, Any] = field(default_factory=dict)
    stops: bool = False


Fact = Began | Started | Paused | Settled


def facts_of(records: Iterable[StepRecord]) -> Iterator[Fact]:
    """The facts that the ledger's records of a run stand for, in their order."""
    for record in records:
        if record.started is not None:
            yield Started(record.path, record.attempt, record.started)
        if record.wake is not None:
            yield Paused(record.path, record.attempt, record.wake)
        if record.outcome is not None and record.ended is not None:
            yield Settled(
                record.path,
                record.attempt,
                record.ended,
                record.outcome,
                record.result,
                record.error,
                record.retryable,
                record.variables or {},
                record.stops,
            )
