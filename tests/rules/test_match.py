"""A trigger judges an event: its type, the action it came by, and the condition."""

from typing import Any

import pytest

from engine.rules.condition import Answer, Condition, Verdict
from engine.rules.match import Trigger, one_answers

NOW = 1_795_000_000.0


def document(type_: str = "i_custom", action: str | None = "restart-host") -> dict[str, Any]:
    event = {
        "type": type_,
        "action": action,
        "source": "custom-action",
        "time": int(NOW * 1000),
        "stale": False,
        "own": False,
    }
    return {"event": event, "severity": "Critical", "labels": {}}


def judged(trigger: Trigger, **event: Any) -> tuple[Answer, str | None]:
    """What a trigger says of an event that differs from a press in this."""
    told = document()
    verdict = trigger.judge({**told, "event": {**told["event"], **event}}, NOW)
    return verdict.answer, verdict.reason


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
    assert trigger.judge(document(), NOW) == verdict


@pytest.mark.parametrize("action", [None, ""])
def test_an_event_that_came_by_no_action_says_so(action: str | None) -> None:
    assert Trigger(action="reboot").judge(document(action=action), NOW) == Verdict(
        Answer.NO, "the event came by no action, not reboot"
    )


def test_the_condition_is_not_asked_about_other_events() -> None:
    broken = when("length(nothing) > `0`")
    verdict = Trigger(("i_new",), "reboot", broken).judge(document(), NOW)
    assert verdict.reason == "the event's type is i_custom, not i_new"
    verdict = Trigger((), "reboot", broken).judge(document(), NOW)
    assert verdict.reason == "the event came by action restart-host, not reboot"


# Where it came from, and how old it is


@pytest.mark.parametrize(
    ("trigger", "event", "answer"),
    [
        (Trigger(), {"stale": True}, Answer.YES),
        (Trigger(), {"stale": True, "source": "incident-webhook"}, Answer.NO),
        (Trigger(), {"stale": True, "source": "alert-webhook"}, Answer.NO),
        (Trigger(stale=True), {"stale": True, "source": "incident-webhook"}, Answer.YES),
        (Trigger(stale=False), {"stale": True}, Answer.NO),
        (Trigger(stale=False), {}, Answer.YES),
        (Trigger(), {"own": True}, Answer.NO),
        (Trigger(own=True), {"own": True}, Answer.YES),
        (Trigger(own=True), {"own": None, "source": "incident-webhook"}, Answer.YES),
        (Trigger(), {"own": None, "source": "incident-webhook"}, Answer.CANNOT_TELL),
        (Trigger(), {"own": None}, Answer.YES),
        (Trigger(), {"source": "reconciled"}, Answer.NO),
        (Trigger(reconcile=True), {"source": "reconciled"}, Answer.YES),
        (Trigger(reconcile=True), {"source": "reconciled", "stale": True}, Answer.YES),
    ],
)
def test_a_trigger_chooses_by_where_an_event_comes_from(
    trigger: Trigger, event: dict[str, Any], answer: Answer
) -> None:
    assert judged(trigger, **event)[0] is answer


@pytest.mark.parametrize(
    ("trigger", "source", "seconds_ago", "answer"),
    [
        (Trigger(), "custom-action", 10**7, Answer.YES),
        (Trigger(max_age=60.0), "custom-action", 60, Answer.YES),
        (Trigger(max_age=60.0), "custom-action", 61, Answer.NO),
        (Trigger(reconcile=True), "reconciled", 900, Answer.YES),
        (Trigger(reconcile=True), "reconciled", 901, Answer.NO),
        (Trigger(reconcile=True, max_age=3600.0), "reconciled", 3600, Answer.YES),
    ],
)
def test_a_trigger_takes_nothing_older_than_its_max_age(
    trigger: Trigger, source: str, seconds_ago: int, answer: Answer
) -> None:
    time = int((NOW - seconds_ago) * 1000)
    assert judged(trigger, source=source, time=time)[0] is answer


def test_an_event_without_a_time_is_of_any_age() -> None:
    assert judged(Trigger(max_age=1.0), time=None)[0] is Answer.YES


def test_each_refusal_names_the_key_that_would_take_the_event() -> None:
    assert judged(Trigger(), own=True)[1] == (
        "the engine itself caused this event; `own: true` takes such events"
    )
    assert judged(Trigger(), source="reconciled")[1] == (
        "the event was missed and found out later; `reconcile: true` takes such events"
    )
    assert judged(Trigger(stale=False), stale=True)[1] == (
        "a newer event of the same subject came first; `stale: run` takes both"
    )
    assert judged(Trigger(max_age=60.0), time=int((NOW - 1850) * 1000))[1] == (
        "the event is 0:30:50 old (h:mm:ss), and `max_age` is 0:01:00"
    )


# Calls for labels


def test_a_playbook_that_answers_takes_calls_for_labels_and_nothing_else() -> None:
    answers = Trigger(answers=True)

    assert judged(answers, source="label-mapping") == (Answer.YES, None)
    for source in ("custom-action", "incident-webhook", "reconciled"):
        assert judged(answers, source=source) == (
            Answer.NO,
            f"the playbook answers calls for labels; the event came by {source}",
        )


def test_no_other_playbook_takes_a_call_for_labels() -> None:
    assert judged(Trigger(own=True, reconcile=True, stale=True), source="label-mapping") == (
        Answer.NO,
        "the event asks for labels; `answer: labels` takes such events",
    )


def test_what_a_call_is_asked_for_by_and_its_condition_and_age_count_as_ever() -> None:
    call = {"source": "label-mapping", "type": "label_mapping"}

    assert judged(Trigger(answers=True, action="other"), **call)[0] is Answer.NO
    assert judged(Trigger(answers=True, events=("i_new",)), **call)[0] is Answer.NO
    assert judged(Trigger(answers=True, when=when("severity == 'Info'")), **call)[0] is Answer.NO
    old = {**call, "time": int((NOW - 61) * 1000)}
    assert judged(Trigger(answers=True, max_age=60.0), **old)[0] is Answer.NO
    assert judged(Trigger(answers=True), **old)[0] is Answer.YES


def test_of_several_that_would_answer_the_first_does() -> None:
    yes, no = Verdict(Answer.YES), Verdict(Answer.NO, "not mine")
    unsure = Verdict(Answer.CANNOT_TELL, "who knows")
    told = Verdict(Answer.NO, "second answers this call")

    said = one_answers([("first", no), ("second", yes), ("third", yes), ("fourth", unsure)])

    assert said == [no, yes, told, unsure]
    assert one_answers([("first", no)]) == [no]
    assert one_answers([]) == []
