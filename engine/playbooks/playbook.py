"""A playbook: trigger and steps, as values. Made by the loader, never changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Self, TypeVar

from engine.playbooks.guard import Guard
from engine.rules.condition import Condition
from engine.rules.match import Trigger

T = TypeVar("T")

LONGEST_DELAY: Final = 366 * 86400.0  # seconds; a growing delay ends here


class Section(Enum):
    """The lists of steps a playbook has, in the order in which they can come."""

    STEPS = "steps"
    ON_FAILURE = "on_failure"
    ON_RESOLVED = "on_resolved"
    FINALLY = "finally"


_SECTIONS: Final = {section.value: section for section in Section}


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


class NoDefault(Enum):
    """Says that an input has to be given; null can be a default."""

    NONE = "none"


NO_DEFAULT: Final = NoDefault.NONE


@dataclass(frozen=True, slots=True)
class Input:
    """What a playbook takes from whoever calls it."""

    type: str  # as JSON Schema names it; "any" for whatever it is
    default: Any = NO_DEFAULT
    description: str = ""


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
    called: "Playbook | None" = None  # what a `playbook` step carries out: steps/3/steps/0

    @property
    def title(self) -> str:
        """What to call it in front of a person."""
        return self.name or self.id or (self.type if self.called is None else self.called.name)

    def item(self, index: int) -> Self:
        """The step as it is performed for one item of its `foreach`."""
        one = replace(self, id=None, when=None, foreach=None)
        return one.moved(self.path, f"{self.path}[{index}]")

    def moved(self, old: str, new: str) -> Self:
        """The step, and all inside it, at a path that begins with `new` in the place of `old`."""
        if not self.branches and self.called is None:
            return replace(self, path=new + self.path[len(old) :])
        return replace(
            self,
            path=new + self.path[len(old) :],
            branches=tuple(
                tuple(step.moved(old, new) for step in branch) for branch in self.branches
            ),
            called=None if self.called is None else self.called.moved(old, new),
        )


@dataclass(frozen=True, slots=True)
class PlaybookText:
    """A version of a playbook as it is kept."""

    text: str
    file: str
    calls: tuple[tuple[str, str], ...] = ()  # (text, file) of each that it calls
    commit: str | None = None  # of git, that has it


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
    on_resolved: tuple[Step, ...] = ()
    ends_with_its_incident: bool = False  # a run is cancelled when its incident is closed
    answer: Mapping[str, Any] | None = None  # to a call for labels, with templates in it
    inputs: Mapping[str, Input] = field(default_factory=dict)
    calls: tuple["Playbook", ...] = ()  # those it calls, and those they call, each once

    def section(self, section: Section) -> tuple[Step, ...]:
        """The steps of one list."""
        match section:
            case Section.STEPS:
                return self.steps
            case Section.ON_FAILURE:
                return self.on_failure
            case Section.ON_RESOLVED:
                return self.on_resolved
            case Section.FINALLY:
                return self.finally_

    @property
    def kept(self) -> PlaybookText:
        """All that is needed to read this version again."""
        return PlaybookText(self.text, self.file, tuple((one.text, one.file) for one in self.calls))

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What the inputs are where nobody calls it; None for those that have to be given."""
        return {
            name: None if one.default is NO_DEFAULT else one.default
            for name, one in self.inputs.items()
        }

    def moved(self, old: str, new: str) -> Self:
        """The playbook with its steps at paths that begin with `new` in the place of `old`."""
        return self.with_steps(lambda step: step.moved(old, new))

    def with_steps(self, change: Callable[[Step], Step]) -> Self:
        """The playbook with each step of its lists changed."""
        return replace(
            self,
            steps=tuple(map(change, self.steps)),
            on_failure=tuple(map(change, self.on_failure)),
            on_resolved=tuple(map(change, self.on_resolved)),
            finally_=tuple(map(change, self.finally_)),
        )

    def find(self, path: str) -> Step | None:
        """The step at a path: `steps/3[0]/1`, `steps/2[7]`, `steps/4/finally/0`; None for none."""
        step = self._find(path.split("/"))
        return step if step is not None and step.path == path else None

    def _find(self, parts: Sequence[str]) -> Step | None:
        section, *rest = parts
        steps = self.section(_SECTIONS[section]) if section in _SECTIONS else ()
        step: Step | None = None
        for place, part in enumerate(rest, start=1):
            if step is not None and step.called is not None and not part.isdecimal():
                return step.called._find(parts[place:])  # noqa: SLF001 - of its own class
            number, _, inner = part.removesuffix("]").partition("[")
            step = _at(steps, number)
            if step is None or not inner:
                steps = ()
            elif step.foreach is not None:
                step, steps = step.item(int(inner)) if inner.isdecimal() else None, ()
            else:
                steps = _at(step.branches, inner) or ()
        return step


def _at(items: tuple[T, ...], number: str) -> T | None:
    return items[int(number)] if number.isdecimal() and int(number) < len(items) else None
