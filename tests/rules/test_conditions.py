"""A condition is parsed once, however often its text is met."""

import pytest

from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.conditions import Conditions


def test_the_same_text_is_parsed_once() -> None:
    conditions = Conditions()
    first = conditions.parse("labels.service == 'checkout'")
    assert conditions.parse("labels.service == 'checkout'") is first
    assert conditions.parse("labels.service") is not first


def test_what_it_parses_is_what_is_parsed_without_it() -> None:
    text = "contains(labels.tags, 'db') && !(labels.quiet)"
    kept = Conditions().parse(text)
    assert kept == Condition.parse(text)
    assert kept.roots == Condition.parse(text).roots


def test_what_is_wrong_is_said_each_time() -> None:
    conditions = Conditions()
    for _ in range(2):
        with pytest.raises(ConditionSyntaxError, match="ends too early"):
            conditions.parse("labels.service ==")


def test_a_few_are_kept_and_not_all_there_ever_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rules.conditions.MAX_KEPT", 2)
    conditions = Conditions()
    first = conditions.parse("labels.a")
    for text in ("labels.b", "labels.c"):
        conditions.parse(text)
    assert conditions.parse("labels.a") is not first
