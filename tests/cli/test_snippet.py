"""The YAML lines of a step."""

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
