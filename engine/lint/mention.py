"""Which values of the document an expression asks for: `incident.labels`, `alerts[].title`.

A path is followed as far as the expression says which name comes next; what it does with the value
then is not looked at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jinja2 import nodes

from engine.lint.fields import ELEMENT, VALUE
from engine.lint.possible import Constant, constant_part
from engine.playbooks.template import Template
from engine.rules.condition import Condition

Path = tuple[str, ...]
Node = Mapping[str, Any]


class Mention(NamedTuple):
    """One path that an expression asks for, and where its last name stands in the text.

    Templates keep no positions: for them `offset_in` has to look.
    """

    path: Path
    offset: int | None
    defaulted: bool = False  # a template says itself what to take if it is not there


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison, or an argument: a path, a literal, or neither."""

    node: Node
    path: Path | None
    offset: int | None  # of its first name or literal

    @property
    def is_literal(self) -> bool:
        return bool(self.node["type"] == "literal")

    @property
    def literal(self) -> Any:
        return self.node["value"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; the operator is `eq ne lt lte gt gte`, as JMESPath calls it."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Asked:
    """What a condition asks: its paths, its comparisons, and its calls of functions."""

    mentions: tuple[Mention, ...]
    comparisons: tuple[Comparison, ...]
    calls: tuple[tuple[str, tuple[Operand, ...]], ...]
    constant: Constant | None  # the part of it that is always the same, if there is one


def asked_by(condition: Condition) -> Asked:
    """All that a condition asks the document for."""
    places = condition.places()
    looking = _Looking(places)
    looking.follow(condition.tree, ())
    return Asked(
        tuple(looking.mentions),
        tuple(looking.comparisons),
        tuple(looking.calls),
        constant_part(condition.tree, places),
    )


class _Looking:
    """Walks a parsed JMESPath expression. A path of None is one that cannot be told."""

    def __init__(self, places: Mapping[int, int]) -> None:
        self._places = places
        self.mentions: list[Mention] = []
        self.comparisons: list[Comparison] = []
        self.calls: list[tuple[str, tuple[Operand, ...]]] = []

    def follow(self, node: Node, base: Path | None) -> Path | None:
        """The path of the node's value, where it is looked up at `base`."""
        children = node["children"]
        match node["type"]:
            case "field":
                return self._field(node, base)
            case "index":
                return _inside(base, ELEMENT)
            case "current" | "identity" | "slice":
                return base
            case "subexpression" | "index_expression" | "pipe" | "flatten":
                for child in children:
                    base = self.follow(child, base)
                return base
            case _:
                self._look_inside(node, base)
                return None

    def _look_inside(self, node: Node, base: Path | None) -> None:
        """Its value is at no path; its parts may be."""
        children = node["children"]
        match node["type"]:
            case "projection" | "filter_projection" | "value_projection" as kind:
                part = VALUE if kind == "value_projection" else ELEMENT
                base = _inside(self.follow(children[0], base), part)
                children = children[1:]
            case "comparator":
                left, right = (self._operand(child, base) for child in children)
                self.comparisons.append(Comparison(node["value"], left, right))
                return
            case "function_expression":
                arguments = tuple(self._operand(child, base) for child in children)
                self.calls.append((node["value"], arguments))
                return
            case "expref":
                base = None
            case _:
                pass
        for child in children:
            self.follow(child, base)

    def _field(self, node: Node, base: Path | None) -> Path | None:
        path = _inside(base, node["value"])
        if path is not None:
            self.mentions.append(Mention(path, self._places[id(node)]))
        return path

    def _operand(self, node: Node, base: Path | None) -> Operand:
        return Operand(node, self.follow(node, base), self._first_place(node))

    def _first_place(self, node: Node) -> int | None:
        if id(node) in self._places:
            return self._places[id(node)]
        places = (self._first_place(one) for one in node["children"] if isinstance(one, Mapping))
        return min((place for place in places if place is not None), default=None)


def _inside(base: Path | None, part: str) -> Path | None:
    return None if base is None else (*base, part)


@dataclass(frozen=True, slots=True)
class AskedByTemplate:
    """What a template asks: its paths, and the texts that it compares them with."""

    mentions: tuple[Mention, ...]
    words: tuple[tuple[Path, str], ...]


def asked_by_template(template: Template) -> AskedByTemplate:
    """All that a template asks the document for; names it makes itself are left out."""
    looking = _LookingAtTemplate()
    looking.look(template.tree)
    return AskedByTemplate(
        tuple(one for one in dict.fromkeys(looking.mentions) if one.path[0] not in looking.own),
        tuple(looking.words),
    )


class _LookingAtTemplate:
    """Walks a parsed template."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.mentions: list[Mention] = []
        self.words: list[tuple[Path, str]] = []

    def look(self, node: nodes.Node, *, defaulted: bool = False) -> None:
        match node:
            case nodes.Const() | nodes.TemplateData():
                pass
            case nodes.Name() | nodes.Getattr() | nodes.Getitem() if path := path_of(node):
                # A default is for the last name alone: without what is before it, it fails.
                for length in range(1, len(path)):
                    self.mentions.append(Mention(path[:length], None))
                self.mentions.append(Mention(path, None, defaulted))
            case nodes.Name(name=name):
                self.own.add(name)
            case nodes.Template(body=inside) | nodes.Output(nodes=inside):
                for child in inside:
                    self.look(child)
            case _:
                seen = self._look_at(node)
                for child in node.iter_child_nodes():
                    if child is not seen:
                        self.look(child)

    def _look_at(self, node: nodes.Node) -> nodes.Node | None:
        """What there is to see in a node; and which of its parts has been looked at then."""
        match node:
            case nodes.Filter(node=nodes.Node() as seen, name="default" | "d"):
                self.look(seen, defaulted=True)
            case nodes.Test(node=seen, name="defined" | "undefined"):
                self.look(seen, defaulted=True)
            case nodes.Call(node=nodes.Getattr() as seen):
                self._look_at_call(seen, node.args)
            case nodes.Compare():
                self._look_at_words(node)
                return None
            case _:
                return None
        return seen

    def _look_at_call(self, method: nodes.Getattr, arguments: Sequence[nodes.Expr]) -> None:
        """What is called is a method, of a text, a list or a mapping, and no field."""
        self.look(method.node)
        path = path_of(method.node)
        name = arguments[0] if method.attr == "get" and arguments else None
        if path is not None and isinstance(name, nodes.Const):
            self.mentions.append(Mention((*path, str(name.value)), None, defaulted=True))

    def _look_at_words(self, node: nodes.Compare) -> None:
        path = path_of(node.expr)
        for operand in node.ops if path is not None else ():
            self.words += ((path or (), word) for word in _constants(operand))


def _constants(operand: nodes.Operand) -> list[str]:
    match operand:
        case nodes.Operand(op="eq" | "ne", expr=nodes.Const(value=str(word))):
            return [word]
        case nodes.Operand(op="in" | "notin", expr=nodes.List(items=items)):
            words = [item.value for item in items if isinstance(item, nodes.Const)]
        case nodes.Operand(op="in" | "notin", expr=nodes.Tuple(items=items)):
            words = [item.value for item in items if isinstance(item, nodes.Const)]
        case _:
            return []
    return [word for word in words if isinstance(word, str)]


def path_of(node: nodes.Node) -> Path | None:
    """The path that `a.b['c'][0]` is; None for any other expression."""
    parts: list[str] = []
    while True:
        match node:
            case nodes.Name(name=name, ctx="load"):
                return (name, *reversed(parts))
            case nodes.Getattr(node=inner, attr=name):
                parts.append(name)
            case nodes.Getitem(node=inner, arg=nodes.Const(value=str(name))):
                parts.append(name)
            case nodes.Getitem(node=inner, arg=nodes.Const(value=int())):
                parts.append(ELEMENT)
            case _:
                return None
        node = inner


def offset_in(source: str, path: Path) -> int:
    """Where a template first asks for a path: the place of its last name. 0 if it is not found."""
    root, *parts = (re.escape(part) for part in path)
    pattern = rf"(?<![\w.])({root})\b"
    for name, part in zip(parts, path[1:], strict=True):
        if part == ELEMENT:
            pattern += r"\s*\[(-?\d+)\]"
        else:
            named, quoted = rf"\.\s*({name})\b", rf"['\"]({name})['\"]"
            pattern += rf"\s*(?:{named}|\[\s*{quoted}|\.get\(\s*{quoted})"
    match = re.search(pattern, source)
    return 0 if match is None or match.lastindex is None else match.start(match.lastindex)


def written(path: Sequence[str]) -> str:
    """A path as people write it: `alerts[].labels`."""
    first, *rest = path
    return first + "".join(part if part == ELEMENT else f".{part}" for part in rest)
