"""What is said to be always the same is so over every document; what is common is recognised."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lint.possible import answers
from engine.rules.condition import Condition
from engine.rules.undecided import CannotTellError

BOTH = {True, False}


def possible(text: str, given: dict[str, list[Any]] | None = None) -> set[bool]:
    return set(answers(Condition.parse(text).tree, given or {}))


@pytest.mark.parametrize(
    "text",
    [
        "a == 'x' || 'y'",
        "a != 'x' || a != 'y'",
        "a == 'x' || a != 'x'",
        "a || !a",
        "`1`",
        "a.b == a.b",
        "'x' == 'x'",
        "!(a == 'x' && a == 'y')",
        "contains(a, 'x') || !contains(a, 'x')",
    ],
)
def test_always(text: str) -> None:
    assert possible(text) == {True}


@pytest.mark.parametrize(
    "text",
    [
        "a == 'x' && a == 'y'",
        "a == 'x' && a != 'x'",
        "a == 'x' && !a",
        "a && !a",
        "''",
        "`null`",
        "'1' == `1`",
        "`true` == `1`",
        "a.b != a.b",
    ],
)
def test_never(text: str) -> None:
    assert possible(text) == {False}


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a == 'x'",
        "a == 'x' || a == 'y'",
        "a != 'x' && a != 'y'",
        "a == b",
        "a > `1`",
        "a == ''",
    ],
)
def test_either(text: str) -> None:
    assert possible(text) == BOTH


def test_only_the_given_values_are_tried() -> None:
    assert possible("a == 'x'", {"a": ["x"]}) == {True}
    assert possible("a == 'x' && b", {"a": ["y", "z"]}) == {False}
    assert possible("a == 'x'", {"a": ["x", "y"]}) == BOTH


def test_too_many_combinations_are_given_up() -> None:
    assert possible(" && ".join(f"a{n} == 'x'" for n in range(20))) == BOTH


VALUES = st.sampled_from([None, "x", "y", "z", "", True, False, 1])
ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "a == 'x'",
        "a != 'y'",
        "b == 'x'",
        "b != `1`",
        "a == b",
        "a > `1`",
        "'x'",
        "`false`",
    ]
)
TEXTS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("({}) && ({})".format, inner, inner)
        | st.builds("({}) || ({})".format, inner, inner)
        | inner.map("!({})".format)
    ),
    max_leaves=6,
)


@given(TEXTS, VALUES, VALUES)
def test_whatever_a_document_answers_is_possible(text: str, a: object, b: object) -> None:
    condition = Condition.parse(text)
    with suppress(CannotTellError):  # of a text and a number
        assert condition.holds({"a": a, "b": b}) in answers(condition.tree, {})
