"""Whether a condition can be yes, and whether it can be no.

Every value it compares with a literal takes each of those literals, null, and something else; what
is not compared so is taken to be yes or no, whatever the rest is. What is found to be always the
same is so; what is not may still be.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any, Final

from engine.rules.condition import is_true
from engine.rules.written import expression_of

Node = Mapping[str, Any]
MOST: Final = 4096  # combinations that are tried; more are given up
_EQUAL: Final = {"eq": True, "ne": False}
_LOGIC: Final = ("and_expression", "or_expression", "not_expression")


class Something(Enum):
    """A value that no literal is."""

    ELSE = "something else"


def answers(tree: Node, given: Mapping[str, Sequence[Any]]) -> frozenset[bool]:
    """The answers it can have. `given`: the values that an expression can have, by its text."""
    domains: dict[str, list[Any]] = {}
    _collect(tree, domains)
    for text in domains.keys() & given.keys():
        domains[text] = list(given[text])
    combinations = 1
    for domain in domains.values():
        combinations *= len(domain)
    if combinations > MOST:
        return frozenset({True, False})
    found: set[bool] = set()
    for values in product(*domains.values()):
        found.add(_answer(tree, dict(zip(domains, values, strict=True))))
        if len(found) > 1:
            break
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Constant:
    """A part of a condition that has the same answer whatever the event, and where it begins."""

    part: Node
    always: bool
    offset: int


def constant_part(tree: Node, places: Mapping[int, int]) -> Constant | None:
    """The first part that can only be yes, or only no; of those inside each other the outer one."""
    for part in _parts_of(tree):
        found = answers(part, {})
        if len(found) == 1:
            return Constant(part, True in found, _first(part, places))
    return None


def _parts_of(tree: Node) -> Iterator[Node]:
    """What it is made of by `&&`, `||` and `!`, itself first."""
    yield tree
    if tree["type"] in _LOGIC:
        for child in tree["children"]:
            yield from _parts_of(child)


def _first(part: Node, places: Mapping[int, int]) -> int:
    """Where the first name, literal or `!` of a part stands."""
    found = [places[id(part)]] if id(part) in places else []
    children = [child for child in part["children"] if isinstance(child, Mapping)]
    return min([*found, *(_first(child, places) for child in children)], default=0)


def _collect(node: Node, domains: dict[str, list[Any]]) -> None:
    match node["type"]:
        case kind if kind in _LOGIC:
            for child in node["children"]:
                _collect(child, domains)
        case "literal":
            pass
        case "comparator" if (sides := _equated(node)) is not None:
            text, literal = sides
            if text is not None:
                domain = domains.setdefault(text, [None, Something.ELSE])
                if literal not in domain:
                    domain.append(literal)
        case _:
            domains.setdefault(expression_of(node), [None, Something.ELSE])


def _equated(node: Node) -> tuple[str | None, Any] | None:
    """The value and the literal that are compared; no value where both are literals or the same."""
    if node["value"] not in _EQUAL:
        return None
    left, right = node["children"]
    kinds = (left["type"], right["type"])
    if kinds == ("literal", "literal") or expression_of(left) == expression_of(right):
        return None, None
    if "literal" not in kinds:
        return None
    value, literal = (left, right) if kinds[1] == "literal" else (right, left)
    return expression_of(value), literal["value"]


def _answer(node: Node, values: Mapping[str, Any]) -> bool:
    match node["type"]:
        case "and_expression":
            return all(_answer(child, values) for child in node["children"])
        case "or_expression":
            return any(_answer(child, values) for child in node["children"])
        case "not_expression":
            return not _answer(node["children"][0], values)
        case "literal":
            return is_true(node["value"])
        case "comparator" if (sides := _equated(node)) is not None:
            text, literal = sides
            if text is not None:
                equal = _same(values[text], literal)
            else:
                left, right = node["children"]
                both = "literal" in (left["type"], right["type"])
                equal = not both or _same(left["value"], right["value"])
            return equal is _EQUAL[node["value"]]
    value = values[expression_of(node)]
    return value is Something.ELSE or is_true(value)


def _same(one: Any, other: Any) -> bool:
    """As JMESPath compares: true is no number."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)
