"""A missed event on its way into the ledger, and the span of time it is looked for in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from engine.events.event import Event
from engine.rules.match import RECONCILED

# Fact: the platform's webhook page lists these; timelines have entries that no webhook tells of.
INCIDENT_EVENTS: Final = frozenset(
    {
        *("i_new", "i_assign", "i_a_rspd", "i_snooze", "i_wake", "i_ack", "i_unack", "i_storm"),
        *("i_custom", "i_rslv", "i_reopen", "i_merge", "i_comm", "i_r_title", "i_r_desc"),
        *("i_r_impact", "i_r_rc", "i_r_rsltn", "i_r_severity", "i_r_field"),
    }
)
DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Missed:
    """An event as Flashduty tells it afterwards."""

    event: Event
    within: int  # milliseconds by which what it is the same as may differ in time

    @classmethod
    def of(cls, event: Event, within: int) -> Self:
        """The event, marked as one that did not arrive by itself."""
        return cls(replace(event, source=RECONCILED, query={}, headers={}), within)

    def is_same_as(self, other: Self) -> bool:
        """Whether both tell of the same thing."""
        mine, theirs = self.event, other.event
        if mine.key == theirs.key:
            return True
        if mine.subject != theirs.subject or mine.type != theirs.type:
            return False
        if mine.time is None or theirs.time is None:
            return False
        return abs(mine.time - theirs.time) <= max(self.within, other.within)


@dataclass(frozen=True, slots=True)
class Span:
    """From a time to a time, Unix seconds."""

    since: float
    until: float

    def has(self, milliseconds: float) -> bool:
        return self.since <= milliseconds / 1000 <= self.until

    def windows(self, longest: float) -> Iterator["Span"]:
        """The same span in pieces that an operation takes."""
        start = self.since
        while start < self.until:
            end = min(start + longest, self.until)
            yield Span(start, end)
            start = end
