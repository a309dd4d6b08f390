"""Why a condition answered as it did: each sub-expression with its value, and what decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.rules.absent import Absent, absent_in
from engine.rules.condition import (
    Answer,
    Condition,
    Verdict,
    evaluate,
    is_true,
)
from engine.rules.shown import in_place, shortened
from engine.rules.undecided import CannotTellError
from engine.rules.why import ASKS_PARTS, SILENT, joined, why
from engine.rules.written import expression_of

_LOGIC: Final = {"and_expression": "&&", "or_expression": "||", "not_expression": "!"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sub-expression, the value it has, and the explanations of its parts."""

    text: str
    answer: Answer
    value: Any = None
    reason: str | None = None
    parts: tuple["Explanation", ...] = ()
    joined_by: str | None = None  # && || ! for logic, None for a comparison or a value
    with_values: str | None = None  # of a comparison: its text with values for its parts
    absent: Absent | None = None  # why its value is null
    key: str | None = None  # of a trigger, of which it is what stands there

    @property
    def deciding(self) -> tuple["Explanation", ...]:
        """The parts that made the answer what it is."""
        if self.joined_by not in ("&&", "||"):
            return self.parts
        same = tuple(part for part in self.parts if part.answer is self.answer)
        stops_at_first = Answer.NO if self.joined_by == "&&" else Answer.YES
        return same[:1] if self.answer in (stops_at_first, Answer.CANNOT_TELL) else same

    def as_json(self, *, decides: bool = True) -> dict[str, Any]:
        """The tree, with stable keys. Long texts, lists and mappings in it are shortened.

        - `expression`: the text of the (sub-)expression; `trigger` at the top of a trigger's tree
        - `key`: the key of the trigger that it stands at, such as `action` or `when`; or null
        - `answer`: yes, no or cannot tell
        - `value`: what it is over this event
        - `with_values`: a comparison or a call with values for its parts, or null
        - `reason`: why it cannot be told, or what a key of the trigger has against the event
        - `absent`: null, or the first part of the path that is not there:
          {name, of, found, keys, nearest}
        - `decides`: whether it made the answer at the top what it is
        - `parts`: the same of its parts, in their order
        """
        deciding = self.deciding if decides else ()
        return {
            "expression": self.text,
            "key": self.key,
            "answer": self.answer.value,
            "value": shortened(self.value),
            "with_values": self.with_values,
            "reason": self.reason,
            "absent": None if self.absent is None else self.absent.as_json(),
            "decides": decides,
            "parts": [
                part.as_json(decides=any(part is one for one in deciding)) for part in self.parts
            ],
        }


def explain(condition: Condition, document: Mapping[str, Any]) -> Explanation:
    """The tree of a condition over a document."""
    return _explain(condition.tree, document)


def decide(condition: Condition, document: Mapping[str, Any]) -> Verdict:
    """The condition's answer, with what decided it as the reason for anything but yes."""
    verdict = condition.decide(document)
    if verdict.yes:
        return verdict
    return Verdict(verdict.answer, why(condition.tree, document, verdict))


def _explain(node: Mapping[str, Any], document: Mapping[str, Any]) -> Explanation:
    kind, text = node["type"], expression_of(node)
    joined_by = _LOGIC.get(kind)
    parts: tuple[Explanation, ...] = ()
    with_values: str | None = None
    if joined_by is not None or kind in ASKS_PARTS:
        explained = [(child, _explain(child, document)) for child in joined(node)]
        parts = tuple(part for child, part in explained if child["type"] not in SILENT)
        if kind in ASKS_PARTS:
            with_values = _with_values(node, explained)
    try:
        value = evaluate(node, document)
        answer = Answer.YES if is_true(value) else Answer.NO
    except CannotTellError as error:
        return Explanation(
            text, Answer.CANNOT_TELL, None, str(error), parts, joined_by, with_values
        )
    absent = absent_in(node, document) if value is None else None
    return Explanation(text, answer, value, None, parts, joined_by, with_values, absent)


def _with_values(
    node: Mapping[str, Any], explained: list[tuple[Mapping[str, Any], Explanation]]
) -> str:
    values = [_in_place(child, part) for child, part in explained]
    return expression_of({**node, "children": [{"type": "written", "value": v} for v in values]})


def _in_place(child: Mapping[str, Any], part: Explanation) -> str:
    if child["type"] == "literal":
        return in_place(child["value"])
    if child["type"] in SILENT:
        return part.text
    if part.answer is Answer.CANNOT_TELL:
        return "?"
    return "absent" if part.absent is not None else in_place(part.value)
