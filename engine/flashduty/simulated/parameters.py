"""Reads a call's parameters and refuses those that the catalogue's rules complain of.

Parameters that no rule names are let through: the real API ignores them in silence (reference
2.10, `channel_id`).
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty import parameters
from engine.flashduty.rule import UNKNOWN, Rule, complaints_about
from engine.flashduty.simulated.refusal import RefusalError

_DEEPEST: Final = 32  # far from any operation's need, and from Python's limit of recursion


def check_parameters(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> None:
    """Refuse the first parameter that is missing or wrong, in the order of the rules."""
    for complaint in complaints_about(rules, given):
        if complaint.code != UNKNOWN:
            raise RefusalError.parameter(f"{complaint.name} {complaint.message}.")


def known_parameters(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a call gives and keep what the rules name; nothing that is null, however deep."""
    present = _without_nulls(given)
    check_parameters(rules, present)
    return {name: present[name] for name in rules if name in present}


def read_query(rules: Mapping[str, Rule], query: Mapping[str, str]) -> dict[str, Any]:
    """Give a query's parameters the types their rules ask for; an empty one counts as absent."""
    there = {name: text for name, text in query.items() if name in rules and text}
    return parameters.read_query(rules, there)


def _without_nulls(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise RefusalError.parameter(f"The body must be nested at most {_DEEPEST} deep.")
    if isinstance(value, dict):
        there = {name: one for name, one in value.items() if one is not None}
        return {name: _without_nulls(one, depth + 1) for name, one in there.items()}
    if isinstance(value, list):
        return [_without_nulls(one, depth + 1) for one in value]
    return value
