"""Expressions that JMESPath takes and nobody means.

Refused when they are parsed, not repaired: an expression has to mean here what it means everywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LITERALS: Final = ("true", "false", "null")
_LOOSER_THAN_NOT: Final = ("subexpression", "value_projection", "filter_projection", "flatten")


@dataclass(frozen=True, slots=True)
class Trap:
    """What is wrong, the name or the `!` that it begins with, and what to write."""

    message: str
    node: Mapping[str, Any]
    hint: str


def traps_in(tree: Mapping[str, Any]) -> Iterator[Trap]:
    """Every trap of a parsed expression."""
    children = [child for child in tree["children"] if isinstance(child, Mapping)]
    kind = tree["type"]
    if kind in _LOOSER_THAN_NOT and children[0]["type"] == "not_expression":
        # `!` binds tighter than the dot and `[?`: `!a.b` asks a truth value for its field b.
        yield Trap(
            "'!' takes only the name next to it, so this is always null",
            children[0],
            "write !(a.b) for !a.b",
        )
    if kind == "field" and tree["value"] in _LITERALS:
        word = tree["value"]
        yield Trap(
            f"'{word}' is the name of a field here, one that no event has",
            tree,
            f"a literal stands between backticks: `{word}`",
        )
    for child in children:
        yield from traps_in(child)
