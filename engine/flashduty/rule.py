"""The promise every rule about a parameter keeps, and what a whole set of rules has to say.

A rule says yes by complaining of nothing. What is Deferred is not known yet and breaks no rule;
`null` is absent, as for the vendor's Go decoder.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.playbooks.deferred import Deferred
from engine.problem import UNSAID, Complaint, nearest

Loc = tuple[str | int, ...]

UNKNOWN: Final = "unknown-parameter"
MISSING: Final = "missing-parameter"
WRONG: Final = "wrong-value"
TOO_LONG: Final = "too-long"  # of a text that may be cut


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """What one parameter must be."""

    required: bool = False

    def complaints(self, value: Any, loc: Loc = ()) -> Iterator[Complaint]:
        """Everything that is wrong with a value that is there, at `loc` and inside it."""
        if not isinstance(value, Deferred):
            yield from self._complaints(value, loc)

    @property
    def cuts(self) -> bool:
        """Whether `cut` changes anything in a value of this kind."""
        return False

    def cut(self, value: Any) -> Any:
        """The value with every text that may be cut within its limit."""
        return value

    @abstractmethod
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]: ...


def complaints_about(
    rules: Mapping[str, Rule], given: Mapping[str, Any], loc: Loc = (), *, others: bool = False
) -> Iterator[Complaint]:
    """What is missing or wrong, in the order of the rules; then names that no rule has.

    `others` says whether such names are let through.
    """
    for name, rule in rules.items():
        value = given.get(name)
        if value is not None:
            yield from rule.complaints(value, (*loc, name))
        elif rule.required:
            yield Complaint(MISSING, (*loc, name), "is required")
    for name in given:
        if name not in rules and not others:
            hint = nearest(str(name), list(rules))
            yield Complaint(UNKNOWN, (*loc, name), "is no parameter here", hint=hint, of_key=True)


def cut_all(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, with every text that may be cut within its limit."""
    return {name: rules[name].cut(one) if name in rules else one for name, one in given.items()}


def wrong(loc: Loc, demand: str, given: Any = UNSAID, hint: str | None = None) -> Complaint:
    """Say what a value that is there must be instead."""
    return Complaint(WRONG, loc, demand, given, hint)
