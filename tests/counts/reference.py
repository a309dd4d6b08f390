"""What instructions are counted in: a piece of Python that uses nothing but the language.

How many instructions the same work takes depends on the interpreter and on how it was built; how many
times those of this piece hardly does. So it is made of what the engine's work is made of: coroutines,
calls that hand their arguments on, methods, nested data, texts. Changing it changes every figure.
"""

from collections.abc import Coroutine
from typing import Any, Final


class Label:
    """One of them."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def shown(self) -> str:
        return f"{self.name}={self.value}"


LABELS: Final = [Label(f"label-{number}", f"value {number}") for number in range(6)]
TREE: Final = {
    "title": "host-7 is down",
    "labels": {label.name: label.value for label in LABELS},
    "alerts": [{"key": number, "labels": {"host": f"host-{number}"}} for number in range(3)],
}


def copied(tree: Any) -> Any:
    """The same, made anew."""
    if isinstance(tree, dict):
        return {name: copied(part) for name, part in tree.items()}
    if isinstance(tree, list):
        return [copied(part) for part in tree]
    return tree


def told(what: str, *, to: str, by: str = "") -> str:
    return to or by or what


def handed_on(*given: str, **named: str) -> str:
    return told(*given, **named)


async def said(what: str) -> str:
    return what


async def passed_on(what: str) -> str:
    return await said(what)


def ended(coroutine: Coroutine[Any, Any, str]) -> str:
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return str(end.value)
    raise AssertionError("it waits for something")


def reference(times: int) -> None:
    """So many times."""
    for _ in range(times):
        assert copied(TREE) == TREE
        for label in LABELS:
            assert handed_on(label.shown(), to=label.name) == label.name
            assert ended(passed_on(label.value)) is label.value
