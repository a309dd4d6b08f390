import json

from engine.lint.report import FORMATS, as_github, as_json, as_text
from engine.problem import Location, Problem

LOCATED = Problem("unknown-key", "there is no key 'a' here", Location("b.yaml", 7, 5), "drop it")
NOWHERE = Problem("no-such-path", "there is no file", level="warning")


def test_a_person_reads_a_line_for_each_problem_and_a_sum() -> None:
    assert as_text([NOWHERE, LOCATED], 3) == (
        "warning: no-such-path: there is no file\n"
        "b.yaml:7:5: unknown-key: there is no key 'a' here (drop it)\n"
        "3 playbook files: 1 error, 1 warning in 1 file"
    )


def test_the_sum_counts_files_with_problems_once() -> None:
    other = Problem("x", "y", Location("c.yaml"))
    summary = as_text([LOCATED, LOCATED, other], 2).splitlines()[-1]
    assert summary == "2 playbook files: 3 errors in 2 files"


def test_nothing_found_is_said_as_well() -> None:
    assert as_text([], 1) == "1 playbook file: no problems"
    assert as_text([], 0) == "0 playbook files: no problems"


def test_a_message_of_several_lines_stays_on_one() -> None:
    problem = Problem("yaml-syntax", "found\nthis", Location("a.yaml"))
    assert as_text([problem], 1).splitlines()[0] == "a.yaml:1:1: yaml-syntax: found this"


def test_a_program_reads_stable_keys() -> None:
    assert json.loads(as_json([LOCATED, NOWHERE], 2)) == {
        "items": [
            {
                "file": "b.yaml",
                "line": 7,
                "column": 5,
                "level": "error",
                "code": "unknown-key",
                "message": "there is no key 'a' here",
                "hint": "drop it",
            },
            {
                "file": None,
                "line": None,
                "column": None,
                "level": "warning",
                "code": "no-such-path",
                "message": "there is no file",
                "hint": None,
            },
        ],
        "next": None,
        "checked": 2,
    }


def test_json_keeps_letters_as_they_are() -> None:
    assert "überall" in as_json([Problem("x", "überall")], 1)


def test_a_pull_request_gets_workflow_commands() -> None:
    assert as_github([LOCATED, NOWHERE], 2) == (
        "::error file=b.yaml,line=7,col=5::unknown-key: there is no key 'a' here (drop it)\n"
        "::warning::no-such-path: there is no file\n"
        "2 playbook files: 1 error, 1 warning in 1 file"
    )


def test_a_note_is_a_notice_there_and_is_counted_by_its_own_name() -> None:
    note = Problem("same-action", "both start", Location("a.yaml"), level="note")
    assert as_github([note], 1).splitlines() == [
        "::notice file=a.yaml,line=1,col=1::same-action: both start",
        "1 playbook file: 1 note in 1 file",
    ]


def test_nothing_in_a_problem_can_end_its_workflow_command() -> None:
    problem = Problem("x", "100%\r\n::error::no", Location("a,b:c%.yaml", 1, 2))
    assert as_github([problem], 1).splitlines()[0] == (
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=2::x: 100%25%0D%0A::error::no"
    )


def test_every_format_has_a_name() -> None:
    assert dict(FORMATS) == {"text": as_text, "json": as_json, "github": as_github}
