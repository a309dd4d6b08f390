"""Templates that are text around paths, such as `{{ config.lb_url }}/drain`: four of five are.

To read them needs none of Jinja's parser, which takes ten times as long. What comes of it is what
the parser would make of them, node by node; all that is the least different is left to the parser.
"""

import re
from typing import Final

from jinja2 import nodes

# On one line, without the signs that take away the spaces around; a comment leaves nothing.
_PART: Final = re.compile(
    r"([^{\r\n]+)"
    r"|\{\{ *([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*) *\}\}"
    r"|\{#(?![-+])[^#{}\r\n]*(?<![-+])#\}"
)
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
