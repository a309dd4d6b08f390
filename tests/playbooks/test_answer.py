"""An answer becomes labels, which are texts, or says why it does not."""

from typing import Any

import pytest

from engine.playbooks.answer import rendered_answer
from engine.playbooks.deferred import Unknown
from engine.playbooks.playbook import Playbook
from tests.runs.fakes import a_playbook

DOCUMENT = {
    "labels": {"service": "checkout"},
    "steps": {"look": {"body": {"owner": "team-a", "tier": 1, "tags": ["a"], "none": None}}},
}


def answering(answer: str) -> Playbook:
    return a_playbook(
        f"trigger: {{answer: labels}}\nsteps: [{{id: look, probe: a}}]\nanswer: {answer}"
    )


def rendered(answer: str, document: Any = None) -> tuple[dict[str, Any], str | None]:
    playbook = answering(answer)
    assert playbook.answer is not None
    return rendered_answer(playbook.answer, DOCUMENT if document is None else document)


@pytest.mark.parametrize(
    ("answer", "labels"),
    [
        ("{owner: '{{ steps.look.body.owner }}'}", {"owner": "team-a"}),
        ("{owner: 'of {{ labels.service }}', dc: nj}", {"owner": "of checkout", "dc": "nj"}),
        ("{tier: '{{ steps.look.body.tier }}', limit: 2.5}", {"tier": "1", "limit": "2.5"}),
        ("{known: true, old: '{{ 1 > 2 }}'}", {"known": "true", "old": "false"}),
        ("{a: null, b: '{{ steps.look.body.none }}', c: x}", {"c": "x"}),
        ("{a: '{{ labels.nobody | default(none) }}'}", {}),
        ("{empty: ''}", {"empty": ""}),
    ],
)
def test_every_label_is_a_text_and_null_leaves_it_out(answer: str, labels: dict[str, str]) -> None:
    assert rendered(answer) == (labels, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            "{a: x, owner: '{{ labels.owner }}'}",
            "owner: 'owner' is not there (known here: service)",
        ),
        (
            "{tags: '{{ steps.look.body.tags }}'}",
            "tags: the value of a label is a text, not a list",
        ),
        (
            "{all: '{{ steps.look.body }}'}",
            "all: the value of a label is a text, not a mapping",
        ),
    ],
)
def test_what_is_no_text_and_what_is_not_there_are_said_with_the_labels_name(
    answer: str, error: str
) -> None:
    assert rendered(answer) == ({}, error)


def test_what_a_rehearsal_does_not_know_stays_unknown() -> None:
    labels, error = rendered(
        "{owner: '{{ steps.look.body.owner }}', text: 'it is {{ steps.look.body.owner }}'}",
        {"steps": {"look": Unknown("steps.look")}},
    )

    assert error is None
    assert {name: str(value) for name, value in labels.items()} == {
        "owner": "‹steps.look.body.owner›",
        "text": "it is ‹steps.look.body.owner›",
    }


def test_a_playbook_without_one_has_none() -> None:
    assert a_playbook("steps: [{probe: a}]").answer is None
    assert not a_playbook("steps: [{probe: a}]").trigger.answers
    assert answering("{a: b}").trigger.answers
