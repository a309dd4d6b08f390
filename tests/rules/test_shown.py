"""Values are shown as long as it takes to understand them, and no longer."""

from typing import Any

import pytest

from engine.playbooks.deferred import Unknown
from engine.rules.shown import as_text, in_place, shortened


@pytest.mark.parametrize(
    ("value", "short"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "..."),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, "... and 2 more"]),
        ((1, "a"), [1, "a"]),
        (None, None),
        (0, 0),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": {"b": {"c": {"d": "..."}}}}),
        ({"a": ["y" * 300]}, {"a": ["y" * 200 + "..."]}),
        (Unknown("steps.a.body"), "‹steps.a.body›"),
        ([Unknown("item")], ["‹item›"]),
    ],
)  # fmt: skip
def test_what_is_long_is_cut(value: Any, short: Any) -> None:
    assert shortened(value) == short


def test_of_a_large_mapping_the_first_keys_are_kept() -> None:
    short = shortened({f"k{number}": number for number in range(15)})
    assert list(short) == [*(f"k{number}" for number in range(12)), "..."]
    assert short["..."] == "and 3 more"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("engine", "'engine'"),
        ("x" * 61, f"'{'x' * 60}...'"),
        (None, "null"),
        (True, "true"),
        (0, "0"),
        ({"a": "磁盘"}, '{"a": "磁盘"}'),
        ([[["z" * 30] * 3]], '[[["' + "z" * 30 + '", "' + "z" * 22 + "..."),
    ],
)
def test_a_value_fits_in_the_place_of_an_expression(value: Any, text: str) -> None:
    assert in_place(value) == text


def test_a_value_in_a_sentence_is_json() -> None:
    assert as_text({"a": [1, "磁盘"]}) == '{"a": [1, "磁盘"]}'
