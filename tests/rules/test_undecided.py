"""What is not known yet is asked, and never taken for null."""

from typing import Any

import pytest

from engine.playbooks.deferred import Unknown
from engine.rules.condition import Answer, Condition

DOCUMENT: dict[str, Any] = {"steps": {"p": Unknown("steps.p")}, "known": [1], "none": None}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("steps.p.ready", "steps.p.ready"),
        ("!(steps.p.ready)", "steps.p.ready"),
        ("steps.p.status == `200`", "steps.p.status"),
        ("steps.p.count > `3`", "steps.p.count"),
        ("`3` <= steps.p.count", "steps.p.count"),
        ("steps.p.hosts[0].name", "steps.p.hosts"),
        ("steps.p.hosts[1:]", "steps.p.hosts"),
        ("steps.p.hosts[].name", "steps.p.hosts"),
        ("steps.p.hosts[*].name", "steps.p.hosts"),
        ("steps.p.hosts.*", "steps.p.hosts"),
        ("steps.p.hosts[?up]", "steps.p.hosts"),
        ("length(steps.p.hosts) > `1`", "steps.p.hosts"),
        ("sort_by([@], &steps.p.x)", "steps.p.x"),
        ("map(&[0], [steps.p.hosts])", "steps.p.hosts"),
        ("map(&@, [steps.p.hosts])", "steps.p.hosts"),
        ("contains([`1`], steps.p.x.y)", "steps.p.x.y"),
        ("none || steps.p.ready", "steps.p.ready"),
        ("known && steps.p.ready", "steps.p.ready"),
    ],
)
def test_a_condition_on_it_cannot_be_told_and_says_what_it_depends_on(
    text: str, asked: str
) -> None:
    verdict = Condition.parse(text).decide(DOCUMENT)

    assert verdict.answer is Answer.CANNOT_TELL
    assert verdict.reason == (
        f"depends on ‹{asked}›, which is not known before the step is performed"
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("known[0] == `1`", Answer.YES),
        ("known || steps.p.ready", Answer.YES),
        ("none && steps.p.ready", Answer.NO),
        ("[steps.p.ready]", Answer.YES),  # a list with something in it
    ],
)
def test_what_does_not_need_it_is_decided(text: str, answer: Answer) -> None:
    assert Condition.parse(text).decide(DOCUMENT).answer is answer


def test_nested_parts_are_visited_once() -> None:
    """Twice for each level would never end."""
    nested = "known" + "[*]" * 60

    assert Condition.parse(nested).decide(DOCUMENT).answer is Answer.NO
