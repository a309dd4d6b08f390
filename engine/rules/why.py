"""One sentence that says what made a condition answer as it did. It looks at no more than that."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.rules.condition import Answer, Verdict, evaluate, is_true
from engine.rules.shown import as_text
from engine.rules.undecided import CannotTellError
from engine.rules.written import expression_of

SILENT: Final = ("literal", "current", "identity", "expref")  # their value is their text
ASKS_PARTS: Final = ("comparator", "function_expression")
_STOPS_AT_FIRST: Final = {"and_expression": Answer.NO, "or_expression": Answer.YES}

Node = Mapping[str, Any]


def why(node: Node, document: Any, verdict: Verdict) -> str:
    """Of a parsed expression, and what it said over a document."""
    answer = verdict.answer
    parts = [part for part in joined(node) if part["type"] not in SILENT]
    if node["type"] == "not_expression" and parts:
        return f"{expression_of(node)}: {why(parts[0], document, _ask(parts[0], document))}"
    if node["type"] in _STOPS_AT_FIRST:
        asked = ((part, _ask(part, document)) for part in parts)
        reasons = (why(part, document, said) for part, said in asked if said.answer is answer)
        if answer in (_STOPS_AT_FIRST[node["type"]], Answer.CANNOT_TELL):
            decided = next(reasons, "")
        else:
            decided = ", and ".join(reasons)
        if decided:
            return decided
    if answer is Answer.CANNOT_TELL:
        return f"{expression_of(node)}: {verdict.reason}"
    shown = parts if node["type"] in ASKS_PARTS and parts else [node]
    return ", ".join(f"{expression_of(one)} is {as_text(evaluate(one, document))}" for one in shown)


def joined(node: Node) -> Iterator[Node]:
    """The children; of `a && b && c` all three, which are nested in pairs."""
    for child in node["children"]:
        if child["type"] == node["type"] and node["type"] in _STOPS_AT_FIRST:
            yield from joined(child)
        else:
            yield child


def _ask(node: Node, document: Any) -> Verdict:
    try:
        return Verdict(Answer.YES if is_true(evaluate(node, document)) else Answer.NO)
    except CannotTellError as error:  # whether it is true may be what cannot be told yet
        return Verdict(Answer.CANNOT_TELL, str(error))
