"""What an event means for the runs under way for its incident: an answer, or the end of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.events.event import Event
from engine.rules.match import PRESSED
from engine.runs.control import Order, Verb
from engine.runs.run import Run

RESOLVED: Final = "i_rslv"  # somebody closed the incident, or it recovered by itself
ANSWERS: Final[Mapping[str | None, Verb]] = {"approve": Verb.APPROVE, "reject": Verb.REJECT}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that has not ended, and the steps of it that wait for an approval."""

    run: Run
    asking: Sequence[str]  # paths


def has_consequences(event: Event) -> bool:
    """Whether runs under way have to be looked at: for most events they need not be."""
    return event.type == RESOLVED or _answer(event) is not None


def answers(event: Event, runs: Sequence[UnderWay], at: float) -> list[Order]:
    """What a press of a button `approve` or `reject` says to what waits on its incident.

    Who pressed it is in the payload, and nobody but Flashduty can send that.
    """
    verb = _answer(event)
    if verb is None:
        return []
    by = _person(event)
    return [Order(0, one.run.id, verb, by, at, path) for one in runs for path in one.asking]


def ends(event: Event, runs: Sequence[Run], at: float) -> list[Order]:
    """What it says to these runs, which are not to go on without their incident.

    Nothing, if a run of the engine closed the incident: it may have more to do.
    """
    if event.type != RESOLVED or event.own:
        return []
    return [Order(0, run.id, Verb.CLOSE, "the end of its incident", at) for run in runs]


def _answer(event: Event) -> Verb | None:
    return ANSWERS.get(event.action) if event.source == PRESSED else None


def _person(event: Event) -> str:
    person: Any = event.payload.get("person")
    name = person.get("person_name") if isinstance(person, Mapping) else None
    return str(name or event.person_id or "somebody")
