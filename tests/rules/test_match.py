"""A trigger judges an event: its type, the action it came by, and the condition."""

from typing import Any

import pytest

from engine.rules.condition import Answer, Condition, Verdict
from engine.rules.match import Trigger


def document(type_: str = "i_custom", action: str | None = "restart-host") -> dict[str, Any]:
    return {"event": {"type": type_, "action": action}, "severity": "Critical", "labels": {}}


def when(text: str) -> Condition:
    return Condition.parse(text)


@pytest.mark.parametrize(
    ("trigger", "verdict"),
    [
        (Trigger(), Verdict(Answer.YES)),
        (Trigger(events=("i_new", "i_custom")), Verdict(Answer.YES)),
        (Trigger(action="restart-host"), Verdict(Answer.YES)),
        (Trigger(when=when("severity == 'Critical'")), Verdict(Answer.YES)),
        (
            Trigger(("i_custom",), "restart-host", when("severity == 'Critical'")),
            Verdict(Answer.YES),
        ),
        (
            Trigger(events=("i_new",)),
            Verdict(Answer.NO, "the event's type is i_custom, not i_new"),
        ),
        (
            Trigger(events=("i_new", "i_ack")),
            Verdict(Answer.NO, "the event's type is i_custom, not i_new or i_ack"),
        ),
        (
            Trigger(action="reboot"),
            Verdict(Answer.NO, "the event came by action restart-host, not reboot"),
        ),
        (
            Trigger(action="restart"),
            Verdict(Answer.NO, "the event came by action restart-host, not restart"),
        ),
        (
            Trigger(when=when("severity == 'Info'")),
            Verdict(Answer.NO, 'severity is "Critical"'),
        ),
        (
            Trigger(when=when("starts_with(labels.host, 'es')")),
            Verdict(
                Answer.CANNOT_TELL,
                "starts_with(labels.host, 'es'): "
                "starts_with() takes string, not a field that is not there",
            ),
        ),
    ],
)
def test_a_trigger_says_yes_or_why_not(trigger: Trigger, verdict: Verdict) -> None:
    assert trigger.judge(document()) == verdict


@pytest.mark.parametrize("action", [None, ""])
def test_an_event_that_came_by_no_action_says_so(action: str | None) -> None:
    assert Trigger(action="reboot").judge(document(action=action)) == Verdict(
        Answer.NO, "the event came by no action, not reboot"
    )


def test_the_condition_is_not_asked_about_other_events() -> None:
    broken = when("length(nothing) > `0`")
    verdict = Trigger(("i_new",), "reboot", broken).judge(document())
    assert verdict.reason == "the event's type is i_custom, not i_new"
    verdict = Trigger((), "reboot", broken).judge(document())
    assert verdict.reason == "the event came by action restart-host, not reboot"
