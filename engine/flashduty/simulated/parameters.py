"""What the simulated Open API demands of a call's parameters, as values that can be read.

A rule says yes by saying nothing and no by raising `RefusalError` with a sentence that names the
parameter, as in `updates[0].component_changes[1].status`. Parameters that no rule names are let
through: the real API ignores them in silence (reference 2.10, `channel_id`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from engine.flashduty.simulated.refusal import RefusalError

_INT64: Final = 2**63
_DEEPEST: Final = 32  # far from any operation's need, and from Python's limit of recursion
_QUERY_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")


class Rule(Protocol):
    """What one parameter must be."""

    @property
    def required(self) -> bool:
        """Say whether a call must have it; `null` is absent, as for the vendor's Go decoder."""
        ...

    def check(self, name: str, value: Any, /) -> None:
        """Refuse a value that is there and wrong."""
        ...


@dataclass(frozen=True, kw_only=True)
class Text:
    """A string. An empty one breaks no rule unless it is required."""

    required: bool = False
    least: int = 0
    most: int | None = None
    one_of: Sequence[str] = ()

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise RefusalError.parameter(f"{name} must be a string.")
        if self.required and not value:
            raise RefusalError.parameter(f"{name} is required and must not be empty.")
        # "The backend ignores empty strings" (reference 2.5).
        if not value:
            return
        if len(value) < self.least:
            raise RefusalError.parameter(f"{name} must have at least {self.least} characters.")
        if self.most is not None and len(value) > self.most:
            raise RefusalError.parameter(f"{name} must have at most {self.most} characters.")
        if self.one_of and value not in self.one_of:
            raise RefusalError.parameter(f"{name} must be one of {', '.join(self.one_of)}.")


@dataclass(frozen=True, kw_only=True)
class WordList:
    """Words with commas between them, as /incident/list takes `progress` and severities."""

    required: bool = False
    one_of: Sequence[str]

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise RefusalError.parameter(f"{name} must be a string with commas between its words.")
        if any(word not in self.one_of for word in value.split(",") if word):
            allowed = ", ".join(self.one_of)
            raise RefusalError.parameter(f"each word of {name} must be one of {allowed}.")


@dataclass(frozen=True, kw_only=True)
class ObjectId:
    """The id of an incident, an alert or an escalation rule."""

    required: bool = False

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{24}", value):
            raise RefusalError.parameter(f"{name} must be a string of 24 hex digits.")


@dataclass(frozen=True, kw_only=True)
class Integer:
    """An int64. A JSON `true` or `1.0` is none."""

    required: bool = False
    least: int = -_INT64
    most: int = _INT64 - 1

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusalError.parameter(f"{name} must be an integer.")
        if value < self.least:
            raise RefusalError.parameter(f"{name} must be at least {self.least}.")
        if value > self.most:
            raise RefusalError.parameter(f"{name} must be at most {self.most}.")


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A JSON `true` or `false`."""

    required: bool = False

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise RefusalError.parameter(f"{name} must be true or false.")


@dataclass(frozen=True, kw_only=True)
class ListOf:
    """A JSON array of things of one kind."""

    required: bool = False
    item: Rule
    least: int = 0
    most: int | None = None

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, list):
            raise RefusalError.parameter(f"{name} must be a list.")
        if len(value) < self.least:
            raise RefusalError.parameter(f"{name} must have at least {self.least} items.")
        if self.most is not None and len(value) > self.most:
            raise RefusalError.parameter(f"{name} must have at most {self.most} items.")
        for place, one in enumerate(value):
            self.item.check(f"{name}[{place}]", one)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A JSON object with parameters of its own."""

    required: bool = False
    parameters: Mapping[str, Rule]

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise RefusalError.parameter(f"{name} must be an object.")
        check_parameters(self.parameters, value, within=f"{name}.")


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """An object of texts, as labels are: at most 50, keys to 128, values to 2048 characters."""

    required: bool = False
    most: int = 50
    value: Rule = field(default_factory=lambda: Text(most=2048))
    longest_key: int = 128

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise RefusalError.parameter(f"{name} must be an object.")
        if len(value) > self.most:
            raise RefusalError.parameter(f"{name} must have at most {self.most} pairs.")
        for key, one in value.items():
            if len(key) > self.longest_key:
                raise RefusalError.parameter(
                    f"each key of {name} must have at most {self.longest_key} characters."
                )
            self.value.check(f"{name}.{key}", one)


@dataclass(frozen=True, kw_only=True)
class Anything:
    """A value whose type the account's own definitions decide."""

    required: bool = False

    def check(self, _name: str, _value: Any) -> None:
        return


def check_parameters(
    rules: Mapping[str, Rule], given: Mapping[str, Any], *, within: str = ""
) -> None:
    """Refuse the first parameter that is missing or wrong, in the order of the rules."""
    for name, rule in rules.items():
        value = given.get(name)
        if value is not None:
            rule.check(f"{within}{name}", value)
        elif rule.required:
            raise RefusalError.parameter(f"{within}{name} is required.")


def known_parameters(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a call gives and keep what the rules name; nothing that is null, however deep."""
    present = _without_nulls(given)
    check_parameters(rules, present)
    return {name: present[name] for name in rules if name in present}


def read_query(rules: Mapping[str, Rule], query: Mapping[str, str]) -> dict[str, Any]:
    """Give a query's parameters the types their rules ask for; an empty one counts as absent."""
    return {
        # What is no integer is left a text, for the rule to refuse.
        name: int(text)
        if isinstance(rules[name], Integer) and _QUERY_INTEGER.fullmatch(text)
        else text
        for name, text in query.items()
        if name in rules and text
    }


def _without_nulls(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise RefusalError.parameter(f"The body must be nested at most {_DEEPEST} deep.")
    if isinstance(value, dict):
        there = {name: one for name, one in value.items() if one is not None}
        return {name: _without_nulls(one, depth + 1) for name, one in there.items()}
    if isinstance(value, list):
        return [_without_nulls(one, depth + 1) for one in value]
    return value
