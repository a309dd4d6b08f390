"""A number compared with a text.

They are never equal, and which is greater cannot be told. Of two texts that hold numbers it can,
letter by letter, and is not what one means.

    wrong:  http: { url: "{{ config.lb_url }}", expect: status == '200' }
    right:  http: { url: "{{ config.lb_url }}", expect: status == `200` }

    wrong:  when: labels.count > `3`
    right:  when: to_number(labels.count) > `3`

Numbers stand in backticks, texts in single quotes. Labels are texts, always.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.fields import Kind
from engine.lint.mention import Comparison, Operand, written
from engine.lint.subject import PlacedCondition, Subject

_EQUAL: Final = ("eq", "ne")


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed in subject.conditions:
        for one in placed.asked.comparisons:
            found = _unlike(placed, one) if one.operator in _EQUAL else _unordered(placed, one)
            if found is not None:
                message, operand, hint = found
                where = subject.marked.locate_in(placed.path, operand.offset or 0)
                yield Finding(message, where, hint)


def _unlike(placed: PlacedCondition, one: Comparison) -> tuple[str, Operand, str] | None:
    for side, literal in ((one.left, one.right), (one.right, one.left)):
        kind, value = _kind_of(placed, side), literal.literal if literal.is_literal else None
        if side.path is None or kind is None or value is None:
            continue
        name, shown = written(side.path), json.dumps(value, ensure_ascii=False)
        if isinstance(value, str) and kind in (Kind.NUMBER, Kind.TRUTH):
            said = f"'{name}' is {kind.value}, and never equal to the text '{value}'"
            return said, literal, f"it is written so: `{value}`"
        if isinstance(value, (int, float)) and kind is Kind.TEXT:
            said = f"'{name}' is a text, and never equal to {shown}"
            return said, literal, f"a text is quoted so: '{shown}'"
    return None


def _unordered(placed: PlacedCondition, one: Comparison) -> tuple[str, Operand, str] | None:
    for side, other in ((one.left, one.right), (one.right, one.left)):
        kind = _kind_of(placed, side)
        if side.path is None or not other.is_literal:
            continue
        name, value = written(side.path), other.literal
        if kind is Kind.TEXT and _is_number(value):
            said = f"'{name}' is a text, and has no order with the number {json.dumps(value)}"
            return said, other, f"make it a number: to_number({name})"
        if kind is Kind.NUMBER and isinstance(value, str):
            said = f"'{name}' is a number, and has no order with the text '{value}'"
            return said, other, f"it is written so: `{value}`"
        if kind is Kind.TEXT and isinstance(value, str) and value.isdecimal():
            said = "texts are ordered letter by letter: '100' comes before '20'"
            return said, other, f"compare numbers: to_number({name}) and `{value}`"
    return None


def _kind_of(placed: PlacedCondition, side: Operand) -> Kind | None:
    if side.path is None:
        return None
    shape, known = placed.sees.follow(side.path)
    return shape if isinstance(shape, Kind) and known == len(side.path) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


CHECK: Final = Check("number-and-text", "error", _find, __doc__)
