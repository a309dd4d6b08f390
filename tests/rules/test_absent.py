"""A path that leads nowhere says where it ends, and what is there instead."""

from typing import Any

import pytest

from engine.rules.absent import Absent, absent_in
from engine.rules.condition import Condition

DOCUMENT: dict[str, Any] = {
    "labels": {"check": "cpu", "resource": "es.nj.01", "k8s-app": "web", "nobody": None},
    "fields": {},
    "person": None,
    "title": "disk full",
    "alerts": [{"labels": {"n": 1}}],
    "muted": True,
    "count": 3,
}


def absent(expression: str) -> Absent | None:
    return absent_in(Condition.parse(expression).tree, DOCUMENT)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("lables", "the document has labels, fields, person, title, alerts, muted, count (did you mean 'labels'?)"),
        ("labels.resorce", "labels has check, resource, k8s-app, nobody (did you mean 'resource'?)"),
        ("labels.owner", "labels has check, resource, k8s-app, nobody"),
        ("fields.owner", "fields is empty"),
        ("fields.owner.name", "fields is empty"),
        ("person.person_name", "person is null"),
        ("title.x", "title is a text"),
        ("muted.x", "muted is true or false"),
        ("count.x", "count is a number"),
        ("alerts[1]", "alerts is a list of 1"),
        ("alerts[-2].labels", "alerts is a list of 1"),
        ("alerts.labels", "alerts is a list of 1"),
        ("labels[0]", "labels is a mapping"),
        ("alerts[0].labels.m", "alerts[0].labels has n"),
        ('labels."k8s-app".x', 'labels."k8s-app" is a text'),
    ],
)  # fmt: skip
def test_it_says_what_is_there(expression: str, said: str) -> None:
    found = absent(expression)
    assert found is not None
    assert found.said == said


@pytest.mark.parametrize(
    "expression",
    [
        "labels.nobody",
        "person",
        "labels.check",
        "alerts[0]",
        "alerts[*].x",
        "a | b",
        "@",
        "labels.*",
    ],
)
def test_a_null_that_is_there_is_not_absent_nor_is_what_is_no_path(expression: str) -> None:
    assert absent(expression) is None


def test_of_many_names_twenty_are_shown() -> None:
    found = absent_in(Condition.parse("a").tree, {f"k{number}": 1 for number in range(25)})
    assert found is not None
    assert found.as_json()["keys"] == [*(f"k{number}" for number in range(20)), "and 5 more"]
    assert found.said.endswith("k19, and 5 more")
