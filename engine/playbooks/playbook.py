"""A playbook: trigger and steps, as values. Made by the loader, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Self, TypeVar

from engine.playbooks.guard import Guard
from engine.rules.condition import Condition
from engine.rules.match import Trigger

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Until:
    """A step that is performed again and again until its own result is as it should be."""

    condition: Condition  # over the result that `output` keeps
    every: float  # seconds from the end of one attempt to the next
    longest: float  # seconds from the first attempt, after which it has failed


@dataclass(frozen=True, slots=True)
class Foreach:
    """A step that is performed once for each item of a list."""

    items: Condition
    max_parallel: int = 1


class OnInterrupt(Enum):
    """What becomes of a step that was under way when the engine died."""

    RETRY = "retry"  # it is performed again
    FAIL = "fail"  # it has failed
    ASK = "ask"  # a person says: retry, skip or fail


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
    until: Until | None = None
    foreach: Foreach | None = None
    on_interrupt: OnInterrupt | None = None  # None: by step type
    output: Condition | None = None  # what is kept of the result
    branches: tuple[tuple["Step", ...], ...] = ()  # of a `parallel`: steps/3[0]/1
    fail_fast: bool = True  # whether a failing branch keeps the others from beginning more

    @property
    def title(self) -> str:
        """What to call it in front of a person."""
        return self.name or self.id or self.type

    def item(self, index: int) -> Self:
        """The step as it is performed for one item of its `foreach`."""
        return replace(self, path=f"{self.path}[{index}]", id=None, when=None, foreach=None)


@dataclass(frozen=True, slots=True)
class Playbook:
    """What a YAML file says shall be done, and when."""

    name: str
    description: str
    trigger: Trigger
    guard: Guard
    variables: Mapping[str, Any]
    timeout: float  # seconds that `steps` may take together
    steps: tuple[Step, ...]
    on_failure: tuple[Step, ...]
    finally_: tuple[Step, ...]
    file: str
    text: str
    version: str  # of the text: a run keeps the one it began with
    ends_with_its_incident: bool = False  # a run is cancelled when its incident is closed
    answer: Mapping[str, Any] | None = None  # to a call for labels, with templates in it

    def section(self, section: Section) -> tuple[Step, ...]:
        """The steps of one list."""
        return {
            Section.STEPS: self.steps,
            Section.ON_FAILURE: self.on_failure,
            Section.FINALLY: self.finally_,
        }[section]

    def find(self, path: str) -> Step | None:
        """The step at a path, `steps/3[0]/1` or `steps/2[7]`; None where there is none."""
        section, *rest = path.split("/")
        steps = next((self.section(one) for one in Section if one.value == section), ())
        step: Step | None = None
        for part in rest:
            number, _, inner = part.removesuffix("]").partition("[")
            step = _at(steps, number)
            if step is None or not inner:
                steps = ()
            elif step.foreach is not None:
                step, steps = step.item(int(inner)) if inner.isdecimal() else None, ()
            else:
                steps = _at(step.branches, inner) or ()
        return step if step is not None and step.path == path else None


def _at(items: tuple[T, ...], number: str) -> T | None:
    return items[int(number)] if number.isdecimal() and int(number) < len(items) else None
