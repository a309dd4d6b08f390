"""Missed events: which of those that were found are new, and the span they are looked for in."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from engine.events.event import Event
from engine.playbooks.playbook import Playbook
from engine.rules.match import RECONCILED, TOLD_BY_TIMELINE

# Fact: the platform's webhook page lists these; timelines have entries that no webhook tells of.
INCIDENT_EVENTS: Final = frozenset(
    {
        *("i_new", "i_assign", "i_a_rspd", "i_snooze", "i_wake", "i_ack", "i_unack", "i_storm"),
        *("i_custom", "i_rslv", "i_reopen", "i_merge", "i_comm", "i_r_title", "i_r_desc"),
        *("i_r_impact", "i_r_rc", "i_r_rsltn", "i_r_severity", "i_r_field"),
    }
)
GONE: Final = "ResourceNotFound"  # what was listed a moment ago and is not there any more
DAY: Final = 86400.0
SAME_MOMENT: Final = 2000  # milliseconds between what two sources call the time of one event


def events_to_reconcile(playbooks: Iterable[Playbook]) -> frozenset[str]:
    """The types of incident events that would start a playbook even though they were missed."""
    taking = [playbook.trigger for playbook in playbooks if playbook.trigger.reconcile]
    return frozenset(type_ for trigger in taking for type_ in (trigger.events or INCIDENT_EVENTS))


def missed(event: Event) -> Event:
    """The event, marked as one that did not arrive by itself."""
    return replace(event, source=RECONCILED, query={}, headers={})


def unknown(found: Iterable[Event], known: Sequence[Event]) -> list[Event]:
    """What was found and none of the known events tells of, all of one subject and type.

    Bodies have keys that tell. A timeline has only the time, nearly, and the person: so each
    known event stands for one entry at most, the one that is most like it. Where three of five
    comments within a second arrived, two are missed.
    """
    new = {event.key: event for event in found}
    keys = new.keys() & {event.key for event in known}
    new = {key: event for key, event in new.items() if key not in keys}
    taken: set[int] = set()
    for pair in sorted(_pairs(new, [event for event in known if event.key not in keys])):
        if pair.key in new and pair.place not in taken:
            taken.add(pair.place)
            del new[pair.key]
    return list(new.values())


class _Pair(NamedTuple):
    """Two that may be one; those that are most alike come first."""

    other_person: bool
    apart: int  # milliseconds
    key: str  # of what was found
    place: int  # of what is known


def _pairs(new: Mapping[str, Event], known: Iterable[Event]) -> Iterator[_Pair]:
    timed = sorted(
        (one.time, place, one) for place, one in enumerate(known) if one.time is not None
    )
    times = [time for time, _, _ in timed]
    for key, event in new.items():
        if event.time is None:
            continue
        first = bisect_left(times, event.time - SAME_MOMENT)
        last = bisect_right(times, event.time + SAME_MOMENT)
        for time, place, one in timed[first:last]:
            if _may_be_same(event, one):
                yield _Pair(one.person_id != event.person_id, abs(time - event.time), key, place)


def _may_be_same(found: Event, known: Event) -> bool:
    """Whether two events of nearly one time, with keys that differ, can be one.

    A timeline does not name a button whose action the config does not have: it may be any.
    """
    by_timeline = found.key.startswith(TOLD_BY_TIMELINE)
    if not by_timeline and not known.key.startswith(TOLD_BY_TIMELINE):
        return False
    return found.action == known.action or (by_timeline and found.action is None)


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
