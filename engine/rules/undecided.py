"""Values that a condition may meet before they are known, and how it asks them."""

from collections.abc import Callable, Mapping
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
# A function evaluates the expressions it is given itself.
_ASKS_ALL: Final = ("comparator", "function_expression", "expref")
_ASKS_ITSELF: Final = ("index", "slice")

Node = Mapping[str, Any]
Visit = Callable[[Node, Any], Any]


class Interpreter(_TreeInterpreter):  # type: ignore[misc]  # as above
    """JMESPath's own interpreter. It takes for null what is no list or number; here it asks.

    It holds nothing of an evaluation: one is for all of them. Each node is visited once.
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        asking = _Asking(options, self)
        # Looked up once: the library looks each of its methods up by name again for every node.
        self.visits: dict[str, Visit] = {
            **_visits_of(self),
            **{kind: _asks_first(self, asking, kind) for kind in _ASKS_FIRST},
            **{kind: getattr(asking, f"visit_{kind}") for kind in _ASKS_ALL},
            **{kind: _asks_itself(self, kind) for kind in _ASKS_ITSELF},
        }

    @override
    def visit(self, node: Node, value: Any) -> Any:
        return self.visits[node["type"]](node, value)


class _Asking(_TreeInterpreter):  # type: ignore[misc]  # as above
    """Visits what has to know the value of each of its parts."""

    def __init__(self, options: Any, within: Interpreter) -> None:
        super().__init__(options)
        self._within = within

    @override
    def visit(self, node: Node, value: Any) -> Any:
        found = self._within.visits[node["type"]](node, value)
        if isinstance(found, Undecided):
            found.ask()
        return found


def _visits_of(interpreter: Interpreter) -> dict[str, Visit]:
    return {
        name.removeprefix("visit_"): getattr(interpreter, name)
        for name in dir(_TreeInterpreter)
        if name.startswith("visit_")
    }


def _asks_first(interpreter: Interpreter, asking: _Asking, kind: str) -> Visit:
    """Has to know what it looks into, and nothing of what it finds there."""
    visit_known: Visit = getattr(interpreter, f"visit_{kind}")

    def visit(node: Node, value: Any) -> Any:
        first, *others = node["children"]
        known = {"type": "literal", "value": asking.visit(first, value), "children": []}
        return visit_known({**node, "children": [known, *others]}, value)

    return visit


def _asks_itself(interpreter: Interpreter, kind: str) -> Visit:
    """Has to know what it is asked of."""
    visit_known: Visit = getattr(interpreter, f"visit_{kind}")

    def visit(node: Node, value: Any) -> Any:
        if isinstance(value, Undecided):
            value.ask()
        return visit_known(node, value)

    return visit
