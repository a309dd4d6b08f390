"""The index rules out only what would say a plain no, whatever conditions and documents are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from engine.events.event import LABEL_MAPPING
from engine.rules.condition import Answer, Condition, ConditionSyntaxError
from engine.rules.functions import function_names
from engine.rules.index import TriggerIndex, indexable
from engine.rules.match import PRESSED, RECONCILED, Trigger

NOW: Final = 1_795_000_000.0


def when(text: str) -> Trigger:
    return Trigger(when=Condition.parse(text))


def document(told: Mapping[str, Any] | None = None, **of_event: Any) -> dict[str, Any]:
    a_press = {
        "type": "i_custom",
        "action": "restart-host",
        "source": PRESSED,
        "time": int(NOW * 1000),
        "stale": False,
        "own": False,
    }
    return {**(told or {}), "event": {**a_press, **of_event}}


def asked(triggers: Sequence[Trigger], told: Mapping[str, Any]) -> Sequence[int]:
    return TriggerIndex(triggers).candidates(told)


def is_asked(text: str, **told: Any) -> bool:
    return asked([when(text)], document(told)) == [0]


# What is found by its facts, and what is not


@pytest.mark.parametrize(
    ("text", "asked_by", "ruled_out_by"),
    [
        ("a == 'x'", {"a": "x"}, {"a": "y"}),
        ("'x' == a", {"a": "x"}, {"b": "x"}),
        ("a.b[0].c == 'x'", {"a": {"b": [{"c": "x"}]}}, {"a": {"b": [{}, {"c": "x"}]}}),
        ("a[-1] == 'x'", {"a": ["y", "x"]}, {"a": ["x", "y"]}),
        ("a == `1`", {"a": 1.0}, {"a": True}),
        ("a == `true`", {"a": True}, {"a": 1}),
        ("a == `1`", {"a": 1}, {"a": "1"}),
        ("a == `0.5`", {"a": 0.5}, {"a": 0}),
        ('a == `{"b": 1}`', {"a": {"b": 2}}, {"a": None}),
        ("a", {"a": "x"}, {"b": "x"}),
        ("a > `1`", {"a": 0}, {"b": 0}),
        ("`1` <= a", {"a": 0}, {"a": None}),
        ("a < b", {"a": 0, "b": 0}, {}),
        ("a != `null`", {"a": 0}, {"b": 0}),
        ("!(a == `null`)", {"a": 0}, {"b": 0}),
        ("!(a != 'x')", {"a": "x"}, {"a": "y"}),
        ("!!a", {"a": "x"}, {"b": "x"}),
        ('contains(`["x", 2]`, a)', {"a": 2.0}, {"a": "y"}),
        ("contains(['x', 'y'], a)", {"a": "y"}, {"a": None}),
        ("contains(`[1]`, a)", {"a": True}, {"a": False}),
        ("contains(`[false]`, a)", {"a": 0}, {"a": 1}),
        ("a == 'x' && b == 'y'", {"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
        ("b != 'y' && a == 'x'", {"a": "x"}, {"a": "y"}),
        ("!b && contains(`[2]`, c) && a == 'x'", {"a": "x", "c": 2}, {"a": "y", "c": 3}),
        ("a == 'x' || b == 'y'", {"b": "y"}, {"a": "y"}),
        ("(a == 'x' || b == 'y') && c == 'z'", {"a": "x", "c": "z"}, {"b": "x"}),
        ("!(a != 'x' || b != 'y')", {"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
        ("!(a != 'x' && b != 'y')", {"b": "y"}, {"a": "y", "b": "x"}),
        ("a | @ == 'x'", {"a": "x"}, {"a": "y"}),
        ("a | b.c == 'x' || @ == 'y'", {"a": {"b": {"c": "x"}}}, {"b": {"c": "x"}}),
        ("a[?b == 'x']", {"a": [{"b": "y"}, {"b": "x"}]}, {"a": [{"b": "y"}]}),
        ("a[?b != 'x'].c", {"a": [{"b": "y"}]}, {"b": []}),
        ("length(a) > `1` && b == 'x'", {"b": "y"}, None),
        ("length(a) > `1` || b == 'x'", {"b": "y"}, None),
        ("b == 'x' && length(a) > `1`", {"b": "x"}, {"b": "y"}),
        ("a == c && b == 'x'", {"b": "y"}, None),
        ("a > `1` && b == 'x'", {"a": 2}, {"b": "x"}),
        ("a == 'x' || b != 'y'", {}, {"a": "y", "b": "y"}),
        ("a == `null`", {"b": "x"}, {"a": "x"}),
        ("a != 'x'", {"a": None}, {"a": "x"}),
        ("a != `1`", {"a": True}, {"a": 1.0}),
        ("a != `true`", {"a": 1}, {"a": True}),
        ("a != `[]`", {"a": []}, None),
        ("!a", {"a": []}, {"a": 0}),
        ("!(a.b)", {"a": "x"}, {"a": {"b": "x"}}),
        ("a == 'x' && b != 'y'", {"a": "x"}, {"a": "x", "b": "y"}),
        ("a == 'x' && b == 'y'", {"a": "x", "b": "y"}, {"a": "x"}),
        ("contains(['x'], a) && b", {"a": "x", "b": 1}, {"a": "x"}),
        ("c | contains(['x'], a) && b == 'y'", {"b": "y"}, None),
        ("(a == 'x' && b == 'y') || (a == 'z' && c)", {"a": "z", "c": 1}, {"a": "x", "c": 1}),
        ("a[?b == 'x' && c == 'y'] && d != 'z'", {"a": [{"b": "x", "c": "y"}]}, {"d": "z"}),
        ("contains(a, 'x')", {}, None),
        ("contains('xyz', a)", {}, None),
        ("contains(`[null]`, a)", {}, None),
        ("a | contains(['x'], @)", {}, None),
        ("`false`", None, {}),
        ("`[]` || a == 'x'", {"a": "x"}, {"a": "y"}),
        ("!`true`", None, {"a": "x"}),
        ("a == 'x' || `true`", {"a": "y"}, None),
        ("@", {}, None),
        ("!contains(['x'], a)", {"a": "y"}, {"a": "x"}),
        ("!contains(`[1]`, a)", {"a": "1"}, {"a": True}),
        ("!(a[?b == 'x'])", {"a": []}, None),
        ("!(a > `1`)", {"a": 0}, None),
        ("a[::0] && b == 'x'", {"a": [], "b": "y"}, None),
    ],
)  # fmt: skip
def test_an_event_is_asked_about_where_the_condition_could_hold_or_raise(
    text: str, asked_by: dict[str, Any] | None, ruled_out_by: dict[str, Any] | None
) -> None:
    assert asked_by is None or is_asked(text, **asked_by)
    assert ruled_out_by is None or not is_asked(text, **ruled_out_by)


def test_a_trigger_is_found_by_its_types_its_button_and_whether_it_answers() -> None:
    triggers = [
        Trigger(),
        Trigger(events=("i_new", "i_custom")),
        Trigger(events=("i_new",)),
        Trigger(action="restart-host"),
        Trigger(action="reboot"),
        Trigger(never=True),
        Trigger(answers=True),
        Trigger(answers=True, action="reboot"),
        Trigger(events=("i_new",), action="restart-host"),
    ]
    assert asked(triggers, document()) == [0, 1, 3]
    assert asked(triggers, document(type="i_new")) == [0, 1, 2, 3, 8]
    assert asked(triggers, document(source=LABEL_MAPPING)) == [6]


def test_of_what_a_trigger_needs_it_is_found_by_what_the_fewest_others_need() -> None:
    triggers = [when(f"severity == 'Critical' && labels.host == 'h{n}'") for n in range(100)]
    told = document({"severity": "Critical", "labels": {"host": "h42"}})
    assert asked(triggers, told) == [42]
    turned = [when(f"labels.host && severity == 'S{n}' && labels.on") for n in range(100)]
    told = document({"severity": "S7", "labels": {"host": "h42", "on": "yes"}})
    assert asked(turned, told) == [7]


def test_each_trigger_is_asked_while_nobody_knows_whether_the_engine_caused_the_event() -> None:
    triggers = [when("a == 'x'"), Trigger(events=("i_new",)), Trigger()]
    told = document(own=None, source="incident-webhook")
    assert list(asked(triggers, told)) == [0, 1, 2]
    assert asked(triggers, document(own=None)) == [2], "a button works even so"


@pytest.mark.parametrize(
    ("trigger", "answer"),
    [
        (Trigger(), False),
        (when("contains(title, 'disk')"), False),
        (when("lower(severity) == 'critical' && labels.a == 'x'"), False),
        (when("severity != 'Info'"), False),
        (when("labels.a"), True),
        (when("severity != 'Info' && labels.a == 'x'"), True),
        (Trigger(events=("i_new",), when=Condition.parse("contains(title, 'disk')")), True),
        (Trigger(action="reboot"), True),
        (Trigger(never=True), True),
    ],
)
def test_it_can_be_told_whether_a_trigger_is_asked_about_every_event(
    trigger: Trigger, answer: bool
) -> None:
    assert indexable(trigger) is answer


# Whatever conditions and documents are

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 0.0, -0.0, 2, 0.5, "", "x", "1", "true"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
LITERALS = st.builds(lambda value: f"`{json.dumps(value)}`", VALUES | SCALARS)
LISTS = st.builds(lambda values: f"`{json.dumps(values)}`", st.lists(SCALARS, max_size=3))
LISTED = st.builds("[{}]".format, st.lists(LITERALS, min_size=1, max_size=3).map(", ".join))
PATHS = st.one_of(
    NAMES,
    st.sampled_from(["@", "event.type", "event.action", "a.b", "b[0]", "c[-1].a", '"a"."b".c']),
    st.builds("{}.{}".format, NAMES, NAMES),
    st.builds("{}[{}]".format, NAMES, st.integers(-2, 2)),
)
ATOMS = st.one_of(
    PATHS,
    LITERALS,
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["==", "!=", "<", ">="]), LITERALS),
    st.builds("{} {} {}".format, LITERALS, st.sampled_from(["==", "!=", ">"]), PATHS),
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["==", "!=", "<"]), PATHS),
    st.builds("contains({}, {})".format, LISTS | LISTED | PATHS | LITERALS, PATHS | LITERALS),
    st.builds("{}({})".format, st.sampled_from(function_names()), PATHS),
    st.builds("{}({}, {})".format, st.sampled_from(function_names()), PATHS, LITERALS | PATHS),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner),
        st.builds("!({})".format, inner),
        st.builds("{} | {}".format, PATHS, inner),
        st.builds("({}) | ({})".format, inner, inner),
        st.builds("{}[?{}]".format, PATHS, inner),
        st.builds("{}[?{}].{}".format, PATHS, inner, NAMES),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["==", "!=", "<"]), inner),
        st.builds("{}[{}]".format, PATHS, st.sampled_from(["*", "", "::-1", "1:", "::0"])),
        st.builds("contains({}, ({}))".format, LISTS, inner),
        st.builds("contains([{}], {})".format, inner, PATHS),
    ),
    max_leaves=6,
)
TYPES = st.sampled_from(["i_new", "i_custom", "i_close"])
ACTIONS = st.sampled_from([None, "restart-host", "reboot"])


@st.composite
def some_triggers(draw: st.DrawFn) -> Trigger:
    text = draw(st.none() | CONDITIONS)
    try:
        condition = None if text is None else Condition.parse(text)
    except ConditionSyntaxError:
        assume(False)
        raise
    return Trigger(
        events=tuple(draw(st.lists(TYPES, max_size=2))),
        action=draw(ACTIONS),
        when=condition,
        stale=draw(st.sampled_from([None, True, False])),
        own=draw(st.booleans()),
        reconcile=draw(st.booleans()),
        max_age=draw(st.none() | st.just(60.0)),
        never=draw(st.integers(0, 9)) == 0,
        answers=draw(st.integers(0, 3)) == 0,
    )


SOURCES = st.sampled_from([PRESSED, RECONCILED, LABEL_MAPPING, "incident-webhook"])
DOCUMENTS = st.builds(
    document,
    st.dictionaries(NAMES, VALUES),
    type=TYPES,
    action=ACTIONS,
    source=SOURCES,
    time=st.sampled_from([None, int(NOW * 1000), int(NOW * 1000) - 120_000]),
    stale=st.booleans(),
    own=st.sampled_from([True, False, False, False, None]),
)


def disagreeing(triggers: Sequence[Trigger], told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The triggers that the index rules out though they say something, and what that is."""
    left = set(TriggerIndex(triggers).candidates(told))
    return [
        (repr(trigger), repr(verdict))
        for place, trigger in enumerate(triggers)
        if place not in left and (verdict := trigger.judge(told, NOW)).answer is not Answer.NO
    ]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of `re`, about some patterns
