"""The sentence that says what decided."""

from typing import Any

import pytest

from engine.playbooks.deferred import Unknown
from engine.rules.condition import Condition
from engine.rules.why import why

DOCUMENT: dict[str, Any] = {
    "severity": "Critical",
    "title": "disk full",
    "labels": {"service": "engine", "k8s-app": "web"},
    "alerts": [{"n": 1, "ok": True}, {"n": 2, "ok": False}],
    "muted": True,
    "count": 0,
    "hosts": [],
}


def reason(expression: str, document: dict[str, Any] | None = None) -> str:
    condition, told = Condition.parse(expression), document or DOCUMENT
    return why(condition.tree, told, condition.decide(told))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("owner", "owner is null"),
        ("labels.owner", "labels.owner is null"),
        ('labels."k8s-app" == \'db\'', 'labels."k8s-app" is "web"'),
        ("severity == 'Info'", 'severity is "Critical"'),
        ("'Info' == severity", 'severity is "Critical"'),
        ("severity == title", 'severity is "Critical", title is "disk full"'),
        ("`1` == `2`", "`1` == `2` is false"),
        ("contains(title, 'cpu')", 'title is "disk full"'),
        ("length(alerts) > `2`", "length(alerts) is 2"),
        ("alerts[?n > `5`]", "alerts[?n > `5`] is []"),
        ("severity == 'Info' && owner", 'severity is "Critical"'),
        ("severity == 'Critical' && owner", "owner is null"),
        ("owner && hosts", "owner is null"),
        ("owner || hosts", "owner is null, and hosts is []"),
        ("owner || (severity && hosts)", "owner is null, and hosts is []"),
        ("owner || hosts || `false`", "owner is null, and hosts is []"),
        ("severity && `false`", "severity && `false` is false"),
        ("`null` || `false`", "`null` || `false` is false"),
        ("!muted", "!muted: muted is true"),
        ("!(labels.service)", '!(labels.service): labels.service is "engine"'),
        ("!(muted && severity)", '!(muted && severity): muted is true, and severity is "Critical"'),
        ("!`true`", "!`true` is false"),
        ("!@", "!@ is false"),
        ("muted && severity", 'muted is true, and severity is "Critical"'),
        ("owner || severity || title", 'severity is "Critical"'),
        (
            "length(owner) > `1`",
            ("length(owner) > `1`: "
            "length() takes string or array or object, not a field that is not there"),
        ),
        (
            "severity && length(count) > `1`",
            "length(count) > `1`: length() takes string or array or object, not number 0",
        ),
        ("!lower(count)", "!lower(count): lower(count): lower() takes string, not number 0"),
        (
            "lower(count) || upper(count)",
            "lower(count): lower() takes string, not number 0",
        ),
        ("sort_by(hosts, &n)", "hosts is []"),
        ("hosts | [0]", "hosts | [0] is null"),
    ],
)  # fmt: skip
def test_why_says_what_decided(expression: str, said: str) -> None:
    assert reason(expression) == said


def test_words_that_are_not_ascii_stay_readable() -> None:
    assert reason("title == 'x'", {"title": "磁盘满"}) == 'title is "磁盘满"'


def test_a_long_value_is_cut_in_a_reason() -> None:
    assert reason("title == 'x'", {"title": "y" * 5000}) == 'title is "' + "y" * 199 + "..."


def test_a_value_nested_beyond_words_is_said_to_be_so() -> None:
    deep: list[Any] = []
    for _ in range(100_000):  # Python 3.13 writes some ten thousand
        deep = [deep]
    assert reason("hosts == 'x'", {"hosts": deep}) == "hosts is nested too deeply to show"
    assert reason("lower(hosts)", {"hosts": deep}) == (
        "lower(hosts): lower() takes string, not array nested too deeply to show"
    )


def test_of_what_is_not_known_yet_it_says_what_it_depends_on() -> None:
    said = "depends on ‹steps.p.ready›, which is not known before the step is performed"
    document = {"steps": {"p": Unknown("steps.p")}, "muted": True}
    assert reason("steps.p.ready", document) == f"steps.p.ready: {said}"
    assert reason("muted && steps.p.ready", document) == f"steps.p.ready: {said}"
    assert reason("!muted || steps.p.ready", document) == f"steps.p.ready: {said}"
