import copy
import operator
from collections.abc import Callable
from typing import Any

import pytest

from engine.playbooks.deferred import Deferred, Unknown
from engine.rules.condition import Answer, Condition
from engine.rules.undecided import CannotTellError

UNKNOWN = Unknown("steps.probe")
SAID = "depends on ‹steps.probe›, which is not known before the step is performed"


def test_it_is_named_after_where_its_value_will_come_from() -> None:
    assert str(UNKNOWN) == repr(UNKNOWN) == "‹steps.probe›"
    assert str(UNKNOWN.body.name) == "‹steps.probe.body.name›"
    assert str(UNKNOWN["body"][0]) == "‹steps.probe.body[0]›"
    assert str(UNKNOWN.get("body")) == "‹steps.probe.body›"
    assert isinstance(UNKNOWN, Deferred)


def test_it_has_no_inner_parts() -> None:
    assert not hasattr(UNKNOWN, "_secret")
    assert not hasattr(UNKNOWN, "__html__")


def test_a_copy_of_it_is_itself() -> None:
    assert copy.deepcopy([UNKNOWN])[0] is UNKNOWN


def _contains(value: Any) -> object:
    return 1 in value


def _call(value: Any) -> object:
    return value()


def _raised(value: Any) -> object:
    return 2**value


ASKING: list[Callable[[Any], object]] = [
    *(len, iter, bool, hash, int, float, abs, round, operator.index, operator.neg, operator.pos),
    *(_contains, _call, _raised, lambda v: v**2),
    *(lambda v: v == 1, lambda v: v != 1, lambda v: v < 1, lambda v: v <= 1),
    *(lambda v: v > 1, lambda v: v >= 1, lambda v: 1 == v, lambda v: 1 < v),  # noqa: SIM300
    *(lambda v: v + 1, lambda v: 1 + v, lambda v: v - 1, lambda v: 1 - v),
    *(lambda v: v * 2, lambda v: 2 * v, lambda v: "a" * v, lambda v: v / 2),
    *(lambda v: 2 / v, lambda v: v // 2, lambda v: 2 // v, lambda v: v % 2, lambda v: 2 % v),
]


@pytest.mark.parametrize("ask", ASKING)
def test_whatever_needs_the_value_cannot_tell(ask: Callable[[Any], object]) -> None:
    with pytest.raises(CannotTellError) as caught:
        ask(UNKNOWN)
    assert str(caught.value) == SAID


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("steps.probe.status == `200`", "steps.probe.status"),
        ("steps.probe.body.ok", "steps.probe.body.ok"),
        ("!(steps.probe.body.ok)", "steps.probe.body.ok"),
    ],
)
def test_a_condition_on_it_cannot_tell(expression: str, said: str) -> None:
    verdict = Condition.parse(expression).decide({"steps": {"probe": UNKNOWN}})
    assert verdict.answer is Answer.CANNOT_TELL
    assert verdict.reason == (
        f"depends on ‹{said}›, which is not known before the step is performed"
    )
