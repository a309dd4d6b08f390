"""A number compared with a text.

They are never equal, and an order of anything but two numbers is null.

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
from engine.lint.checks.unknown_field import written
from engine.lint.fields import Kind
from engine.lint.mention import Comparison, Operand
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
    for side in (one.left, one.right):
        if side.is_literal and not _is_number(side.literal):
            shown = json.dumps(side.literal, ensure_ascii=False).strip('"')
            hint = "a number stands between backticks: `5`"
            if isinstance(side.literal, str) and side.literal.isdecimal():
                hint = f"it is written so: `{side.literal}`"
            return f"only numbers have an order, and '{shown}' is none", side, hint
        if side.path is not None and _kind_of(placed, side) is Kind.TEXT:
            name = written(side.path)
            said = f"only numbers have an order, and '{name}' is a text"
            return said, side, f"make it a number: to_number({name})"
    return None


def _kind_of(placed: PlacedCondition, side: Operand) -> Kind | None:
    if side.path is None:
        return None
    shape, known = placed.sees.follow(side.path)
    return shape if isinstance(shape, Kind) and known == len(side.path) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


CHECK: Final = Check("number-and-text", "error", _find, __doc__)
