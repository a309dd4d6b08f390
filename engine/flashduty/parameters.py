"""The kinds of parameters that the operations of the catalogue take.

The catalogue states them, the step checks with them before anything is sent, and the simulator
refuses by them.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from typing_extensions import override

from engine.flashduty.cutting import cut_text
from engine.flashduty.rule import TOO_LONG, WRONG, Loc, Rule, complaints_about, cut_all, wrong
from engine.problem import Complaint

OBJECT_ID: Final = "^[0-9a-fA-F]{24}$"
INT64: Final = 2**63

QUERY_INTEGER: Final = "^-?[0-9]{1,19}$"


@dataclass(frozen=True, kw_only=True)
class Text(Rule):
    """A string, its length in characters. An empty one breaks no rule unless it is required."""

    least: int = 0
    most: int | None = None
    cuttable: bool = True  # False for keys: a cut key is another one

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, str):
            yield wrong(loc, "must be a string", value, _text_hint(value))
        elif not value:
            # "The backend ignores empty strings" (reference 2.5).
            if self.required:
                yield wrong(loc, "is required and must not be empty")
        elif len(value) < self.least:
            yield wrong(loc, f"must have at least {self.least} characters", value)
        elif self.most is not None and len(value) > self.most:
            code = TOO_LONG if self.cuttable else WRONG
            demand = f"must have at most {self.most} characters"
            yield Complaint(code, loc, demand, hint=f"it has {len(value)}")

    @property
    @override
    def cuts(self) -> bool:
        return self.most is not None and self.cuttable

    @override
    def cut(self, value: Any) -> Any:
        if self.most is None or not self.cuttable or not isinstance(value, str):
            return value
        return cut_text(value, self.most)


@dataclass(frozen=True, kw_only=True)
class Choice(Rule):
    """One of some words, written exactly so."""

    one_of: Sequence[str]

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, str):
            yield wrong(loc, "must be a string", value, _text_hint(value))
        elif not value and self.required:
            yield wrong(loc, "is required and must not be empty")
        elif value and value not in self.one_of:
            demand = f"must be one of {', '.join(self.one_of)}"
            yield wrong(loc, demand, value, _meant(value, self.one_of))


@dataclass(frozen=True, kw_only=True)
class WordList(Rule):
    """Words with commas between them, as /incident/list takes `progress` and severities."""

    one_of: Sequence[str]

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, str):
            yield wrong(loc, "must be a string with commas between its words", value)
            return
        for word in value.split(","):
            if word and word not in self.one_of:
                demand = f"must have words of {', '.join(self.one_of)} only"
                yield wrong(loc, demand, word, _meant(word, self.one_of))


@dataclass(frozen=True, kw_only=True)
class ObjectId(Rule):
    """The id of an incident, an alert, a rule or a template."""

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, str) or not re.fullmatch(OBJECT_ID, value):
            yield wrong(loc, "must be a string of 24 hex digits", value)


@dataclass(frozen=True, kw_only=True)
class Integer(Rule):
    """An int64. A JSON `true` or `1.0` is none."""

    least: int = -INT64
    most: int = INT64 - 1

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, int) or isinstance(value, bool):
            numeral = isinstance(value, str) and re.fullmatch(QUERY_INTEGER, value)
            hint = "leave out the quotes; in a template, end with `| int`" if numeral else None
            yield wrong(loc, "must be an integer", value, hint)
        elif value < self.least:
            yield wrong(loc, f"must be at least {self.least}", value)
        elif value > self.most:
            yield wrong(loc, f"must be at most {self.most}", value)


@dataclass(frozen=True, kw_only=True)
class Flag(Rule):
    """A JSON `true` or `false`."""

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, bool):
            yield wrong(loc, "must be true or false", value)


@dataclass(frozen=True, kw_only=True)
class ListOf(Rule):
    """A JSON array of things of one kind."""

    item: Rule
    least: int = 0
    most: int | None = None

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, list):
            yield wrong(loc, "must be a list", value)
            return
        if len(value) < self.least:
            demand = f"must have at least {_counted(self.least, 'item')}"
            yield wrong(loc, demand, hint=f"it has {len(value)}")
        if self.most is not None and len(value) > self.most:
            demand = f"must have at most {_counted(self.most, 'item')}"
            yield wrong(loc, demand, hint=f"it has {len(value)}")
        for place, one in enumerate(value):
            yield from self.item.complaints(one, (*loc, place))

    @property
    @override
    def cuts(self) -> bool:
        return self.item.cuts

    @override
    def cut(self, value: Any) -> Any:
        return [self.item.cut(one) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True)
class Shape(Rule):
    """A JSON object with parameters of its own; an `open` one may have more than are known."""

    parameters: Mapping[str, Rule]
    open: bool = False

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if isinstance(value, dict):
            yield from complaints_about(self.parameters, value, loc, others=self.open)
        else:
            yield wrong(loc, "must be an object", value)

    @property
    @override
    def cuts(self) -> bool:
        return any(rule.cuts for rule in self.parameters.values())

    @override
    def cut(self, value: Any) -> Any:
        return cut_all(self.parameters, value) if isinstance(value, dict) else value


@dataclass(frozen=True, kw_only=True)
class Pairs(Rule):
    """An object of texts, as labels are: at most 50, keys to 128, values to 2048 characters."""

    most: int = 50
    value: Rule = field(default_factory=lambda: Text(most=2048))
    longest_key: int = 128

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        if not isinstance(value, dict):
            yield wrong(loc, "must be an object", value)
            return
        if len(value) > self.most:
            demand = f"must have at most {_counted(self.most, 'pair')}"
            yield wrong(loc, demand, hint=f"it has {len(value)}")
        for key, one in value.items():
            if not isinstance(key, str) or len(key) > self.longest_key:
                demand = f"must have keys of at most {self.longest_key} characters"
                yield wrong(loc, demand, key)
            if one is not None:
                yield from self.value.complaints(one, (*loc, key))

    @property
    @override
    def cuts(self) -> bool:
        return self.value.cuts

    @override
    def cut(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: self.value.cut(one) for key, one in value.items()}


@dataclass(frozen=True, kw_only=True)
class Anything(Rule):
    """A value whose type the account's own definitions decide."""

    @override
    def _complaints(self, value: Any, loc: Loc) -> Iterator[Complaint]:
        yield from ()


def read_query(rules: Mapping[str, Rule], query: Mapping[str, Any]) -> dict[str, Any]:
    """Give a query's texts the types their rules ask for; what fits none is left a text."""
    return {
        name: int(value)
        if isinstance(rules.get(name), Integer)
        and isinstance(value, str)
        and re.fullmatch(QUERY_INTEGER, value)
        else value
        for name, value in query.items()
    }


def _text_hint(value: Any) -> str | None:
    if isinstance(value, int | float):
        return "write it in quotes; in a template, end with `| string`"
    return None


def _meant(word: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word.lower(), [one.lower() for one in known], n=1)
    meant = [one for one in known if near and one.lower() == near[0]]
    return f"did you mean '{meant[0]}'?" if meant else None


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
