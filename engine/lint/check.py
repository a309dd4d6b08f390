"""What a check is: one mistake, how to find it, and the page that explains it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.lint.subject import Subject
from engine.problem import Level, Location


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake that was found."""

    message: str
    where: Location
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What of config.yaml matters to a check: names alone, no values and no secrets."""

    vars: frozenset[str]
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Around:
    """What there is beside the file that is checked."""

    settings: Settings | None = None  # None: there is no config.yaml, and nothing is known of it
    actions: Mapping[str, Sequence[Subject]] = field(default_factory=dict)  # by `trigger.action`
    always_asked: Sequence[Subject] = ()  # that nothing in their trigger rules any event out for


@dataclass(frozen=True, slots=True)
class Check:
    """One mistake. `page` is what `engine lint --explain CODE` prints.

    An error keeps the playbook from doing what it says, whatever the event; what may well be meant
    as it is written is a warning.
    """

    code: str
    level: Level
    find: Callable[[Subject, Around], Iterator[Finding]]
    page: str
