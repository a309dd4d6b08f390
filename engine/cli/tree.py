"""Shows why a trigger took an event or did not: one tree, wherever a command has one to show."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from engine.cli.screen import line, mark, styled
from engine.rules.absent import Absent
from engine.rules.condition import Answer
from engine.rules.explain import Explanation
from engine.rules.shown import in_place

_STEP: Final = "  "
_ARROW: Final = "  →  "
_WHEN: Final = "when"


def show_tree(screen: Console, tree: Explanation, indent: str, *, whole: bool = False) -> None:
    """The tree of a trigger; not the `whole` of it: its condition, if it came to that.

    What did not decide is dim, and where there is such an arrow points to what did.
    """
    parts = tree.parts if whole else [part for part in tree.deciding if part.key == _WHEN]
    pointing = not all(_all_decide(part) and _decides(tree, part) for part in parts)
    for part in parts:
        for text in _lines(part, indent, decides=_decides(tree, part), pointing=pointing):
            screen.print(text, soft_wrap=True)


def _lines(node: Explanation, indent: str, *, decides: bool, pointing: bool) -> Iterator[Text]:
    style = "" if decides else "dim"
    inside = node.joined_by is not None and bool(node.deciding)
    arrow = "  ← this decides" if pointing and decides and not inside else ""
    head = Text(indent) + mark(node.answer.value)
    yield head + styled(f" {_said(node)}{arrow}", style)
    indent += _STEP
    if node.absent is not None:
        yield styled(_absent(indent, node, node.absent), style)
    for part in node.parts:
        if node.joined_by is not None or part.parts:
            further = decides and _decides(node, part)
            yield from _lines(part, indent, decides=further, pointing=pointing and inside)
        elif part.absent is not None:
            yield styled(_absent(indent, part, part.absent), style)


def _said(node: Explanation) -> str:
    """`labels.service == 'engine'  →  'web' == 'engine'  →  no`."""
    said = [line(f"when: {node.text}" if node.key == _WHEN else node.text)]
    if node.with_values is not None:
        said.append(line(node.with_values))
    if node.absent is not None:
        said.append("absent")
    elif _has_value(node):
        plain = isinstance(node.value, str) and node.key not in (None, _WHEN)
        said.append(line(node.value) if plain else in_place(node.value))
    reason = "" if node.reason is None else f": {line(node.reason)}"
    return _ARROW.join([*said, node.answer.value + reason])


def _has_value(node: Explanation) -> bool:
    """Whether its value says more than its answer."""
    if node.joined_by is not None or (
        node.with_values is not None and isinstance(node.value, bool)
    ):
        return False
    return node.value is not None or (node.answer is Answer.NO and node.reason is None)


def _absent(indent: str, node: Explanation, absent: Absent) -> str:
    return f"{indent}{_STEP}{line(node.text)} is absent: {line(absent.said, 500)}"


def _decides(node: Explanation, part: Explanation) -> bool:
    return any(part is one for one in node.deciding)


def _all_decide(node: Explanation) -> bool:
    return all(_decides(node, part) and _all_decide(part) for part in node.parts)
