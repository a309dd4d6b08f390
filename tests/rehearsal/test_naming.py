"""Steps are called by id, by name or by place, as in `run.failed_step`."""

import pytest

from engine.rehearsal.naming import StepNames
from tests.rehearsal.laid_out import a_playbook

NAMES = StepNames.of(
    a_playbook("""\
steps:
  - { id: first, name: The first, shell: [a] }
  - { name: The same, shell: [b] }
  - { name: The same, shell: [c] }
  - parallel:
      - [{ id: left, shell: [d] }]
      - [{ shell: [e] }]
  - { id: all, foreach: alerts, shell: [f] }
  - { id: out, playbook: drain }
  - { id: each, foreach: alerts, playbook: drain }
on_failure:
  - { name: Say so, shell: [g] }
""")
)


@pytest.mark.parametrize(
    ("name", "path", "title"),
    [
        ("first", "steps/0", "first"),
        ("The first", "steps/0", "first"),
        ("steps/0", "steps/0", "first"),
        ("steps/2", "steps/2", "steps/2"),
        ("left", "steps/3[0]/0", "left"),
        ("steps/3[1]/0", "steps/3[1]/0", "steps/3[1]/0"),
        ("all", "steps/4", "all"),
        ("all[2]", "steps/4[2]", "all[2]"),
        ("steps/4[0]", "steps/4[0]", "all[0]"),
        ("out/lookup", "steps/5/steps/0", "out/lookup"),
        ("out/Wait a little", "steps/5/steps/1", "out/Wait a little"),
        ("out/steps/1", "steps/5/steps/1", "out/Wait a little"),
        ("each/lookup", "steps/6/steps/0", "each/lookup"),
        ("each[1]/lookup", "steps/6[1]/steps/0", "each[1]/lookup"),
        ("steps/6[1]/steps/0", "steps/6[1]/steps/0", "each[1]/lookup"),
        ("Say so", "on_failure/0", "Say so"),
    ],
)
def test_a_name_leads_to_a_place_and_the_place_has_one_title(
    name: str, path: str, title: str
) -> None:
    assert NAMES.path(name) == path
    assert NAMES.title(path) == title


@pytest.mark.parametrize("name", ["second", "The same", "first[0]", "steps/9", "out[0]/lookup", ""])
def test_what_no_step_is_called_or_more_than_one_leads_nowhere(name: str) -> None:
    assert NAMES.path(name) is None


def test_a_place_in_a_run_is_known_whichever_item_it_is_of() -> None:
    assert NAMES.declared("steps/6[12]/steps/1") == "steps/6/steps/1"
    found = NAMES.at("steps/6[12]/steps/1")
    assert found is not None
    assert (found.playbook.name, found.place) == ("drain", "steps/1")
    assert NAMES.at("steps/44") is None


def test_hints_name_what_people_would_write() -> None:
    known = NAMES.known
    assert known[:2] == ["first", "steps/1"]
    assert "out/lookup" in known
