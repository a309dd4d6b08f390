"""Expressions that JMESPath takes and nobody means are refused, and it is said what to write."""

import pytest

from engine.rules.condition import Condition, ConditionSyntaxError

NOT = "'!' takes only the name next to it, so this is always null"
WRITE_NOT = "write !(a.b) for !a.b"


@pytest.mark.parametrize(
    ("expression", "offset"),
    [
        ("!labels.muted", 0),
        ("!incident.fields.x[0]", 0),
        ("severity && !labels.muted", 12),
        ("!severity && !labels.muted", 13),
        ("title == '!' && !labels.muted", 16),
        ("alerts[?!labels.muted]", 8),
        ("alerts[?!ok].{a: !ok, b: !x.y}", 25),
        ("not_null(!labels.muted)", 9),
        ("!labels.*", 0),
        ("!alerts[?ok]", 0),
        ("!alerts[]", 0),
        ("!!labels.muted", 0),
    ],
)
def test_a_not_that_takes_less_than_it_seems_to_is_refused(expression: str, offset: int) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        Condition.parse(expression)
    assert (caught.value.message, caught.value.offset) == (NOT, offset)
    assert caught.value.hint == WRITE_NOT


@pytest.mark.parametrize(
    ("expression", "word", "offset"),
    [
        ("true", "true", 0),
        ("acknowledged == false", "false", 16),
        ("owner != null", "null", 9),
        ("nullable == 'null' && owner != null", "null", 31),
        ("length(alerts[?muted == true]) > `0`", "true", 24),
        ('x == "true"', "true", 5),
    ],
)
def test_a_literal_without_backticks_is_refused(expression: str, word: str, offset: int) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        Condition.parse(expression)
    assert caught.value.message == f"'{word}' is the name of a field here, one that no event has"
    assert caught.value.offset == offset
    assert caught.value.hint == f"a literal stands between backticks: `{word}`"


@pytest.mark.parametrize(
    "expression",
    [
        "!(labels.muted)",
        "!muted",
        "!alerts[0]",
        "!contains(title, 'x')",
        "!(alerts[?ok])",
        "owner == `null`",
        "title == 'true'",
        "truely == nullable",
        "{true: a}",
    ],
)
def test_what_people_do_mean_is_no_trap(expression: str) -> None:
    assert Condition.parse(expression).text == expression
