"""What a run tells whoever watches: the log, the demo's screen, the metrics.

Which of it are named tuples, and why: see `fact`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from engine.playbooks.playbook import Step
from engine.playbooks.step_type import Plan
from engine.problem import Problem
from engine.runs.fact import Asked, Settled
from engine.runs.run import Run


@dataclass(frozen=True, slots=True)
class Matched:
    """An event was judged by every playbook."""

    event_id: str
    started: tuple[str, ...]  # names of the playbooks that said yes
    undecided: tuple[str, ...]  # names of those that could not tell


@dataclass(frozen=True, slots=True)
class RunMoved:
    """A run has a new state."""

    run: Run


class StepStarted(NamedTuple):
    """A step is about to be performed; its plan is masked."""

    run: Run
    step: Step
    attempt: int
    plan: Plan
    at: float


class StepSettled(NamedTuple):
    """An attempt at a step has its outcome; result and error are masked."""

    run: Run
    step: Step
    fact: Settled


@dataclass(frozen=True, slots=True)
class StepAsked:
    """A step waits for a person; the question is masked."""

    run: Run
    step: Step
    fact: Asked


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong that is no run's own failure."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was told of as trouble is over."""

    where: str


@dataclass(frozen=True, slots=True)
class PausesChanged:
    """Other playbooks than before begin nothing more; at a start: some do not."""

    reasons: Mapping[str, str]  # by playbook; the name of all is empty


@dataclass(frozen=True, slots=True)
class StartsLimited:
    """Queued runs wait, because within a minute as many were started as may be."""

    most: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """It was looked for what had been missed between two times, Unix seconds."""

    since: float
    until: float
    events: int  # that were found and not known before
    after_start: bool  # the look that every start begins with, rather than one of the regular ones


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What a step had started still ran when the engine started again."""

    run_id: str
    path: str
    attempt: int
    pid: int
    command: str  # its first word
    ended: bool  # False: the engine may not end it, or cannot


@dataclass(frozen=True, slots=True)
class TakenUp:
    """So many of the runs that a start found unfinished have come to their turn again."""

    runs: int
    left: int  # that have not yet


@dataclass(frozen=True, slots=True)
class Pruned:
    """What the ledger forgot in one round: how many of each."""

    events: int
    runs: int
    steps: int
    playbooks: int  # texts of versions
    output: int = 0  # bytes of the files with the output of steps


@dataclass(frozen=True, slots=True)
class Reloaded:
    """From the next event on, other playbooks are in force than before; or the same ones again."""

    playbooks: tuple[str, ...]  # all names
    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    version: str  # of all of them together
    commit: str | None  # of git, that they come from
    asked: bool  # by a person, and not because a file had changed
    problems: tuple[Problem, ...]  # warnings


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """A change of the playbooks was not taken: what was in force before is so still."""

    problems: tuple[Problem, ...]
    asked: bool


Happening = (
    Matched
    | RunMoved
    | StepStarted
    | StepSettled
    | StepAsked
    | Trouble
    | Recovered
    | PausesChanged
    | StartsLimited
    | Reconciled
    | LeftOver
    | TakenUp
    | Pruned
    | Reloaded
    | ReloadRefused
)
Tell = Callable[[Happening], None]


def tell_nobody(_: Happening) -> None:
    """A Tell for where nobody watches."""