@given(st.lists(some_triggers(), min_size=1, max_size=8), DOCUMENTS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@example([when("contains(`[1]`, a)")], document({"a": True}))
@example([when("length(a) > `1` && b == 'x'")], document({"b": "y"}))
@example([when("a > `1` && b == 'x'")], document({"a": "y"}))
@example([when("a | contains(['x'], @)")], document())
def test_what_the_index_rules_out_would_have_said_a_plain_no(
    triggers: list[Trigger], told: dict[str, Any]
) -> None:
    assert disagreeing(triggers, told) == []
    left = TriggerIndex(triggers).candidates(told)
    assert list(left) == sorted(set(left))
    event(f"ruled out: {len(left) < len(triggers)}")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@given(CONDITIONS, st.dictionaries(NAMES, VALUES))
@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_condition_alone_is_never_ruled_out_unless_it_is_plainly_not_so(
    text: str, told: dict[str, Any]
) -> None:
    try:
        trigger = when(text)
    except ConditionSyntaxError:
        assume(False)
        raise
    assert disagreeing([trigger], document(told)) == []


def test_two_lists_too_deep_to_be_compared_are_asked_about() -> None:
    deep: list[Any] = []
    twin: list[Any] = []
    for _ in range(100_000):
        deep, twin = [deep], [twin]
    told = document({"a": deep, "b": twin})
    triggers = [when("a == b && c == 'x'"), when("!(a != b) || c == 'x'")]
    answers = {trigger.judge(told, NOW).answer for trigger in triggers}
    assert answers == {Answer.CANNOT_TELL}
    assert asked(triggers, told) == [0, 1]


def test_two_thousand_triggers_are_told_apart_by_a_name_that_each_has_alone() -> None:
    triggers = [when(f"labels.l{n} == 'on' && labels.host") for n in range(2_000)]
    told = document({"labels": {"l77": "on", "l78": "off", "host": "h"}})
    assert asked(triggers, told) == [77]
    changed = [replace(trigger, answers=True) for trigger in triggers]
    assert asked(changed, told) == []
