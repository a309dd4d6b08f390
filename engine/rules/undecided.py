"""Values that a condition may meet before they are known, and how it asks them."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from jmespath import visitor
from typing_extensions import override


class CannotTellError(Exception):
    """A condition cannot be told; the message says why."""


class UndecidedError(CannotTellError):
    """It cannot be told yet: it depends on what is not known before a step is performed."""


class Undecided:
    """A value that is not known yet: a path into it is not known either, anything else asks."""

    __slots__ = ()

    def ask(self) -> NoReturn:
        """Raise UndecidedError with what it depends on."""
        raise UndecidedError


_TreeInterpreter: Any = visitor.TreeInterpreter  # the stubs want a node type of their own
_ASKS_FIRST: Final = ("flatten", "projection", "value_projection", "filter_projection")
_ASKS_ALL: Final = ("comparator", "function_expression")
_ASKS_ITSELF: Final = ("index", "slice")
# The library looks each of its methods up by name again for every expression it evaluates.
_METHODS: Final[Mapping[str, Any]] = {
    name.removeprefix("visit_"): getattr(_TreeInterpreter, name)
    for name in dir(_TreeInterpreter)
    if name.startswith("visit_")
}


class Interpreter(_TreeInterpreter):  # type: ignore[misc]  # as above
    """JMESPath's own interpreter. It takes for null what is no list or number; here it asks.

    It is for one evaluation.

    Each node is visited once, as the library does: what a node does with an undecided part is
    looked up in the node around it.
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._around: list[Mapping[str, Any]] = []

    @override
    def visit(self, node: Any, value: Any) -> Any:
        kind, around = node["type"], self._around
        if kind in _ASKS_ITSELF and isinstance(value, Undecided):
            value.ask()
        around.append(node)
        found = _METHODS[kind](self, node, value)
        around.pop()
        if isinstance(found, Undecided) and around and _asks(around[-1], node):
            found.ask()
        return found


def _asks(around: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether a node has to know the value of this part of it."""
    kind = around["type"]
    return kind in _ASKS_ALL or (kind in _ASKS_FIRST and node is around["children"][0])
