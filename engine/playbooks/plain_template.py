"""Templates that are text around paths, such as `{{ config.lb_url }}/drain`: four of five are.

To read them needs none of Jinja's parser, which takes ten times as long. What comes of it is what
the parser would make of them, node by node; all that is the least different is left to the parser.
To render them over data that has texts there needs none of Jinja either. What it would make of
anything else, and what it would say, is left to it.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

from jinja2 import nodes

# On one line, without the signs that take away the spaces around; a comment leaves nothing.
_PART: Final = re.compile(
    r"([^{\r\n]+)"
    r"|\{\{ *([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*) *\}\}"
    r"|\{#(?![-+])[^#{}\r\n]*(?<![-+])#\}"
)
Parts: TypeAlias = tuple[str | tuple[str, ...], ...]  # texts, and paths by their names
_OWN: Final = "self"  # what Jinja itself means by it, whatever the document has


class Left(Enum):
    """What is left to Jinja."""

    TO_JINJA = "to jinja"


LEFT: Final = Left.TO_JINJA

_NO_NAMES: Final = frozenset({"not", "true", "false", "none", "True", "False", "None"})


def plain_tree(source: str) -> nodes.Template | None:
    """The parsed template; None where it is not as plain as that."""
    parts: list[nodes.Expr] = []
    at = 0
    while at < len(source):
        match = _PART.match(source, at)
        if match is None:
            return None
        text, path = match.groups()
        if text is not None:
            parts.append(nodes.TemplateData(text, lineno=1))
        elif path is not None:
            root, *names = path.split(".")
            if root in _NO_NAMES:
                return None
            value: nodes.Expr = nodes.Name(root, "load", lineno=1)
            for name in names:
                value = nodes.Getattr(value, name, "load", lineno=1)
            parts.append(value)
        at = match.end()
    return nodes.Template([nodes.Output(parts, lineno=1)] if parts else [], lineno=1)


def parts_of(tree: nodes.Template) -> Parts | None:
    """The texts and paths that a parsed template is made of; None where there is more to it."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts: list[str | tuple[str, ...]] = []
    for node in tree.body[0].nodes:
        part = node.data if isinstance(node, nodes.TemplateData) else _path_of(node)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _path_of(node: nodes.Expr) -> tuple[str, ...] | None:
    names: list[str] = []
    while isinstance(node, nodes.Getattr):
        names.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name) or node.name == _OWN:
        return None
    return (node.name, *reversed(names))


def text_of(parts: Parts, document: Mapping[str, Any], most: int) -> str | Left:
    """The text, where a text of at most so many characters stands at every path."""
    texts = [part if isinstance(part, str) else value_at(part, document) for part in parts]
    # Of its very own kind: what only behaves like a text may not have behaved so yet.
    if not all(type(text) is str for text in texts):
        return LEFT
    text = "".join(texts)
    return text if len(text) <= most else LEFT


def value_at(path: tuple[str, ...], document: Mapping[str, Any]) -> Any:
    """What stands at a path through plain mappings."""
    value: Any = document
    for name in path:
        if type(value) is not dict or name not in value:
            return LEFT
        value = value[name]
    return value
