"""The index: which of many triggers an event can concern, without asking each of them.

It can only rule out: a trigger that is left is asked as if there were no index. Each is found by
facts that it needs, by those that the fewest others need; of those that are found, it is looked up
whether the event has the rest of what they need.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from engine.events.event import LABEL_MAPPING
from engine.rules.match import PRESSED, Trigger
from engine.rules.needed import has
from engine.rules.needs import (
    AllOf,
    Fact,
    Mark,
    Need,
    OneOf,
    Path,
    Unlike,
    Value,
    needs_of,
    told_apart,
)

_LAST: Final = 1_000_000  # what is merely there says little: by it only for want of a value


def indexable(trigger: Trigger) -> bool:
    """Whether there are events that it need not be asked about; otherwise each one costs time."""
    need = needs_of(trigger)
    return need is not None and _fewest(need, Counter()) is not None


class TriggerIndex:
    """Of the triggers of one engine. They are named by their places, from 0."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        needs = [needs_of(trigger) for trigger in triggers]
        sharing = Counter(fact for need in needs if need is not None for fact in _facts(need))
        self._all = range(len(triggers))
        # By whether they answer: a call for labels concerns these alone, and nothing else does.
        self._always: dict[bool, list[int]] = {True: [], False: []}
        self._found = {True: _Place(), False: _Place()}
        self._rests: dict[int, Need] = {}  # of what they need, what they are not found by
        for number, (trigger, need) in enumerate(zip(triggers, needs, strict=True)):
            found_by = None if need is None else _fewest(need, sharing)
            if found_by is None:
                self._always[trigger.answers].append(number)
            else:
                for fact in found_by.facts:
                    place = self._found[trigger.answers].at(fact.path)
                    place.needed.setdefault(fact.value, []).append(number)
            rest = need if found_by is None else found_by.rest
            if rest is not None:
                self._rests[number] = rest

    def candidates(self, document: Mapping[str, Any]) -> Sequence[int]:
        """Those that may say anything but a plain no of an event, in their order.

        Nothing of the document may be `Undecided`: that is for rehearsals, which ask all.
        """
        event = document["event"]
        if event["own"] is None and event["source"] != PRESSED:
            return self._all  # they cannot tell, whatever their conditions are
        call = event["source"] == LABEL_MAPPING
        found = set(self._always[call])
        self._found[call].collect(document, found)
        rests = self._rests
        return [
            number
            for number in sorted(found)
            if number not in rests or has(document, rests[number])
        ]


@dataclass(slots=True)
class _Place:
    """Where a path leads: the triggers by what they need there, and the places further on."""

    needed: dict[Value, list[int]] = field(default_factory=dict)
    fields: dict[str, "_Place"] = field(default_factory=dict)
    items: dict[int | Mark, "_Place"] = field(default_factory=dict)  # by number, or EACH

    def at(self, path: Path) -> "_Place":
        """The place at the end of a path, made where it is new."""
        place = self
        for step in path:
            if isinstance(step, str):
                place = place.fields.setdefault(step, _Place())
            else:
                place = place.items.setdefault(step, _Place())
        return place

    def collect(self, value: Any, found: set[int]) -> None:
        """Add the triggers whose need is here, or further on. The value is not null."""
        if self.needed:
            found.update(self.needed.get(Mark.THERE, ()))
            key = told_apart(value)
            if key is not None:
                found.update(self.needed.get(key, ()))
        if self.fields and isinstance(value, Mapping):
            # Through whichever is less: what triggers ask for, or what the event has.
            for name in self.fields if len(self.fields) <= len(value) else value:
                inner = value.get(name)
                if inner is not None and name in self.fields:
                    self.fields[name].collect(inner, found)
        elif self.items and isinstance(value, list):
            for number, place in self.items.items():
                for inner in _items(value, number):
                    if inner is not None:
                        place.collect(inner, found)


def _items(value: Sequence[Any], number: int | Mark) -> Sequence[Any]:
    if isinstance(number, Mark):
        return value
    return (value[number],) if -len(value) <= number < len(value) else ()


class _FoundBy(NamedTuple):
    """By which facts a trigger is found, and how often triggers need them."""

    sharing: int
    facts: Sequence[Fact]
    rest: Need | None  # what is not sure yet of a trigger that was found


def _facts(need: Need) -> Iterator[Fact]:
    if isinstance(need, Fact):
        yield need
    elif isinstance(need, OneOf | AllOf):
        for part in need.needs:
            yield from _facts(part)


def _fewest(need: Need, sharing: Mapping[Fact, int]) -> _FoundBy | None:
    """What to find a trigger by; None where there is nothing."""
    if isinstance(need, Fact):
        last = _LAST if need.value is Mark.THERE else 0
        return _FoundBy(sharing.get(need, 0) + last, (need,), None)
    if isinstance(need, Unlike):
        return None
    parts = [_fewest(part, sharing) for part in need.needs]
    known = [part for part in parts if part is not None]
    if isinstance(need, AllOf):
        if not known:
            return None
        best = min(known, key=lambda part: part.sharing)
        return _FoundBy(best.sharing, best.facts, _rest(need, parts.index(best), best))
    if len(known) < len(parts):
        return None
    rest = None if all(part.rest is None for part in known) else need
    facts = [fact for part in known for fact in part.facts]
    return _FoundBy(sum(part.sharing for part in known), facts, rest)


def _rest(need: AllOf, place: int, found_by: _FoundBy) -> Need | None:
    """All but the part that it is found by, and of that what is not sure."""
    others = [*need.needs[:place], *need.needs[place + 1 :]]
    needs = others if found_by.rest is None else [found_by.rest, *others]
    return AllOf(tuple(needs)) if needs else None
