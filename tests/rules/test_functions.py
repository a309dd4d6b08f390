"""The functions conditions have beyond JMESPath's own, with good and with bad input."""

import time
from typing import Any

import pytest

from engine.rules.condition import Answer, Condition
from engine.rules.functions import arity_of, function_names
from engine.rules.undecided import CannotTellError

DOCUMENT: dict[str, Any] = {"title": " Disk FULL ", "ip": "10.1.2.3", "ip6": "fd00::1", "n": 5}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("matches(title, 'FULL')", True),
        ("matches(title, '^FULL')", False),
        (r"matches(ip, '^\d+(\.\d+){3}$')", True),
        ("matches(title, '(?i)full')", True),
        ("lower(title)", " disk full "),
        ("upper(title)", " DISK FULL "),
        ("trim(title)", "Disk FULL"),
        ("split(ip, '.')", ["10", "1", "2", "3"]),
        ("split(ip, 'x')", ["10.1.2.3"]),
        ("split('', ',')", [""]),
        ("in_cidr(ip, '10.0.0.0/8')", True),
        ("in_cidr(ip, '10.1.2.9/24')", True),
        ("in_cidr(ip, '192.168.0.0/16')", False),
        ("in_cidr(ip6, 'fd00::/8')", True),
        ("in_cidr(ip6, '10.0.0.0/8')", False),
        ("in_cidr(ip, '10.1.2.3')", True),
    ],
)
def test_a_function_answers(expression: str, value: Any) -> None:
    assert Condition.parse(expression).value(DOCUMENT) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (
            "matches(title, '(')",
            "matches(): missing ), unterminated subpattern at position 0 in the pattern '('",
        ),
        ("matches(n, 'x')", "matches() takes string, not number 5"),
        ("matches(nothing, 'x')", "matches() takes string, not a field that is not there"),
        ("matches(title, `1`)", "matches() takes string, not number 1"),
        ("lower(n)", "lower() takes string, not number 5"),
        ("upper(nothing)", "upper() takes string, not a field that is not there"),
        ("trim(@)", f"trim() takes string, not object {repr(DOCUMENT)[:60]}..."),
        ("split(title, '')", "split(): the separator is empty"),
        ("split(title, `null`)", "split() takes string, not a field that is not there"),
        (
            "in_cidr('somewhere', '10.0.0.0/8')",
            "in_cidr(): 'somewhere' does not appear to be an IPv4 or IPv6 address",
        ),
        (
            "in_cidr(ip, '10.0.0.0/99')",
            "in_cidr(): '10.0.0.0/99' does not appear to be an IPv4 or IPv6 network",
        ),
        ("in_cidr(n, '10.0.0.0/8')", "in_cidr() takes string, not number 5"),
    ],
)
def test_a_function_given_what_it_cannot_use_cannot_tell(expression: str, reason: str) -> None:
    condition = Condition.parse(expression)
    verdict = condition.decide(DOCUMENT)
    assert (verdict.answer, verdict.reason) == (Answer.CANNOT_TELL, reason)
    with pytest.raises(CannotTellError) as caught:
        condition.value(DOCUMENT)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(a+)+$", "a" * 60 + "!"),
        (r"^([a-zA-Z]+)*$", "a" * 60 + "!"),
        (r"^(\w+\s?)*$", "word " * 30 + "!"),
        (r"(x+x+)+y", "x" * 60),
        (r"(.*)*x(.*)*y(.*)*z", "x" * 200),
    ],
)
def test_a_text_that_would_make_re_backtrack_for_ever_is_answered(pattern: str, text: str) -> None:
    began = time.process_time()
    verdict = Condition.parse(f"matches(title, '{pattern}')").decide({"title": text})
    assert time.process_time() - began < 30
    assert verdict.answer is Answer.NO


@pytest.mark.parametrize(
    ("pattern", "text"), [(r"^(a|aa)+$", "a" * 60 + "!"), (r"(x+x+)+y", "x" * 5000)]
)
def test_a_pattern_that_takes_too_long_cannot_be_told(pattern: str, text: str) -> None:
    began = time.process_time()
    verdict = Condition.parse(f"matches(title, '{pattern}')").decide({"title": text})
    assert time.process_time() - began < 30
    assert verdict.answer is Answer.CANNOT_TELL
    assert verdict.reason == f"matches(): no answer within 0.2 s of the pattern '{pattern}'"


def test_a_pattern_too_large_for_the_regular_expressions_cannot_tell() -> None:
    verdict = Condition.parse("matches(title, 'a{99999999999}')").decide(DOCUMENT)
    assert verdict.answer is Answer.CANNOT_TELL
    assert verdict.reason == "OverflowError: the repetition number is too large"


@pytest.mark.parametrize(
    ("name", "arity"),
    [
        ("lower", (1, False)),
        ("matches", (2, False)),
        ("in_cidr", (2, False)),
        ("not_null", (1, True)),
        ("length", (1, False)),
        ("shell", None),
    ],
)
def test_how_many_arguments_a_function_takes_is_known(
    name: str, arity: tuple[int, bool] | None
) -> None:
    assert arity_of(name) == arity


def test_the_functions_are_jmespaths_and_ours_and_nothing_else() -> None:
    ours = {"matches", "lower", "upper", "split", "trim", "in_cidr"}
    assert set(function_names()) == ours | {"abs", "avg", "ceil", "contains", "ends_with", "floor", "join", "keys", "length", "map", "max", "max_by", "merge", "min", "min_by", "not_null", "reverse", "sort", "sort_by", "starts_with", "sum", "to_array", "to_number", "to_string", "type", "values"}  # fmt: skip
    assert list(function_names()) == sorted(function_names())
