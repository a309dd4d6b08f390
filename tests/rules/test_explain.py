"""Why a condition answered as it did, in words that can be read back as the same condition."""

import json
from typing import Any

import jmespath
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from engine.rules.condition import Answer, Condition, Verdict, evaluate
from engine.rules.explain import decide, explain
from engine.rules.undecided import CannotTellError
from engine.rules.written import expression_of

DOCUMENT: dict[str, Any] = {
    "severity": "Critical",
    "title": "disk full",
    "labels": {"service": "engine", "k8s-app": "web"},
    "alerts": [{"n": 1, "ok": True}, {"n": 2, "ok": False}],
    "muted": True,
    "count": 0,
    "hosts": [],
}


def test_deciding_says_the_reason_for_anything_but_yes() -> None:
    def decided(expression: str) -> Verdict:
        return decide(Condition.parse(expression), DOCUMENT)

    assert decided("muted") == Verdict(Answer.YES)
    assert decided("owner") == Verdict(Answer.NO, "owner is null")
    assert decided("lower(count)") == Verdict(
        Answer.CANNOT_TELL, "lower(count): lower() takes string, not number 0"
    )


def node(expression: str, answer: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A node of the tree as JSON, with what it has more than most."""
    return {
        "expression": expression,
        "key": None,
        "answer": answer,
        "value": value,
        "with_values": None,
        "reason": None,
        "absent": None,
        "decides": True,
        "parts": [],
        **more,
    }


def test_an_explanation_shows_every_part_with_its_value_and_what_decided() -> None:
    explained = explain(
        Condition.parse("severity == 'Critical' && !(length(count) > `1`)"), DOCUMENT
    )
    said = "length() takes string or array or object, not number 0"
    assert explained.as_json() == node(
        "severity == 'Critical' && !(length(count) > `1`)",
        "cannot tell",
        reason=said,
        parts=[
            node(
                "severity == 'Critical'",
                "yes",
                True,
                with_values="'Critical' == 'Critical'",
                decides=False,
                parts=[node("severity", "yes", "Critical", decides=False)],
            ),
            node(
                "!(length(count) > `1`)",
                "cannot tell",
                reason=said,
                parts=[
                    node(
                        "length(count) > `1`",
                        "cannot tell",
                        reason=said,
                        with_values="? > 1",
                        parts=[
                            node(
                                "length(count)",
                                "cannot tell",
                                reason=said,
                                with_values="length(0)",
                                parts=[node("count", "yes", 0)],
                            )
                        ],
                    )
                ],
            ),
        ],
    )


def parts(expression: str) -> list[tuple[str, str, bool]]:
    """Of each part: its text, its answer, and whether it decided."""
    shown = explain(Condition.parse(expression), DOCUMENT).as_json()["parts"]
    return [(part["expression"], part["answer"], part["decides"]) for part in shown]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (
            "severity && owner && hosts",
            [("severity", "yes", False), ("owner", "no", True), ("hosts", "no", False)],
        ),
        (
            "owner || severity || muted",
            [("owner", "no", False), ("severity", "yes", True), ("muted", "yes", False)],
        ),
        ("owner || hosts", [("owner", "no", True), ("hosts", "no", True)]),
        ("severity && muted", [("severity", "yes", True), ("muted", "yes", True)]),
        ("severity && lower(count)", [("severity", "yes", False), ("lower(count)", "cannot tell", True)]),
        ("owner && lower(count)", [("owner", "no", True), ("lower(count)", "cannot tell", False)]),
        ("!muted", [("muted", "yes", True)]),
    ],
)  # fmt: skip
def test_only_what_decided_is_said_to_have(
    expression: str, told: list[tuple[str, str, bool]]
) -> None:
    assert parts(expression) == told


@pytest.mark.parametrize(
    ("expression", "with_values"),
    [
        ("labels.service == 'engine'", "'engine' == 'engine'"),
        ("labels.owner == 'x'", "absent == 'x'"),
        ("contains(title, 'cpu')", "contains('disk full', 'cpu')"),
        ("length(alerts) > `2`", "2 > 2"),
        ("count == `0`", "0 == 0"),
        ("sort_by(alerts, &n)", 'sort_by([{"n": 1, "ok": true}, {"n": 2, "ok": false}], &n)'),
        ("severity", None),
        ("severity && title", None),
    ],
)
def test_a_comparison_is_shown_with_values_for_its_parts(
    expression: str, with_values: str | None
) -> None:
    assert explain(Condition.parse(expression), DOCUMENT).with_values == with_values


def test_values_in_a_tree_are_shortened() -> None:
    document = {"title": "y" * 5000, "hosts": list(range(100))}
    shown = explain(Condition.parse("title == 'x' || hosts"), document).as_json()
    comparison, hosts = shown["parts"]
    assert comparison["with_values"] == f"'{'y' * 60}...' == 'x'"
    assert comparison["parts"][0]["value"] == f"{'y' * 200}..."
    assert hosts["value"] == [0, 1, 2, 3, 4, "... and 95 more"]


def test_what_is_absent_is_said_with_the_names_that_are_there() -> None:
    explained = explain(Condition.parse("labels.servce == 'engine'"), DOCUMENT)
    assert explained.parts[0].as_json()["absent"] == {
        "name": "servce",
        "of": "labels",
        "found": "a mapping",
        "keys": ["service", "k8s-app"],
        "nearest": "service",
    }


@pytest.mark.parametrize(
    "expression",
    [
        "labels.service == 'engine' && (severity == 'Critical' || muted)",
        'labels."k8s-app"',
        "alerts[0].labels.resource",
        "alerts[-1]",
        "alerts[*].labels.resource",
        "alerts[].labels.resource",
        "alerts[?n > `1`].ok",
        "alerts[?n > `1` && !ok]",
        "alerts[0:2:].n",
        "(alerts[*].n)[0]",
        "(incident.alerts[*].n).x",
        "(incident.alerts[?ok].n)[0]",
        "(alerts[*].n)[0].x",
        "alerts[*].[n, ok]",
        'alerts[*].{n: n, "is ok": ok}',
        "alerts[?ok] | [0].n",
        "labels.*",
        "*.service",
        "*",
        "[]",
        "[*]",
        "[(*)]",
        "[0].n",
        "[*][0]",
        "@",
        "!(labels.muted)",
        "!(alerts[*])",
        "!!muted",
        "!matches(title, 'x')",
        "(!muted) == `true`",
        "(!muted)[0]",
        "sort_by(alerts, &n)[0].n",
        "map(&(a || b), alerts)",
        "(a | b) && c",
        "matches(title, '^\\d+$')",
        "title == 'it\\'s'",
        'title == `"a\\\\"`',
        "title == `\"\\\\'\"`",
        'title == `{"a": "\\`"}`',
        "contains(`[1, 2]`, count)",
    ],
)  # fmt: skip
def test_an_expression_is_written_as_a_person_would(expression: str) -> None:
    assert expression_of(jmespath.compile(expression).parsed) == expression


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("((a))&&b", "a && b"),
        ("a||b&&c", "a || (b && c)"),
        ("a.b[0:1]", "a.b[0:1:]"),
        ('`"x"`', "'x'"),
        ('"a".b', "a.b"),
        ("!a==b", "(!a) == b"),
        ("(&a) | b", "(&a) | b"),
        ("a[0][0:1:][*]", "a[0][0:1:][*]"),
        ("(a.b[*].c).d", "(a.b[*].c).d"),
        ("a[*].b.*.c.d", "a[*].b.*.c.d"),
        ("(a[*].b)[]", "a[*].b[]"),
    ],
)  # fmt: skip
def test_what_can_be_written_plainer_is(expression: str, written: str) -> None:
    assert expression_of(jmespath.compile(expression).parsed) == written


NAMES = st.sampled_from(["a", "b", "c", '"k8s-app"', '"\\"q"', '"é"'])
TEXTS = st.text(alphabet=st.sampled_from(list("ab\\'`\"é")), max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "k8s-app", '"q', "é"]), inner, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "k8s-app", '"q', "é"]), JSON, min_size=1, max_size=6
)


def _literal(value: Any) -> str:
    return "`" + json.dumps(value).replace("`", "\\`") + "`"


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    left = inner | inner.map("({})".format)
    index = st.sampled_from(["[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[*]", "[]", ".*"])
    binary = st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">=", "|"])
    one = st.sampled_from(["to_array", "to_string", "type", "not_null", "length", "lower"])
    two = st.sampled_from(["contains", "matches", "split", "merge"])
    return st.one_of(
        st.builds("{}.{}".format, left, NAMES),
        st.builds("{}{}".format, left, index),
        st.builds("{}[?{}]".format, left, inner),
        st.builds("{}.[{}, {}]".format, left, inner, inner),
        st.builds("{}.[{}]".format, left, inner),
        st.builds("{}.{{{}: {}}}".format, left, NAMES, inner),
        st.builds("[{}]".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}, b: {}}}".format, NAMES, inner, inner),
        st.builds("{} {} {}".format, left, binary, left),
        st.builds("!{}".format, left),
        st.builds("{}({})".format, one, inner),
        st.builds("{}({}, {})".format, two, inner, inner),
        st.builds("{}.{}({})".format, left, one, inner),
        st.builds("map(&{}, {})".format, left, inner),
        st.builds("sort_by({}, &{})".format, inner, left),
    )


EXPRESSIONS = st.recursive(
    NAMES
    | st.sampled_from(["@", "*", "[0]", "[*]", "[]", "[1:]", "[?a]"])
    | JSON.map(_literal)
    | TEXTS.filter(lambda text: "\\" not in text).map(
        lambda text: "'" + text.replace("'", "\\'") + "'"
    ),
    _grown,
    max_leaves=10,
)


def _value(tree: Any, document: dict[str, Any]) -> tuple[str, Any]:
    try:
        return "is", evaluate(tree, document)
    except CannotTellError:
        return "cannot tell", None


@given(EXPRESSIONS, st.lists(DOCUMENTS, min_size=2, max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@example("(a[*].b)[0]", [{"a": [{"b": [1]}, {"b": [2]}]}])
@example("a[*].b.*.c.d", [{"a": [{"b": {"a": {"c": {"d": 1}}}}]}])
@example("(*.a).b", [{"a": {"a": {"b": 1}}}])
@example("a[?b].b[?c]", [{"a": [{"b": [{"c": 1}]}]}])
@example("a[0][0:2].b", [{"a": [[{"b": 1}, None]]}])
@example("a[0][0:2][*]", [{"a": [[1, None]]}])
@example("!(a.b)", [{"a": {"b": 1}}, {"a": {"b": False}}])
def test_a_written_expression_reads_back_as_one_of_the_same_value(
    expression: str, documents: list[dict[str, Any]]
) -> None:
    try:
        tree = jmespath.compile(expression).parsed
    except JMESPathError:
        assume(False)
        raise
    again = jmespath.compile(expression_of(tree)).parsed
    for document in documents:
        assert _value(again, document) == _value(tree, document)
    assert expression_of(again) == expression_of(tree)


@given(EXPRESSIONS, DOCUMENTS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_tree_says_what_its_condition_says_and_what_decided_says_the_same(
    expression: str, document: dict[str, Any]
) -> None:
    try:
        condition = Condition.parse(expression)
    except ValueError:
        assume(False)
        raise
    tree = explain(condition, document)
    assert tree.answer is condition.decide(document).answer
    assert json.dumps(tree.as_json())
    nodes = [tree]
    for one in nodes:
        if one.joined_by in ("&&", "||"):
            assert all(part.answer is one.answer for part in one.deciding)
        nodes.extend(one.deciding)
