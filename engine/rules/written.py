"""The text of a parsed expression, written as a person would: the library keeps none."""

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

_LOOSE: Final = (
    "and_expression",
    "or_expression",
    "comparator",
    "pipe",
    "not_expression",
    "expref",
)
_COMPARATORS: Final = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_OPEN: Final = ("projection", "value_projection", "filter_projection")  # take in what follows
_LEFT_FIRST: Final = (*_OPEN, "subexpression", "index_expression", "flatten")
_AFTER_NOT: Final = ("field", "function_expression", "current", "literal", "not_expression")
_NOT_RAW: Final = re.compile(r"(?<!\\)\\(?:\\\\)*(?:'|\Z)")  # '...' could not end after it


def expression_of(node: Mapping[str, Any]) -> str:
    """The text of a parsed (sub-)expression, written as a person would."""
    return _written(node, bare=False)


def _written(node: Mapping[str, Any], *, bare: bool) -> str:
    """A `bare` text follows a joint, where JMESPath takes no parenthesis at its beginning."""
    spine = _SPINES.get(node["type"])
    return spine(node, bare) if spine else _WRITERS[node["type"]](node)


def _children(node: Mapping[str, Any]) -> list[str]:
    return [expression_of(child) for child in node["children"]]


def _name(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else json.dumps(name, ensure_ascii=False)


def _literal(node: Mapping[str, Any]) -> str:
    value = node["value"]
    if isinstance(value, str) and not _NOT_RAW.search(value):
        return "'" + value.replace("'", "\\'") + "'"
    return "`" + json.dumps(value, ensure_ascii=False).replace("`", "\\`") + "`"


def _operand(node: Mapping[str, Any]) -> str:
    """A part that binds looser than what surrounds it needs its parentheses back."""
    text = expression_of(node)
    return f"({text})" if node["type"] in _LOOSE else text


def _left(node: Mapping[str, Any], *, bare: bool) -> str:
    """The left side of a joint. An open one takes in what follows unless it is closed."""
    text = _written(node, bare=bare)
    return text if bare or not (node["type"] in _LOOSE or _is_open(node)) else f"({text})"


def _is_open(node: Mapping[str, Any]) -> bool:
    while node["type"] == "subexpression":
        node = node["children"][-1]
    return node["type"] in _OPEN


def _joined(left: str, node: Mapping[str, Any]) -> str:
    """`a.b`, `a[0]`: the right side decides the joint; only a list of names needs its dot."""
    right = _written(node, bare=True)
    if not left or not right:
        return left + right
    first = node
    while first["children"] and first["type"] in _LEFT_FIRST:
        first = first["children"][0]
    bracket = right.startswith("[") and first["type"] != "multi_select_list"
    return f"{left}{right}" if bracket else f"{left}.{right}"


def _chain(node: Mapping[str, Any], bare: bool) -> str:  # noqa: FBT001 - a writer
    first, *rest = node["children"]
    text = _joined(_left(first, bare=bare), rest[0])
    for before, child in pairwise(rest):
        closed = f"({text})" if _is_open(before) and not bare else text
        text = _joined(closed, child)
    return text


def _grouped(node: Mapping[str, Any], operator: str) -> str:
    tight = ("comparator", "not_expression", node["type"])
    return f" {operator} ".join(
        expression_of(child) if child["type"] in tight else _operand(child)
        for child in node["children"]
    )


def _piped(node: Mapping[str, Any]) -> str:
    return " | ".join(
        _operand(child) if child["type"] == "expref" else expression_of(child)
        for child in node["children"]
    )


def _projection(node: Mapping[str, Any], bare: bool) -> str:  # noqa: FBT001
    source, rest = node["children"]
    joint = "" if _projects_by_itself(source) else "[*]"
    return _joined(_left(source, bare=bare) + joint, rest)


def _value_projection(node: Mapping[str, Any], bare: bool) -> str:  # noqa: FBT001
    source, rest = node["children"]
    left = _left(source, bare=bare)
    return _joined(f"{left}.*" if left else "*", rest)


def _projects_by_itself(node: Mapping[str, Any]) -> bool:
    """`a[]` and `a[1:2]` project what follows without a further `[*]`; `a[0][1:2]` does not."""
    if node["type"] == "index_expression":
        _, *parts = node["children"]
        return len(parts) == 1 and parts[0]["type"] == "slice"
    return bool(node["type"] == "flatten")


def _slice(node: Mapping[str, Any]) -> str:
    return "[" + ":".join("" if part is None else str(part) for part in node["children"]) + "]"


def _filter(node: Mapping[str, Any], bare: bool) -> str:  # noqa: FBT001
    source, rest, condition = node["children"]
    return _joined(f"{_left(source, bare=bare)}[?{expression_of(condition)}]", rest)


def _list(node: Mapping[str, Any]) -> str:
    children = _children(node)
    return "[(*)]" if children == ["*"] else f"[{', '.join(children)}]"


def _negation(node: Mapping[str, Any]) -> str:
    (child,) = node["children"]
    text = expression_of(child)
    return f"!{text}" if child["type"] in _AFTER_NOT else f"!({text})"


def _comparison(node: Mapping[str, Any]) -> str:
    return f" {_COMPARATORS[node['value']]} ".join(_operand(child) for child in node["children"])


_SPINES: Final[Mapping[str, Callable[[Mapping[str, Any], bool], str]]] = {
    "subexpression": _chain,
    "index_expression": _chain,
    "projection": _projection,
    "value_projection": _value_projection,
    "filter_projection": _filter,
}
_WRITERS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "and_expression": lambda node: _grouped(node, "&&"),
    "or_expression": lambda node: _grouped(node, "||"),
    "not_expression": _negation,
    "comparator": _comparison,
    "field": lambda node: _name(node["value"]),
    "literal": _literal,
    "written": lambda node: str(node["value"]),  # already: a value in the place of a part
    "current": lambda _: "@",
    "identity": lambda _: "",
    "expref": lambda node: f"&{_operand(node['children'][0])}",
    "function_expression": lambda node: f"{node['value']}({', '.join(_children(node))})",
    "index": lambda node: f"[{node['value']}]",
    "slice": _slice,
    "flatten": lambda node: f"{_operand(node['children'][0])}[]",
    "pipe": _piped,
    "multi_select_list": _list,
    "multi_select_dict": lambda node: "{" + ", ".join(_children(node)) + "}",
    "key_val_pair": lambda node: f"{_name(node['value'])}: {_children(node)[0]}",
}
