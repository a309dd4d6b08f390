"""Secrets are used as they are: whatever knows a secret's text has to recognise it again.

A filter that reverses or cuts one would undo its mask in all that the engine writes down. What a
template may do is put it into a text, and write it as URLs, JSON and HTML do.
"""

from collections.abc import Iterator
from typing import Final

import jinja2
from jinja2 import nodes

_ROOT: Final = "secrets"
# They leave a secret as it is, or in a form that is masked as well.
_WRITES: Final = ("string", "trim", "urlencode", "tojson", "e", "escape", "join")
_SAID: Final = "a secret is used as it is: {what} would make a text of it that nobody can mask"
_HOLDS: Final = (
    *(nodes.Concat, nodes.Add, nodes.CondExpr, nodes.And, nodes.Or),
    *(nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair),
)
_ASKS: Final = (nodes.Compare, nodes.Not, nodes.Test, nodes.If, nodes.Output)  # no text comes of it


def refuse_transformed(tree: nodes.Template) -> None:
    """Raises jinja2.TemplateSyntaxError where a secret is made another text."""
    for above in _ways_down(tree, ()):
        what = _transformed(above)
        if what is not None:
            raise jinja2.TemplateSyntaxError(_SAID.format(what=what), above[-1].lineno)


def _ways_down(node: nodes.Node, above: tuple[nodes.Node, ...]) -> Iterator[tuple[nodes.Node, ...]]:
    """To each `secrets`, all nodes from the template down to it."""
    way = (*above, node)
    if isinstance(node, nodes.Name) and node.name == _ROOT and node.ctx == "load":
        yield way
    for child in node.iter_child_nodes():
        yield from _ways_down(child, way)


def _transformed(way: tuple[nodes.Node, ...]) -> str | None:
    """What is done to a secret that it does not stand; None: nothing."""
    *above, access, _ = way
    match access:
        case nodes.Getattr() | nodes.Getitem(arg=nodes.Const(value=str())):
            pass
        case _:
            return "what takes all of them, or one by a name that is computed,"
    inner: nodes.Node = access
    for node in reversed(above):
        if isinstance(node, _ASKS):
            return None
        if not (isinstance(node, _HOLDS) or _is_written(node, inner)):
            return _named(node)
        inner = node
    return None


def _is_written(node: nodes.Node, inner: nodes.Node) -> bool:
    """Whether it is a filter that writes what is inside it."""
    match node:
        case nodes.Filter(name="default" | "d"):
            return True
        case nodes.Filter(name="join", args=[between, *_]) if inner is between:
            return True
        case nodes.Filter(node=filtered, name=name):
            return inner is filtered and name in _WRITES
        case _:
            return False


def _named(node: nodes.Node) -> str:
    match node:
        case nodes.Filter(name=name):
            return f"the filter {name}"
        case nodes.Call() | nodes.Getattr():
            return "a method"
        case nodes.Assign() | nodes.With():
            return "whatever is done to the name it is set to"
        case _:
            return type(node).__name__.lower()
