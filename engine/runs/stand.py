"""Where a run stands at one place of its playbook: what a walk answers."""

from dataclasses import dataclass

from engine.runs.moment import StepMove
from engine.runs.scope import Scope


@dataclass(frozen=True, slots=True)
class Failure:
    """What `on_failure` is told."""

    where: str
    error: str


@dataclass(frozen=True, slots=True)
class Done:
    """All of it is settled, and the steps behind it come next."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Left:
    """It goes no further: nothing more begins here, and nothing is in flight."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Broken:
    """A step failed, and nothing allowed for it."""

    scope: Scope
    where: str
    error: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A `stop` ends the section."""

    scope: Scope
    succeeded: bool
    where: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """Something is to be done, or waited for."""

    moves: tuple[StepMove, ...]


Stand = Done | Left | Broken | Stopped | Open


@dataclass(frozen=True, slots=True)
class Over:
    """A whole playbook has been carried out. `left`: not to its end."""

    scope: Scope
    failure: Failure | None = None
    broken: Failure | None = None  # what cleans up failed
    said: str | None = None  # by a `stop` that ended it well
    left: bool = False
