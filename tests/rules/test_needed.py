"""What a trigger needs is looked up in a document as the trigger itself would look it up."""

from typing import Any, Final

import pytest

from engine.rules.needed import has
from engine.rules.needs import AllOf, Fact, Mark, Need, OneOf, Unlike

DOCUMENT: Final[dict[str, Any]] = {
    "severity": "Critical",
    "count": 1,
    "ratio": 2.0,
    "muted": True,
    "off": False,
    "zero": 0,
    "nothing": None,
    "empty": [],
    "labels": {"host": "db-1"},
    "alerts": [{"host": "a", "tags": ["x"]}, "no mapping", None, {"host": "b", "tags": ["y", "z"]}],
}


@pytest.mark.parametrize(
    ("path", "value", "answer"),
    [
        (("severity",), "Critical", True),
        (("severity",), "Info", False),
        (("labels", "host"), "db-1", True),
        (("labels", "host", "name"), "db-1", False),
        (("labels",), Mark.THERE, True),
        (("nothing",), Mark.THERE, False),
        (("none",), Mark.THERE, False),
        (("empty",), Mark.THERE, True),
        (("empty",), Mark.SO, False),
        (("off",), Mark.SO, False),
        (("nothing",), Mark.SO, False),
        (("zero",), Mark.SO, True),
        (("count",), 1.0, True),
        (("count",), Mark.TRUE, False),
        (("muted",), Mark.TRUE, True),
        (("muted",), 1, False),
        (("off",), Mark.FALSE, True),
        (("off",), 0, False),
        (("ratio",), 2, True),
        (("alerts", 0, "host"), "a", True),
        (("alerts", -1, "host"), "b", True),
        (("alerts", 4), Mark.THERE, False),
        (("alerts", -5), Mark.THERE, False),
        (("severity", 0), Mark.THERE, False),
        (("alerts", "host"), Mark.THERE, False),
        (("alerts", Mark.EACH, "host"), "b", True),
        (("alerts", Mark.EACH, "host"), "c", False),
        (("alerts", Mark.EACH, "tags", Mark.EACH), "z", True),
        (("alerts", Mark.EACH, "tags", Mark.EACH), "w", False),
        (("labels", Mark.EACH), Mark.THERE, False),
    ],
)
def test_a_fact_is_so_or_it_is_not(
    path: tuple[str | int | Mark, ...], value: Any, answer: bool
) -> None:
    assert has(DOCUMENT, Fact(path, value)) is answer
    if Mark.EACH not in path:
        assert has(DOCUMENT, Unlike(path, value)) is not answer


CRITICAL: Final = Fact(("severity",), "Critical")
INFO: Final = Fact(("severity",), "Info")


@pytest.mark.parametrize(
    ("need", "answer"),
    [
        (AllOf((CRITICAL, Unlike(("labels", "host"), "db-2"))), True),
        (AllOf((CRITICAL, INFO)), False),
        (OneOf((INFO, CRITICAL)), True),
        (OneOf((INFO, AllOf((CRITICAL, INFO)))), False),
        (OneOf(()), False),
        (AllOf(()), True),
    ],
)
def test_needs_are_joined(need: Need, answer: bool) -> None:
    assert has(DOCUMENT, need) is answer
