"""A playbook: trigger and steps, as values. Made by the loader, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from engine.rules.condition import Condition
from engine.rules.match import Trigger

LONGEST_DELAY: Final = 366 * 86400.0  # seconds; a growing delay ends here


class Section(Enum):
    """The three lists of steps a playbook has."""

    STEPS = "steps"
    ON_FAILURE = "on_failure"
    FINALLY = "finally"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing step is tried, and how long to wait in between (seconds)."""

    attempts: int = 1
    delay: float = 1.0
    backoff: float = 1.0
    max_delay: float | None = None

    def delay_after(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt`, counted from 1."""
        longest = LONGEST_DELAY if self.max_delay is None else self.max_delay
        try:
            return min(self.delay * self.backoff ** (attempt - 1), longest)
        except OverflowError:
            return longest if self.delay else 0.0


class NoExample(Enum):
    """Says that a step names no example; null can be one."""

    NONE = "none"


NO_EXAMPLE: Final = NoExample.NONE


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a step type's key, its parameters with templates in them, common keys."""

    path: str  # steps/2, on_failure/0
    type: str
    parameters: Mapping[str, Any]
    id: str | None = None
    name: str | None = None
    when: Condition | None = None
    retry: Retry = Retry()
    timeout: float | None = None  # seconds for one attempt
    continue_on_error: bool = False
    example: Any = NO_EXAMPLE

    @property
    def title(self) -> str:
        """What to call it in front of a person."""
        return self.name or self.id or self.type


@dataclass(frozen=True, slots=True)
class Playbook:
    """What a YAML file says shall be done, and when."""

    name: str
    description: str
    trigger: Trigger
    variables: Mapping[str, Any]
    timeout: float  # seconds that `steps` may take together
    steps: tuple[Step, ...]
    on_failure: tuple[Step, ...]
    finally_: tuple[Step, ...]
    file: str
    text: str
    version: str  # of the text: a run keeps the one it began with
    answer: Mapping[str, Any] | None = None  # to a call for labels, with templates in it

    def section(self, section: Section) -> tuple[Step, ...]:
        """The steps of one list."""
        return {
            Section.STEPS: self.steps,
            Section.ON_FAILURE: self.on_failure,
            Section.FINALLY: self.finally_,
        }[section]
