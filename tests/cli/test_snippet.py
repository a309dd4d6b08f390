"""The YAML lines of a step."""

import pytest

from engine.cli.snippet import yaml_lines
from engine.playbooks.playbook import PlaybookText

TEXT = (
    "name: x\nsteps:\n  - wait: 1s\n  - shell:\n      - echo\n      - b\nfinally:\n  - wait: 2s\n"
)


def test_the_lines_of_a_step_stand_with_their_numbers() -> None:
    assert list(yaml_lines(PlaybookText(TEXT, "x.yaml"), "steps/1")) == [
        "x.yaml:4:5",
        "    4 |   - shell:",
        "    5 |       - echo",
        "    6 |       - b",
    ]
    assert list(yaml_lines(PlaybookText(TEXT, "x.yaml"), "finally/0")) == [
        "x.yaml:8:5",
        "    8 |   - wait: 2s",
    ]


def test_a_long_step_is_cut() -> None:
    text = "steps:\n  - shell:\n" + "".join(f"      - {number}\n" for number in range(40))

    assert len(list(yaml_lines(PlaybookText(text, "x.yaml"), "steps/0"))) == 13


def test_what_is_not_there_has_no_lines() -> None:
    assert list(yaml_lines(PlaybookText(TEXT, "x.yaml"), "steps/9")) == []
    assert list(yaml_lines(PlaybookText(TEXT, "x.yaml"), "vars")) == []
    assert list(yaml_lines(PlaybookText("a: [", "x.yaml"), "steps/0")) == []


NESTED = """name: x
steps:
  - parallel:
      - - wait: 1s
        - playbook: y
  - parallel: {branches: [[{wait: 2s}], [{wait: 3s}]]}
  - foreach: labels.hosts
    playbook:
      call: y
"""
OTHER = "name: y\ninputs: {}\nsteps:\n  - wait: 9s\n"


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        ("steps/0[0]/0", ["x.yaml:4:11", "    4 |       - - wait: 1s"]),
        ("steps/0[0]/1/steps/0", ["y.yaml:4:5", "    4 |   - wait: 9s"]),
        (
            "steps/1[1]/0",
            ["x.yaml:6:42", "    6 |   - parallel: {branches: [[{wait: 2s}], [{wait: 3s}]]}"],
        ),
        ("steps/2[7]/steps/0", ["y.yaml:4:5", "    4 |   - wait: 9s"]),
        ("steps/2[7]/steps/1", []),
        ("steps/0[0]/0/steps/0", []),
    ],
)
def test_a_step_is_found_in_branches_and_in_called_playbooks(step: str, lines: list[str]) -> None:
    playbook = PlaybookText(NESTED, "x.yaml", (("name: z", "z.yaml"), (OTHER, "y.yaml")))
    assert list(yaml_lines(playbook, step)) == lines
