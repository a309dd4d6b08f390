"""A trigger's tree has what the trigger says and what it leaves out, and what of it decided."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.condition import Answer, Condition, Verdict
from engine.rules.explain import Explanation
from engine.rules.match import Trigger
from engine.rules.trigger_tree import explain_trigger, nearness, ruled

NOW = 1_700_000_000.0


def document(**event: Any) -> dict[str, Any]:
    known = {
        "type": "i_custom",
        "action": "fix",
        "source": "custom-action",
        "own": False,
        "stale": False,
        "time": int(NOW * 1000) - 60_000,
    }
    return {"event": {**known, **event}, "severity": "Critical", "labels": {"service": "engine"}}


def when(text: str) -> Condition:
    return Condition.parse(text)


def told(tree: Explanation) -> list[tuple[str | None, str, str, Any]]:
    """Of each part: key, text, answer, value."""
    return [(part.key, part.text, part.answer.value, part.value) for part in tree.parts]


def test_each_key_that_is_given_has_its_place_in_the_tree() -> None:
    trigger = Trigger(
        events=("i_custom", "i_new"),
        action="fix",
        when=when("severity == 'Critical'"),
        stale=True,
        own=True,
        reconcile=True,
        max_age=180.0,
    )
    tree = explain_trigger(trigger, document(), NOW)
    assert told(tree) == [
        ("events", "events: i_custom, i_new", "yes", "i_custom"),
        ("action", "action: fix", "yes", "fix"),
        ("own", "own: true", "yes", False),
        ("reconcile", "reconcile: true", "yes", "custom-action"),
        ("stale", "stale: run", "yes", False),
        ("max_age", "max_age: 0:03:00", "yes", "0:01:00"),
        ("when", "severity == 'Critical'", "yes", True),
    ]
    assert (tree.text, tree.answer, tree.reason) == ("trigger", Answer.YES, None)


def test_a_trigger_that_says_nothing_has_no_parts() -> None:
    tree = explain_trigger(Trigger(), document(), NOW)
    assert (tree.parts, tree.answer) == ((), Answer.YES)


@pytest.mark.parametrize(
    ("trigger", "event", "key", "text", "answer"),
    [
        (Trigger(events=("i_new",)), {}, "events", "events: i_new", "no"),
        (Trigger(action="other"), {}, "action", "action: other", "no"),
        (Trigger(answers=True), {}, "answer", "answer: labels", "no"),
        (Trigger(), {"source": "label-mapping"}, "answer", "no `answer`", "no"),
        (Trigger(), {"own": True}, "own", "no `own`", "no"),
        (Trigger(), {"own": None, "source": "incident-webhook"}, "own", "no `own`", "cannot tell"),
        (Trigger(), {"source": "reconciled"}, "reconcile", "no `reconcile`", "no"),
        (Trigger(stale=False), {"stale": True}, "stale", "stale: skip", "no"),
        (Trigger(), {"stale": True, "source": "incident-webhook"}, "stale", "no `stale`", "no"),
        (Trigger(max_age=30.0), {}, "max_age", "max_age: 0:00:30", "no"),
        (Trigger(when=when("labels.owner")), {}, "when", "labels.owner", "no"),
        (Trigger(never=True), {}, None, "trigger", "no"),
    ],
)
def test_what_speaks_against_the_event_is_what_decides(
    trigger: Trigger, event: dict[str, Any], key: str | None, text: str, answer: str
) -> None:
    tree = explain_trigger(trigger, document(**event), NOW)
    (deciding,) = tree.deciding
    assert (deciding.key, deciding.text, deciding.answer.value) == (key, text, answer)
    assert Verdict(tree.answer, tree.reason) == trigger.judge(document(**event), NOW)
    if key != "when":
        assert deciding.reason == tree.reason


def test_what_comes_after_the_first_no_is_shown_too() -> None:
    trigger = Trigger(action="other", when=when("labels.owner || severity"))
    shown = explain_trigger(trigger, document(), NOW).as_json()["parts"]
    assert [(part["key"], part["answer"], part["decides"]) for part in shown] == [
        ("action", "no", True),
        ("when", "yes", False),
    ]


def test_a_verdict_from_elsewhere_comes_first_in_the_tree() -> None:
    tree = explain_trigger(Trigger(action="fix"), document(), NOW)
    other = ruled(tree, Verdict(Answer.NO, "p1 answers this call"))
    assert [(part.text, part.reason) for part in other.deciding] == [
        ("trigger", "p1 answers this call")
    ]
    assert ruled(tree, Verdict(Answer.YES)) == tree


def test_nearer_is_who_was_refused_later() -> None:
    triggers = [
        Trigger(events=("i_new",)),
        Trigger(events=("i_custom",), action="other"),
        Trigger(events=("i_custom",), action="fixed"),
        Trigger(when=when("labels.owner")),
        Trigger(when=when("labels.owner && severity")),
        Trigger(events=("i_custom",), when=when("labels.owner")),
        Trigger(events=("i_custom",), action="fix", when=when("labels.owner && severity")),
    ]
    near = [nearness(explain_trigger(one, document(), NOW)) for one in triggers]
    assert near == sorted(near)
    assert len(set(near)) == len(near)


TRIGGERS = st.builds(
    Trigger,
    events=st.sampled_from([(), ("i_custom",), ("i_new", "i_ack")]),
    action=st.sampled_from([None, "fix", "other"]),
    when=st.sampled_from(
        [None, *map(when, ["severity", "labels.owner", "lower(labels)", "!(labels) || severity"])]
    ),
    stale=st.sampled_from([None, True, False]),
    own=st.booleans(),
    reconcile=st.booleans(),
    max_age=st.sampled_from([None, 30.0, 600.0]),
    never=st.booleans(),
    answers=st.booleans(),
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["i_custom", "i_new"]),
        "action": st.sampled_from([None, "fix"]),
        "source": st.sampled_from(
            ["custom-action", "incident-webhook", "label-mapping", "reconciled"]
        ),
        "own": st.sampled_from([None, True, False]),
        "stale": st.booleans(),
        "time": st.sampled_from([None, int(NOW * 1000) - 60_000]),
    }
)


@given(TRIGGERS, EVENTS)
def test_a_tree_never_says_anything_but_its_trigger(
    trigger: Trigger, event: dict[str, Any]
) -> None:
    tree = explain_trigger(trigger, document(**event), NOW)
    assert Verdict(tree.answer, tree.reason) == trigger.judge(document(**event), NOW)
    assert all(part.answer is tree.answer for part in tree.deciding)
    assert bool(tree.deciding) == bool(tree.parts)
    assert json.dumps(tree.as_json())
