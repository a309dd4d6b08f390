"""What can happen to a run, as values. A run's history is a list of these, and nothing else.

Those of which each step makes some are named tuples: a frozen dataclass takes five times as long.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from engine.runs.run import Handed, Outcome, Question, StepRecord

NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Began:
    """The run began; its `vars` were rendered, or could not be."""

    at: float
    variables: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


class Started(NamedTuple):
    """An attempt at a step is about to take effect."""

    path: str
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class Called:
    """A step begins to carry out another playbook."""

    path: str
    attempt: int
    at: float
    handed: Handed


@dataclass(frozen=True, slots=True)
class Paused:
    """The step is done when the time has come."""

    path: str
    attempt: int
    until: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The started step waits for a person: for an approval, or to be told what became of it."""

    path: str
    attempt: int
    question: Question


class Settled(NamedTuple):
    """An attempt at a step has its outcome."""

    path: str
    attempt: int
    at: float
    outcome: Outcome
    result: Any = None
    error: str | None = None
    retryable: bool = True
    variables: Mapping[str, Any] = NONE
    stops: bool = False
    again: bool = False  # a person said: another attempt, whatever `retry` says
    by: str | None = None  # the person who settled it


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The run is to end: what is in flight is cut, and `finally` is carried out.

    `resolved`: since its incident was closed; `on_resolved` comes before that.
    """

    at: float
    reason: str
    resolved: bool = False


_ENDINGS: Final = ("on_resolved/", "finally/")

Fact = Began | Started | Called | Paused | Asked | Settled | Cancelled


def cleans_up(path: str) -> bool:
    """Whether a step is one that a cancelled run carries out, or a playbook that it calls."""
    return path.startswith(_ENDINGS) or "/finally/" in path


def facts_of(records: Iterable[StepRecord], cancelled: Cancelled | None = None) -> Iterator[Fact]:
    """The facts that the ledger's records of a run stand for, step by step.

    Steps that went on side by side come one after another: nothing that the flow decides depends
    on how they were mixed. That the run was cancelled comes before what it did because of it.
    """
    for record in records:
        if cancelled is not None and record.path.startswith(_ENDINGS):
            yield cancelled
            cancelled = None
        if record.started is not None and record.handed is not None:
            yield Called(record.path, record.attempt, record.started, record.handed)
        elif record.started is not None:
            yield Started(record.path, record.attempt, record.started)
        if record.wake is not None:
            yield Paused(record.path, record.attempt, record.wake)
        if record.question is not None:
            yield Asked(record.path, record.attempt, record.question)
        if record.outcome is not None and record.ended is not None:
            yield Settled(
                record.path,
                record.attempt,
                record.ended,
                record.outcome,
                record.result,
                record.error,
                record.retryable,
                record.variables or NONE,
                record.stops,
                record.again,
                record.by,
            )
    if cancelled is not None:
        yield cancelled
