"""Whether a value comes from an event: what becomes part of it counts, what chooses it does not."""

from pathlib import Path

import pytest

from engine.config.load import read_config
from engine.lint.origin import Origins
from engine.lint.reading import SubjectReader
from engine.marked_yaml.read import read_yaml
from engine.playbooks.template import Templates
from engine.rules.conditions import Conditions
from engine.wiring.step_types import offline_step_types

TYPES = offline_step_types(read_config("", Path("config.yaml"), {}, offline=True))


def foreign(template: str, head: str = "", before: str = "") -> str | None:
    """The path of an event that is in the template of the last step."""
    text = f"{head}\nsteps:\n{before}  - shell: [run, {template!r}]\n"
    subject = SubjectReader(TYPES, Templates(), Conditions()).read(read_yaml(text, "x.yaml"))
    (placed,) = [one for one in subject.templates if one.path[-1] == 1]
    path = Origins(subject).foreign(placed, placed.template.tree)
    return None if path is None else ".".join(path)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ labels.x }}", "labels.x"),
        ("a {{ title }} b", "title"),
        ("{{ alerts[0].labels.x }}", "alerts.[].labels.x"),
        ("{{ event.query.x }}", "event.query.x"),
        ("{{ labels.x | lower | trim }}", "labels.x"),
        ("{{ 'a' ~ fields.x }}", "fields.x"),
        ("{{ labels.x if config.y else 'z' }}", "labels.x"),
        ("{{ 'z' if config.y else labels.x }}", "labels.x"),
        ("{{ config.y | default(labels.x) }}", "labels.x"),
        ("{{ payload.get('x', 'y') }}", "payload"),
        ("{{ labels.x.upper() }}", "labels.x"),
        ("{% if config.y %}{{ labels.x }}{% endif %}", "labels.x"),
        ("{% for one in alerts %}{{ one.title }}{% endfor %}", "alerts"),
    ],
)
def test_what_becomes_part_of_the_value_is_foreign(template: str, path: str) -> None:
    assert foreign(template) == path


@pytest.mark.parametrize(
    "template",
    [
        "{{ config.x }}",
        "{{ steps.x.body }}",
        "{{ run.id }}",
        "{{ event.action }}",
        "{{ severity }}",
        "{{ incident.incident_id }}",
        "{{ incident.alert_cnt }}",
        "{{ 'a' if labels.x }}",
        "{{ 'a' if labels.x == 'y' else 'b' }}",
        "{{ labels.x == 'y' }}",
        "{{ labels.x is defined }}",
        "{{ not labels.x }}",
        "{{ labels.x | int }}",
        "{{ alerts | length }}",
        "{{ config.map[labels.x] }}",
        "{{ {'a': 'b'}[labels.x] }}",
        "{{ {'a': 'b'}.get(labels.x, 'c') }}",
        "{% if labels.x %}a{% else %}b{% endif %}",
    ],
)
def test_what_only_chooses_or_counts_is_not(template: str) -> None:
    assert foreign(template) is None


def test_a_variable_is_what_it_was_made_of() -> None:
    head = 'vars: {a: "{{ labels.x }}", b: "{{ vars.a | lower }}", c: "{{ config.x }}", d: "{{ vars.d }}"}'
    assert foreign("{{ vars.a }}", head) == "vars.a"
    assert foreign("{{ vars.b }}", head) == "vars.b"
    assert foreign("{{ vars.c }}", head) is None
    assert foreign("{{ vars.d }}", head) is None
    assert foreign("{{ vars.e }}", head, '  - set: {e: "{{ title }}"}\n') == "vars.e"


@pytest.mark.parametrize(
    ("before", "looked"),
    [
        ("  - {when: \"!matches(vars.a, '^a$')\", stop: no}\n", True),
        ("  - {when: vars.a != 'a', stop: no}\n", True),
        ('  - {when: "!contains(`[\\"a\\"]`, vars.a)", stop: no}\n', True),
        ("  - {when: \"!in_cidr(vars.a, '10.0.0.0/8')\", stop: no}\n", True),
        ("  - {when: vars.a == '', stop: no}\n", False),
        ('  - {when: "!(vars.a)", stop: no}\n', False),
        ("  - {when: \"!matches(vars.b, '^a$')\", stop: no}\n", False),
    ],
)
def test_a_value_that_was_looked_at_is_taken_for_what_it_says(before: str, looked: bool) -> None:
    found = foreign("{{ vars.a }}", 'vars: {a: "{{ labels.x }}", b: a}', before)
    assert found == (None if looked else "vars.a")
