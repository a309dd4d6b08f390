"""One sentence that says what made a condition answer as it did. It looks at no more than that."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.rules.condition import Answer, evaluate, is_true
from engine.rules.shown import as_text
from engine.rules.undecided import CannotTellError
from engine.rules.written import expression_of

SILENT: Final = ("literal", "current", "identity", "expref")  # their value is their text
ASKS_PARTS: Final = ("comparator", "function_expression")
_STOPS_AT_FIRST: Final = {"and_expression": Answer.NO, "or_expression": Answer.YES}

Node = Mapping[str, Any]


def why(tree: Node, document: Any) -> str:
    """Of a parsed expression over a document."""
    return _why(tree, document, *_ask(tree, document))


def joined(node: Node) -> Iterator[Node]:
    """The children; of `a && b && c` all three, which are nested in pairs."""
    for child in node["children"]:
        if child["type"] == node["type"] and node["type"] in _STOPS_AT_FIRST:
            yield from joined(child)
        else:
            yield child


def _ask(node: Node, document: Any) -> tuple[Answer, Any]:
    """Its answer, with its value or with why it cannot be told."""
    try:
        value = evaluate(node, document)
        return Answer.YES if is_true(value) else Answer.NO, value
    except CannotTellError as error:
        return Answer.CANNOT_TELL, str(error)


def _why(node: Node, document: Any, answer: Answer, value: Any) -> str:
    parts = [part for part in joined(node) if part["type"] not in SILENT]
    if node["type"] == "not_expression" and parts:
        return f"{expression_of(node)}: {why(parts[0], document)}"
    if node["type"] in _STOPS_AT_FIRST:
        asked = ((part, *_ask(part, document)) for part in parts)
        deciding = (one for one in asked if one[1] is answer)
        reasons = (_why(part, document, *told) for part, *told in deciding)
        if answer in (_STOPS_AT_FIRST[node["type"]], Answer.CANNOT_TELL):
            said = next(reasons, "")
        else:
            said = ", and ".join(reasons)
        if said:
            return said
    if answer is Answer.CANNOT_TELL:
        return f"{expression_of(node)}: {value}"
    if node["type"] in ASKS_PARTS and parts:
        values = [(expression_of(part), _ask(part, document)[1]) for part in parts]
        return ", ".join(f"{text} is {as_text(value)}" for text, value in values)
    return f"{expression_of(node)} is {as_text(value)}"
