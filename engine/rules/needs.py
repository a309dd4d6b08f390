"""What must be so of a document for a trigger to say anything but a plain no.

Derived from the parsed condition, on the safe side: what is not understood needs nothing. A part
that may raise makes the verdict *cannot tell*, which is no plain no.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from engine.rules.condition import is_true
from engine.rules.match import Trigger


class Mark(Enum):
    """What stands in facts beside what stands in documents."""

    EACH = "each"  # in a path: any item of the list
    THERE = "there"  # as a value: any but null
    SO = "so"  # as a value: any that JMESPath takes for true
    TRUE = "true"  # which to Python is 1
    FALSE = "false"


Path: TypeAlias = tuple[str | int | Mark, ...]  # names of fields, places in lists, EACH
Value: TypeAlias = str | int | float | Mark


class Fact(NamedTuple):
    """At a path stands a value; where the path has EACH in it, perhaps beside others."""

    path: Path
    value: Value


class Unlike(NamedTuple):
    """At a path, without EACH in it, stands something else, or nothing. Nothing is found by it."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one of these is so; of none, that is never."""

    needs: tuple["Need", ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of these is so."""

    needs: tuple["Need", ...]


class Asked(NamedTuple):
    """Of which value a part is asked, and whether it shall be true or false."""

    here: Path
    wanted: bool


Need: TypeAlias = Fact | Unlike | OneOf | AllOf
Node: TypeAlias = Mapping[str, Any]

NEVER: Final = OneOf(())
_TYPE: Final = ("event", "type")
_ACTION: Final = ("event", "action")
_ORDERS: Final = ("lt", "lte", "gt", "gte")
_PATHS: Final = ("subexpression", "index_expression")
# These raise nothing that their parts do not raise. A slice is not among them.
_SAFE_WITH_SAFE_PARTS: Final = (
    *("field", "index", "literal", "identity", "current", "not_expression"),
    *("and_expression", "or_expression", "pipe", "subexpression", "index_expression", "flatten"),
    *("projection", "value_projection", "filter_projection", "multi_select_list"),
    *("multi_select_dict", "key_val_pair"),
)

_ASKS_PARTS_HERE: Final = (
    *("and_expression", "or_expression", "not_expression"),
    *("comparator", "function_expression"),
)
_SOMEWHERE: Final = (Mark.EACH,)  # where the value may be null


def needs_of(trigger: Trigger) -> Need | None:
    """What the document of an event needs; None for nothing that could be looked up.

    While nobody knows whether the engine itself caused the event, triggers cannot tell, and do not
    come to their conditions: then it says nothing.
    """
    if trigger.never:
        return NEVER
    needs: list[Need | None] = []
    if trigger.events:
        needs.append(OneOf(tuple(Fact(_TYPE, type_) for type_ in trigger.events)))
    if trigger.action is not None:
        needs.append(Fact(_ACTION, trigger.action))
    if trigger.when is not None:
        needs.append(_needs(trigger.when.tree, Asked((), wanted=True)))
    return _all_of(needs)


def told_apart(value: Any) -> Value | None:
    """A value as facts have it: 1 is 1.0, and true is neither. None for what no fact names."""
    if isinstance(value, bool):
        return Mark.TRUE if value else Mark.FALSE
    return value if isinstance(value, str | int | float) else None


def _needs(node: Node, asked: Asked) -> Need | None:
    """What must be so for a part to come out as it shall, or to raise."""
    path = _path_of(node, asked.here)
    if path is not None:
        return Fact(path, Mark.THERE) if asked.wanted else _unlike(path, Mark.SO)
    understood = _UNDERSTOOD.get(node["type"])
    return None if understood is None else understood(node, asked)


def _of_literal(node: Node, asked: Asked) -> Need | None:
    return None if is_true(node["value"]) is asked.wanted else NEVER


def _of_not(node: Node, asked: Asked) -> Need | None:
    return _needs(node["children"][0], asked._replace(wanted=not asked.wanted))


def _of_logic(node: Node, asked: Asked) -> Need | None:
    first, second = node["children"]
    needs = _needs(first, asked), _needs(second, asked)
    if (node["type"] == "or_expression") is asked.wanted:
        return _one_of(needs)
    # The second one is not asked where the first one raises.
    return _all_of(needs if _safe(first, asked.here) else needs[:1])


def _of_comparison(node: Node, asked: Asked) -> Need | None:
    operator, (left, right) = node["value"], node["children"]
    if operator in _ORDERS:  # null where one side is null
        sides = [_path_of(side, asked.here) for side in (left, right) if side["type"] != "literal"]
        return _all_there(sides) if asked.wanted else None
    if left["type"] == "literal":
        left, right = right, left
    path = _path_of(left, asked.here)
    if path is None or right["type"] != "literal":
        return None
    value = told_apart(right["value"])
    if (operator == "eq") is not asked.wanted:
        if right["value"] is None:
            return Fact(path, Mark.THERE)
        return None if value is None else _unlike(path, value)
    if right["value"] is None:
        return _unlike(path, Mark.THERE)
    return Fact(path, Mark.THERE if value is None else value)


def _of_pipe(node: Node, asked: Asked) -> Need | None:
    first, second = node["children"]
    path = _path_of(first, asked.here)
    return None if path is None else _needs(second, asked._replace(here=path))


def _of_filter(node: Node, asked: Asked) -> Need | None:
    """Over a list, an item that is taken; over anything else it is null."""
    source, _, condition = node["children"]
    path = _path_of(source, asked.here)
    if path is None or not asked.wanted:
        return None
    taken = _needs(condition, Asked((*path, Mark.EACH), wanted=True))
    return Fact(path, Mark.THERE) if taken is None else taken


def _of_function(node: Node, asked: Asked) -> Need | None:
    if node["value"] != "contains":
        return None
    first, second = node["children"]
    values, path = _listed(first, asked.here), _path_of(second, asked.here)
    if values is None or path is None:
        return None
    # This function compares as Python does.
    same = [one for value in values for one in _same_to_python(value)]
    if asked.wanted:
        return OneOf(tuple(Fact(path, one) for one in same))
    return _all_of([_unlike(path, one) for one in same])


_UNDERSTOOD: Final[Mapping[str, Callable[[Node, Asked], Need | None]]] = {
    "literal": _of_literal,
    "not_expression": _of_not,
    "and_expression": _of_logic,
    "or_expression": _of_logic,
    "comparator": _of_comparison,
    "pipe": _of_pipe,
    "filter_projection": _of_filter,
    "function_expression": _of_function,
}


def _path_of(node: Node, here: Path) -> Path | None:
    """Where a part looks, if that is all it does."""
    if node["type"] in ("field", "index"):
        return (*here, node["value"])
    if node["type"] in ("current", "identity"):
        return here
    if node["type"] not in _PATHS:
        return None
    path: Path | None = here
    for child in node["children"]:
        path = None if path is None else _path_of(child, path)
    return path


def _listed(node: Node, here: Path) -> list[Any] | None:
    """The values of a list of texts, numbers, true and false that stands there."""
    values: list[Any] | None = None
    if node["type"] == "literal" and isinstance(node["value"], list):
        values = node["value"]
    elif node["type"] == "multi_select_list" and not here:  # asked of null, it is null
        children = node["children"]
        if all(child["type"] == "literal" for child in children):
            values = [child["value"] for child in children]
    if values is None or any(told_apart(value) is None for value in values):
        return None
    return values


def _same_to_python(value: Any) -> Iterator[Value]:
    if not isinstance(value, str) and value in (0, 1):
        yield int(value)
        yield Mark.TRUE if value else Mark.FALSE
    else:
        yield value


def _safe(node: Node, here: Path) -> bool:
    """Whether it has a value over any document."""
    inside = here if node["type"] in _ASKS_PARTS_HERE else _SOMEWHERE
    children = [child for child in node["children"] if isinstance(child, Mapping)]
    if not all(_safe(child, inside) for child in children):
        return False
    if node["type"] == "comparator":  # two lists may be nested too deeply to be compared
        plain = any(
            child["type"] == "literal" and not isinstance(child["value"], list | dict)
            for child in children
        )
        return plain and node["value"] not in _ORDERS
    if node["type"] == "function_expression":
        first = children[0] if node["value"] == "contains" else None
        return first is not None and _listed(first, here) is not None
    return node["type"] in _SAFE_WITH_SAFE_PARTS


def _all_there(paths: Sequence[Path | None]) -> Need | None:
    known = [Fact(path, Mark.THERE) for path in paths if path is not None]
    return _all_of(known) if len(known) == len(paths) else None


def _unlike(path: Path, value: Value) -> Need | None:
    """Of several items one may be unlike it where another one is not."""
    return None if Mark.EACH in path else Unlike(path, value)


def _all_of(needs: Sequence[Need | None]) -> Need | None:
    known = tuple(need for need in needs if need is not None)
    return AllOf(known) if known else None


def _one_of(needs: Sequence[Need | None]) -> Need | None:
    known = tuple(need for need in needs if need is not None)
    return OneOf(known) if len(known) == len(needs) else None
