"""A rule names everything that is wrong with a value, and nothing that is right or not known yet."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flashduty.operations import OPERATIONS
from engine.flashduty.parameters import (
    Anything,
    Choice,
    Flag,
    Integer,
    ListOf,
    ObjectId,
    Pairs,
    Shape,
    Text,
    WordList,
    read_query,
)
from engine.flashduty.rule import Rule, complaints_about, cut_all
from engine.playbooks.deferred import Unknown

ID: Final = "6551f3888713372ad1054d57"
KINDS: Final[list[Rule]] = [
    Text(least=2, most=3),
    Choice(one_of=("a", "b")),
    WordList(one_of=("a", "b")),
    ObjectId(),
    Integer(least=1),
    Flag(),
    ListOf(item=Integer(), least=1, most=2),
    Shape(parameters={"a": Integer(required=True)}),
    Pairs(),
    Anything(),
]


def said(rule: Rule, value: Any) -> list[str]:
    return [f"{one.name}: {one.code}: {one.message}" for one in rule.complaints(value, ("it",))]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Text(), "x"),
        (Text(least=3, most=5), "äöü"),
        (Text(least=3), ""),  # an empty text is ignored by the vendor
        (Choice(one_of=("Info", "Ok")), "Ok"),
        (Choice(one_of=("Info",)), ""),
        (WordList(one_of=("Info", "Ok")), "Info,Ok"),
        (WordList(one_of=("Info",)), ""),
        (ObjectId(), ID),
        (ObjectId(), ID.upper()),
        (Integer(), -5),
        (Integer(least=1, most=2), 2),
        (Flag(), False),
        (ListOf(item=Integer()), []),
        (ListOf(item=Text(), least=1, most=1), ["a"]),
        (Shape(parameters={"a": Text()}), {}),
        (Shape(parameters={"a": Text()}), {"a": None}),
        (Shape(parameters={}, open=True), {"b": 1}),
        (Pairs(), {"host": "es.nj.01", "gone": None}),
        (Anything(), [{"a": 1}]),
    ],
)
def test_what_is_right_is_not_complained_of(rule: Rule, value: Any) -> None:
    assert said(rule, value) == []


@pytest.mark.parametrize(
    ("rule", "value", "complaints"),
    [
        (Text(), 5, ["it: wrong-value: must be a string"]),
        (Text(required=True), "", ["it: wrong-value: is required and must not be empty"]),
        (Text(least=3), "ab", ["it: wrong-value: must have at least 3 characters"]),
        (Text(most=2), "abc", ["it: too-long: must have at most 2 characters"]),
        (
            Text(most=2, cuttable=False),
            "abc",
            ["it: wrong-value: must have at most 2 characters"],
        ),
        (Choice(one_of=("Info", "Ok")), "ok", ["it: wrong-value: must be one of Info, Ok"]),
        (Choice(one_of=("Info",)), 1, ["it: wrong-value: must be a string"]),
        (
            Choice(one_of=("Info",), required=True),
            "",
            ["it: wrong-value: is required and must not be empty"],
        ),
        (
            WordList(one_of=("a", "b")),
            "a,c,d",
            ["it: wrong-value: must have words of a, b only"] * 2,
        ),
        (
            WordList(one_of=("a",)),
            ["a"],
            ["it: wrong-value: must be a string with commas between its words"],
        ),
        (ObjectId(), "xyz", ["it: wrong-value: must be a string of 24 hex digits"]),
        (ObjectId(), f"{ID}\n", ["it: wrong-value: must be a string of 24 hex digits"]),
        (Integer(), True, ["it: wrong-value: must be an integer"]),
        (Integer(), 1.0, ["it: wrong-value: must be an integer"]),
        (Integer(), 2**63, [f"it: wrong-value: must be at most {2**63 - 1}"]),
        (Integer(least=1), 0, ["it: wrong-value: must be at least 1"]),
        (Flag(), 1, ["it: wrong-value: must be true or false"]),
        (ListOf(item=Text()), "a", ["it: wrong-value: must be a list"]),
        (ListOf(item=Text(), least=1), [], ["it: wrong-value: must have at least 1 item"]),
        (
            ListOf(item=Integer(), most=2),
            [1, "2", None],
            [
                "it: wrong-value: must have at most 2 items",
                "it[1]: wrong-value: must be an integer",
                "it[2]: wrong-value: must be an integer",
            ],
        ),
        (
            ListOf(item=Shape(parameters={"a": Text(required=True)})),
            [{"b": 1}, 5],
            [
                "it[0].a: missing-parameter: is required",
                "it[0].b: unknown-parameter: is no parameter here",
                "it[1]: wrong-value: must be an object",
            ],
        ),
        (Pairs(), ["a"], ["it: wrong-value: must be an object"]),
        (
            Pairs(most=1, longest_key=2),
            {"host": 1, "b": "x" * 2049},
            [
                "it: wrong-value: must have at most 1 pair",
                "it: wrong-value: must have keys of at most 2 characters",
                "it.host: wrong-value: must be a string",
                "it.b: too-long: must have at most 2048 characters",
            ],
        ),
        (Pairs(), {5: "a"}, ["it: wrong-value: must have keys of at most 128 characters"]),
    ],
)
def test_everything_that_is_wrong_is_said_at_its_place(
    rule: Rule, value: Any, complaints: list[str]
) -> None:
    assert said(rule, value) == complaints


@pytest.mark.parametrize("rule", KINDS, ids=lambda rule: type(rule).__name__)
def test_what_is_not_known_yet_breaks_no_rule(rule: Rule) -> None:
    assert said(rule, Unknown("steps.a")) == []
    assert rule.cut(Unknown("steps.a")) is not None


def test_what_is_known_beside_the_unknown_is_checked() -> None:
    rule = ListOf(item=Shape(parameters={"a": Text(), "b": Integer()}))
    value = [Unknown("item"), {"a": Unknown("vars.a"), "b": "two"}]
    assert said(rule, value) == ["it[1].b: wrong-value: must be an integer"]


def test_only_a_string_of_digits_is_told_to_lose_its_quotes() -> None:
    hints = [next(Integer().complaints(value)).hint for value in ("30", "30m", 1.5)]
    assert hints == ["leave out the quotes; in a template, end with `| int`", None, None]


def test_a_word_that_is_nearly_right_is_hinted_at_whatever_its_case() -> None:
    rule = Choice(one_of=("Critical", "Warning"))
    hints = [next(rule.complaints(word)).hint for word in ("critical", "Warnign", "red")]
    assert hints == ["did you mean 'Critical'?", "did you mean 'Warning'?", None]


def test_names_that_no_rule_has_are_let_through_only_where_others_may_be() -> None:
    rules = {"a": Text()}
    (complaint,) = complaints_about(rules, {"b": 1})
    assert (complaint.loc, complaint.of_key, complaint.hint) == (("b",), True, "known here: a")
    assert list(complaints_about(rules, {"b": 1}, others=True)) == []


def test_a_null_is_absent() -> None:
    rules = {"a": Text(required=True), "b": Integer()}
    assert [one.code for one in complaints_about(rules, {"a": None, "b": None})] == [
        "missing-parameter"
    ]


def test_a_query_is_read_as_the_server_reads_it() -> None:
    rules = {"a": Integer(), "b": Text()}
    given = {"a": "12", "b": "12", "c": "12"}
    assert read_query(rules, given) == {"a": 12, "b": "12", "c": "12"}
    assert read_query(rules, {"a": "1x", "b": True}) == {"a": "1x", "b": True}
    assert read_query(rules, {"a": Unknown("vars.a")})["a"].__class__ is Unknown


def test_texts_are_cut_wherever_they_are_and_keys_never() -> None:
    rules: dict[str, Rule] = {
        "key": Text(most=3, cuttable=False),
        "text": Text(most=3),
        "list": ListOf(item=Shape(parameters={"text": Text(most=3)})),
        "labels": Pairs(value=Text(most=3)),
        "free": Text(),
    }
    given_ = {
        "key": "abcd",
        "text": "abcd",
        "list": [{"text": "abcd", "other": "abcd"}, "abcd"],
        "labels": {"abcd": "abcd"},
        "free": "abcd",
        "unknown": "abcd",
    }
    assert cut_all(rules, given_) == {
        **given_,
        "text": "ab…",
        "list": [{"text": "ab…", "other": "abcd"}, "abcd"],
        "labels": {"abcd": "ab…"},
    }
    assert {name for name, rule in rules.items() if rule.cuts} == {"text", "list", "labels"}


@pytest.mark.parametrize("rule", KINDS, ids=lambda rule: type(rule).__name__)
def test_what_cannot_be_cut_stays_as_it_is(rule: Rule) -> None:
    for value in (5, None, "", [], {}, [5], {"a": 5}):
        assert rule.cut(value) == value


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.sampled_from(list(OPERATIONS.values())), st.data())
def test_whatever_is_given_the_rules_of_an_operation_only_complain(
    operation: Any, data: st.DataObject
) -> None:
    names = st.sampled_from([*operation.takes, "other"])
    given_ = data.draw(st.dictionaries(names, anything, max_size=4))
    for complaint in complaints_about(operation.takes, given_):
        assert complaint.message
        assert complaint.loc
        assert complaint.loc[0] in (*operation.takes, "other")
    assert cut_all(operation.takes, given_).keys() == given_.keys()
