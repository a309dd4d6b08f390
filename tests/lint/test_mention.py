"""Which paths an expression asks for, where they stand, and what it makes of them."""

import pytest

from engine.lint.mention import asked_by, asked_by_template, offset_in
from engine.playbooks.template import Templates
from engine.rules.condition import Condition

TEMPLATES = Templates()


def longest(paths: set[tuple[str, ...]]) -> set[str]:
    """Without those that another one begins with."""
    return {
        ".".join(path)
        for path in paths
        if not any(other != path and other[: len(path)] == path for other in paths)
    }


def in_condition(text: str) -> set[str]:
    return longest({mention.path for mention in asked_by(Condition.parse(text)).mentions})


def in_template(text: str) -> set[str]:
    asked = asked_by_template(TEMPLATES.parse(text))
    return longest({mention.path for mention in asked.mentions})


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("incident.labels.x", {"incident.labels.x"}),
        ('labels."k8s-app" == title', {"labels.k8s-app", "title"}),
        ("alerts[0].title", {"alerts.[].title"}),
        ("alerts[].labels.x", {"alerts.[].labels.x"}),
        ("alerts[*].labels.x | [0]", {"alerts.[].labels.x"}),
        (
            "alerts[?alert_severity == 'Critical'].title",
            {"alerts.[].alert_severity", "alerts.[].title"},
        ),
        ("labels.*.x", {"labels.*.x"}),
        ("length(alerts[1:].title)", {"alerts.[].title"}),
        ("sort_by(alerts, &start_time)[0].title", {"alerts"}),
        ("incident | title", {"incident.title"}),
        ("[incident.title, {x: labels.y}]", {"incident.title", "labels.y"}),
        ("!(a.b) && (c || d.e > `1`)", {"a.b", "c", "d.e"}),
        ("alerts[?@.title == 'x']", {"alerts.[].title"}),
    ],
)
def test_the_paths_of_a_condition(text: str, paths: set[str]) -> None:
    assert in_condition(text) == paths


def test_each_has_the_place_of_its_last_name() -> None:
    text = "incident.title == alerts[0].title"
    mentions = asked_by(Condition.parse(text)).mentions
    assert [(".".join(one.path), one.offset) for one in mentions] == [
        ("incident", 0),
        ("incident.title", 9),
        ("alerts", 18),
        ("alerts.[].title", 28),
    ]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{{ incident.labels['k8s-app'] }}", {"incident.labels.k8s-app"}),
        ("a {{ alerts[0].title }} b {{ title }}", {"alerts.[].title", "title"}),
        ("{{ payload.get('x', {}).y }}", {"payload.x"}),
        ("{{ labels.items() | list }}", {"labels"}),
        ("{{ title.upper() }}", {"title"}),
        ("{{ config.map[labels.x] }}", {"config.map", "labels.x"}),
        (
            "{% for one in alerts %}{{ one.title }}{{ labels.x }}{% endfor %}",
            {"alerts", "labels.x"},
        ),
        ("{% set y = vars.a %}{{ y.b }}", {"vars.a"}),
        ("{{ a.b if c.d == 'x' else e | join(f.g) }}", {"a.b", "c.d", "e", "f.g"}),
        ("{{ {'x': a.b}[c] }}", {"a.b", "c"}),
    ],
)
def test_the_paths_of_a_template(text: str, paths: set[str]) -> None:
    assert in_template(text) == paths


def test_a_default_is_for_the_last_name_alone() -> None:
    asked = asked_by_template(TEMPLATES.parse("{{ a.b.c | default('x') }}{{ d.e is defined }}"))
    assert [(".".join(one.path), one.defaulted) for one in asked.mentions] == [
        ("a", False),
        ("a.b", False),
        ("a.b.c", True),
        ("d", False),
        ("d.e", True),
    ]


def test_the_texts_that_a_template_compares_with() -> None:
    asked = asked_by_template(
        TEMPLATES.parse("{{ a.b == 'x' }}{{ c in ['y', d] }}{{ e not in ('z',) }}{{ 'n' == f }}")
    )
    assert [(".".join(path), word) for path, word in asked.words] == [
        ("a.b", "x"),
        ("c", "y"),
        ("e", "z"),
    ]


@pytest.mark.parametrize(
    ("source", "path", "offset"),
    [
        ("{{ title }}", ("title",), 3),
        ("x {{ incident.title }}", ("incident", "title"), 14),
        ("{{ a['b'] }}", ("a", "b"), 6),
        ("{{ alerts[0].title }}", ("alerts", "[]", "title"), 13),
        ("{{ vars.title ~ title }}", ("title",), 16),
        ("{{ steps.ab.x ~ steps.a.x }}", ("steps", "a"), 22),
        ("{{ payload.get('x') }}", ("payload", "x"), 16),
        ("{{ gone }}", ("not", "there"), 0),
    ],
)
def test_where_a_path_stands_in_a_template(source: str, path: tuple[str, ...], offset: int) -> None:
    assert offset_in(source, path) == offset


def test_comparisons_and_calls_have_their_sides() -> None:
    asked = asked_by(Condition.parse("a.b == 'x' && contains(c, `1`)"))
    (comparison,) = asked.comparisons
    assert (comparison.operator, comparison.left.path, comparison.right.literal) == (
        *("eq", ("a", "b"), "x"),
    )
    assert (comparison.left.offset, comparison.right.offset) == (0, 7)
    ((name, given),) = asked.calls
    assert (name, [one.path for one in given]) == ("contains", [("c",), None])
