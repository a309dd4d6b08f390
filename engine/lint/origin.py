"""Where the value of a template comes from: from an event, which others can write, or not.

Only what becomes (a part of) the value counts: a label that chooses one of several written values
is no part of it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from jinja2 import nodes

from engine.lint.fields import Kind, words_of
from engine.lint.mention import Path, path_of
from engine.lint.subject import SET, PlacedTemplate, Subject

# Labels, titles and fields come from alerts, and so from whatever sends alerts.
_FOREIGN: Final = (
    *("incident", "alert", "alerts", "labels", "fields", "title", "channel", "payload", "person"),
    "item",
)
_FOREIGN_OF_EVENT: Final = ("query", "headers")
_SAFE: Final = (Kind.NUMBER, Kind.TRUTH)
# Functions that say whether a value is one of those that were expected.
_LOOKING: Final = ("matches", "in_cidr", "contains")
_EQUAL: Final = ("eq", "ne")
_WORDLESS: Final = ("length", "count", "int", "float", "hash")  # filters that leave no text


class Origins:
    """Knows, of one file, which values are foreign and which of them the playbook looks at."""

    def __init__(self, subject: Subject) -> None:
        self._variables = _variables(subject)
        self._checked = frozenset(_checked(subject))

    def foreign(self, placed: PlacedTemplate, node: nodes.Node) -> Path | None:
        """A path of an event that becomes part of this value, and that nothing looks at."""
        for path in _parts(node):
            if path in self._checked:
                continue
            if path[0] == "vars" and len(path) > 1:
                if any(self._is_foreign(one, frozenset({path[1]})) for one in self._of(path[1])):
                    return path
            elif _is_foreign(path, placed):
                return path
        return None

    def _of(self, name: str) -> list[PlacedTemplate]:
        return self._variables.get(name, [])

    def _is_foreign(self, placed: PlacedTemplate, seen: frozenset[str]) -> bool:
        for path in _parts(placed.template.tree):
            if path in self._checked:
                continue
            if path[0] == "vars" and len(path) > 1:
                name = path[1]
                inner = () if name in seen else self._of(name)
                if any(self._is_foreign(one, seen | {name}) for one in inner):
                    return True
            elif _is_foreign(path, placed):
                return True
        return False


def _is_foreign(path: Path, placed: PlacedTemplate) -> bool:
    if path[0] not in _FOREIGN and path[:1] + path[1:2] not in {
        ("event", name) for name in _FOREIGN_OF_EVENT
    }:
        return False
    shape, _ = placed.sees.follow(path)
    return shape not in _SAFE and words_of(path) is None and not path[-1].endswith("_id")


def _parts(node: nodes.Node) -> Iterator[Path]:
    """The paths that become part of the value of an expression, or of a whole template."""
    if (path := path_of(node)) is not None:
        yield path
        return
    inner: list[nodes.Node] = []
    match node:
        case nodes.Getitem(node=whole) | nodes.Getattr(node=whole):
            inner = [whole]
        case nodes.CondExpr(expr1=one, expr2=other):
            inner = [one] if other is None else [one, other]
        case nodes.Filter(name=name) if name in _WORDLESS:
            pass
        case nodes.Call(node=nodes.Getattr(node=whole, attr="get"), args=arguments):
            inner = [whole, *arguments[1:]]  # the first names what is taken
        case nodes.Call(node=nodes.Getattr(node=whole), args=arguments):
            inner = [whole, *arguments]
        case nodes.Compare() | nodes.Test() | nodes.Not():
            pass
        case nodes.If(body=body, elif_=more, else_=rest):
            inner = [*body, *more, *rest]
        case _:
            inner = list(node.iter_child_nodes())
    for part in inner:
        yield from _parts(part)


def _variables(subject: Subject) -> Mapping[str, list[PlacedTemplate]]:
    """The templates that make each variable, in `vars` and in every `set`."""
    found: dict[str, list[PlacedTemplate]] = {}
    for placed in subject.templates:
        path = placed.path
        if path[0] == "vars":
            found.setdefault(str(path[1]), []).append(placed)
        elif placed.step is not None and placed.step.key == SET:
            name = path[len(placed.step.path) + 1 :][:1]
            for one in name:
                found.setdefault(str(one), []).append(placed)
    return found


def _checked(subject: Subject) -> Iterator[Path]:
    """The values that a condition compares with something that is written there."""
    for placed in subject.conditions:
        if placed.path[-1] != "when":
            continue
        for one in placed.asked.comparisons:
            sides = (one.left, one.right)
            if one.operator in _EQUAL and any(side.is_literal and side.literal for side in sides):
                yield from (side.path for side in sides if side.path is not None)
        for name, given in placed.asked.calls:
            if name in _LOOKING:
                yield from (side.path for side in given if side.path is not None)
