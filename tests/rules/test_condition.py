"""A condition answers yes, no or cannot tell, and says where it is not JMESPath."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from engine.rules.condition import (
    MAX_DEPTH,
    Answer,
    Condition,
    ConditionSyntaxError,
    Verdict,
    is_true,
)
from engine.rules.explain import decide
from engine.rules.functions import function_names
from engine.rules.undecided import CannotTellError

DOCUMENT: dict[str, Any] = {
    "severity": "Critical",
    "labels": {"service": "engine", "k8s-app": "web"},
    "alerts": [{"n": 1}, {"n": 2}],
    "count": 0,
    "mixed": [1, "a"],
    "numbers": [3, 1],
}


def syntax_error(text: str) -> ConditionSyntaxError:
    with pytest.raises(ConditionSyntaxError) as caught:
        Condition.parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("severity == 'Critical'", Answer.YES),
        ("severity == 'Info'", Answer.NO),
        ("labels.\"k8s-app\" == 'web'", Answer.YES),
        ("labels.service", Answer.YES),
        ("labels.nothing", Answer.NO),
        ("nothing.at.all", Answer.NO),
        ("nothing == `null`", Answer.YES),
        ("nothing != 'x'", Answer.YES),
        ("nothing == 'x'", Answer.NO),
        ("nothing > `1`", Answer.NO),
        ("nothing < `1`", Answer.NO),
        ("!nothing", Answer.YES),
        ("count", Answer.YES),
        ("alerts[?n > `1`]", Answer.YES),
        ("alerts[?n > `2`]", Answer.NO),
        ("alerts[5]", Answer.NO),
        ("severity && labels.service == 'engine' || nothing", Answer.YES),
        ("severity == 'Info' && length(nothing) > `1`", Answer.NO),
        ("severity || length(nothing) > `1`", Answer.YES),
        ("length(nothing) > `1`", Answer.CANNOT_TELL),
        ("!(length(nothing) > `1`)", Answer.CANNOT_TELL),
        ("severity && length(nothing) > `1`", Answer.CANNOT_TELL),
        ("contains(nothing, 'x')", Answer.CANNOT_TELL),
        ("alerts[?starts_with(n, 'x')]", Answer.CANNOT_TELL),
    ],
)
def test_a_condition_has_three_answers(text: str, answer: Answer) -> None:
    verdict = Condition.parse(text).decide(DOCUMENT)
    assert verdict.answer is answer
    assert verdict.yes is (answer is Answer.YES)
    assert (verdict.reason is None) is (answer is Answer.YES)


def test_a_no_names_the_condition() -> None:
    assert Condition.parse("severity == 'Info'").decide(DOCUMENT) == Verdict(
        Answer.NO, "severity == 'Info' is not true"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "length(nothing)",
            "length() takes string or array or object, not a field that is not there",
        ),
        ("length(count)", "length() takes string or array or object, not number 0"),
        (
            "lower(labels)",
            "lower() takes string, not object {'service': 'engine', 'k8s-app': 'web'}",
        ),
        ("abs(severity)", "abs() takes number, not string 'Critical'"),
        ("sum(mixed)", "sum() takes array-number, not str 'a'"),
        ("sort(mixed)", "sort() takes array-string or array-number, not str 'a'"),
        ("merge(labels, nothing)", "TypeError: 'NoneType' object is not iterable"),
        (
            "contains(severity, `1`)",
            "TypeError: 'in <string>' requires string as left operand, not int",
        ),
        ("numbers[::0]", "ValueError: slice step cannot be zero"),
        ("ceil(to_number('inf'))", "OverflowError: cannot convert float infinity to integer"),
        ("map(alerts, alerts)", "map() takes expref, not array [{'n': 1}, {'n': 2}]"),
    ],
)
def test_what_cannot_be_told_says_why(text: str, reason: str) -> None:
    condition = Condition.parse(text)
    assert condition.decide(DOCUMENT) == Verdict(Answer.CANNOT_TELL, reason)
    with pytest.raises(CannotTellError) as caught:
        condition.value(DOCUMENT)
    assert str(caught.value) == reason


def test_a_long_value_is_cut_in_the_reason() -> None:
    verdict = Condition.parse("lower(hosts)").decide({"hosts": ["es.nj.01"] * 1000})
    shown = repr(["es.nj.01"] * 1000)[:60]
    assert verdict.reason == f"lower() takes string, not array {shown}..."


def test_a_value_that_is_not_known_yet_cannot_be_told() -> None:
    class Unknown:
        @override
        def __eq__(self, other: object) -> bool:
            raise CannotTellError("steps.lookup is not known before it is performed")

        __hash__ = None  # type: ignore[assignment]

    for text in ("later == 'x'", "later"):
        assert Condition.parse(text).decide({"later": Unknown()}) == Verdict(
            Answer.CANNOT_TELL, "steps.lookup is not known before it is performed"
        )


def test_a_condition_gives_its_value() -> None:
    assert Condition.parse("alerts[].n").value(DOCUMENT) == [1, 2]
    assert Condition.parse("labels.nothing").value(DOCUMENT) is None


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
        (True, True),
        (0, True),
        (0.0, True),
        ("false", True),
        ([None], True),
        ({"a": None}, True),
    ],
)
def test_truth_is_jmespaths_and_zero_is_true(value: Any, truth: bool) -> None:
    assert is_true(value) is truth


EARLY = "the expression ends too early"
EQUALS = "JMESPath compares with '=='"
DASH = 'a name with a dash stands between double quotes: labels."k8s-app"'
NUMBER = "a number stands between backticks: `200`"


@pytest.mark.parametrize(
    ("text", "offset", "message", "hint"),
    [
        ("", 0, "the expression is empty", None),
        (" \n", 0, "the expression is empty", None),
        ("severity ==", 11, EARLY, None),
        ("severity ==  ", 11, EARLY, None),
        ("labels.", 7, EARLY, None),
        ("(severity", 9, EARLY, None),
        ("alerts[?n == `1`", 16, EARLY, NUMBER),
        ("alerts[", 7, EARLY, None),
        ("severity = 'Critical'", 9, "unknown token '='", EQUALS),
        ("severity =", 9, "unknown token '='", EQUALS),
        ("severity == 'Critical", 12, "unclosed ' delimiter", None),
        ("labels.k8s-app == 'x'", 10, "unknown token '-'", DASH),
        ("labels.host-1 == 'x'", 11, "'-1' cannot stand here", DASH),
        ("status == 200", 10, "'200' cannot stand here", NUMBER),
        (
            "severity and labels",
            9,
            "'and' cannot stand here",
            "JMESPath writes '&&' for 'and'",
        ),
        ("severity or labels", 9, "'or' cannot stand here", "JMESPath writes '||' for 'or'"),
        ("not severity", 4, "'severity' cannot stand here", "JMESPath writes '!' for 'not'"),
        (
            "{{ severity }}",
            1,
            "'{' cannot stand here",
            "a condition is JMESPath: write the name alone, without {{ }}",
        ),
        ("severity 'x'", 9, "'x' cannot stand here", None),
        ("severity ? x", 9, "unknown token ?", None),
        ("labels.(a)", 7, "'(' cannot stand here", None),
        ("alerts[1:2:3:4]", 12, "':' cannot stand here", NUMBER),
        ("alerts[0](x)", 8, "']' cannot stand here", NUMBER),
        ('severity && "length"(x)', 20, "'(' cannot stand here", None),
        ('`{"a": \\u00zz}`', 0, 'bad token {"a": \\u00zz}', NUMBER),
        ('"\\q"', 0, "invalid \\escape", None),
        ("severity)", 8, "')' cannot stand here", None),
    ],
)  # fmt: skip
def test_what_is_not_jmespath_is_located_and_explained(
    text: str, offset: int, message: str, hint: str | None
) -> None:
    error = syntax_error(text)
    assert (error.offset, error.message, error.hint) == (offset, message, hint)
    assert str(error) == message


@pytest.mark.parametrize(
    ("text", "offset", "message", "hint"),
    [
        ("lenght(a)", 0, "there is no function 'lenght'", "did you mean 'length'?"),
        ("a && contians(b, 'x')", 5, "there is no function 'contians'", "did you mean 'contains'?"),
        ("a == 'zz(' && zz (b)", 14, "there is no function 'zz'", None),
        ("length()", 0, "length() takes 1 argument, not 0", None),
        ("length(a, b)", 0, "length() takes 1 argument, not 2", None),
        ("a || matches(b)", 5, "matches() takes 2 arguments, not 1", None),
        ("not_null()", 0, "not_null() takes 1 argument, not 0", None),
        ("xlength(a)", 0, "there is no function 'xlength'", "did you mean 'length'?"),
        ("length(a) == max(b, c)", 13, "max() takes 1 argument, not 2", None),
        ("alerts[?length() > `1`].x", 8, "length() takes 1 argument, not 0", None),
        ("sort_by(a, &lowr(b))", 12, "there is no function 'lowr'", "did you mean 'lower'?"),
    ],
)
def test_an_unknown_function_or_a_wrong_number_of_arguments_is_refused(
    text: str, offset: int, message: str, hint: str | None
) -> None:
    error = syntax_error(text)
    assert (error.offset, error.message) == (offset, message)
    if hint is not None or "there is no" not in message:
        assert error.hint == hint


def test_an_unknown_function_like_no_other_shows_them_all() -> None:
    hint = syntax_error("qqqqq(a)").hint
    assert hint is not None
    assert hint.startswith("known here: abs, avg, ceil, contains, ends_with, floor, in_cidr, join")


def test_functions_take_more_arguments_where_more_are_welcome() -> None:
    assert Condition.parse("not_null(nothing, x, severity)").value(DOCUMENT) == "Critical"


DEEP = f"the expression is nested deeper than {MAX_DEPTH} levels"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a" + ")" * 5000,
        "!" * 5000 + "a",
        " || ".join(["a"] * 5000),
        " || ".join(["a"] * (MAX_DEPTH + 1)),
        "`" + "[" * 100_000 + "]" * 100_000 + "`",
    ],
)
def test_an_expression_nested_too_deeply_is_refused(text: str) -> None:
    error = syntax_error(text)
    assert (error.message, error.offset, error.hint) == (DEEP, 0, None)


def test_the_deepest_expression_is_evaluated_and_explained() -> None:
    text = " || ".join(["a"] * MAX_DEPTH)
    verdict = decide(Condition.parse(text), {"a": None})
    assert verdict == Verdict(Answer.NO, ", and ".join(["a is null"] * MAX_DEPTH))


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert syntax_error(f"a[{'9' * 5000}]").message == "a number is too long"


def test_a_condition_is_its_text() -> None:
    assert Condition.parse("a == b") == Condition.parse("a == b")
    assert Condition.parse("a == b") != Condition.parse("b == a")
    assert repr(Condition.parse("a == b")) == "Condition(text='a == b')"


MARKS = list("ab.,:()[]{}*@&!|<='`\"\\ é0")
WORDS = ['"c-d"', "'x'", "`1`", "`{}`", "&&", "||", "==", "[]", "[?", "[*]", "-1", "true", "length"]
CALLS = ["sort_by(", "matches(", "not_null("]
TOKENS = st.lists(st.sampled_from(MARKS + WORDS + CALLS), max_size=14).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c-d"]), inner, max_size=3)
    ),
    max_leaves=10,
)
FUNCTIONS = function_names()
EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", '"c-d"', "@", "'a'", "`0`", "`[1]`", "&a", "a[0]", "b[::-1]"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["==", "<", "&&", "||"]), inner),
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), inner),
        st.builds("{}({}, {})".format, st.sampled_from(FUNCTIONS), inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({})[?{}].a".format, inner, inner),
        st.builds("({})[]".format, inner),
        st.builds("({}).*".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=8,
)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # JMESPath's old `literals`
@given(st.text(max_size=30) | TOKENS)
@settings(max_examples=200)
@example("a.`")
@example('"a"(b)')
def test_any_text_is_a_condition_or_a_located_error(text: str) -> None:
    try:
        condition = Condition.parse(text)
    except ConditionSyntaxError as error:
        assert 0 <= error.offset <= len(text)  # noqa: PT017
        assert error.message  # noqa: PT017
    else:
        assert isinstance(condition.decide(DOCUMENT), Verdict)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of `re`, about some patterns
@given(EXPRESSIONS, st.dictionaries(st.sampled_from(["a", "b", "c-d"]), JSON))
@settings(max_examples=200)
def test_any_condition_over_any_document_has_a_verdict(text: str, document: Any) -> None:
    with contextlib.suppress(ConditionSyntaxError):
        condition = Condition.parse(text)
        verdict = condition.decide(document)
        explained = decide(condition, document)
        assert explained.answer is verdict.answer
        assert (explained.reason is None) is verdict.yes
