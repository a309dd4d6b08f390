"""`engine test`: a line a case, what differs beside each other, what no case tries, and 0 or 1."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Type

PLAYBOOK = """\
name: fix
trigger: { action: fix, when: labels.service == 'engine' }
steps:
  - id: lookup
    http: "http://h/{{ labels.resource }}"
  - when: steps.lookup.body.free
    shell: [restart, "{{ labels.resource }}"]
"""
TESTS = """\
event: custom-action
cases:
  - name: restarts what is free
    mocks: { lookup: { body: { free: true } } }
    expect:
      state: succeeded
      steps: [lookup, steps/1]
  - name: leaves others alone
    mocks: { lookup: { body: { free: false } } }
    expect:
      steps: [lookup]
  - name: is about one service
    set: { labels.service: other }
    expect: { verdict: no }
"""


@pytest.fixture
def tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where one stands, with a playbook and its tests."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/fix.yaml").write_text(PLAYBOOK)
    (tmp_path / "playbooks/fix.test.yaml").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(out: str) -> list[str]:
    return [line.rstrip() for line in out.splitlines()]


@pytest.mark.usefixtures("tested")
def test_cases_that_hold_are_a_line_each(type_: Type) -> None:
    outcome = type_("test")
    assert outcome.code == 0
    assert lines(outcome.out) == [
        "✓ fix: restarts what is free",
        "✓ fix: leaves others alone",
        "✓ fix: is about one service",
        "3 cases in 1 file: 3 hold, 0 fail",
    ]


def test_what_differs_is_shown_beside_what_was_expected_with_its_line(
    tested: Path, type_: Type
) -> None:
    wrong = TESTS.replace("state: succeeded", "state: failed").replace("[lookup]", "[steps/1]")
    (tested / "playbooks/fix.test.yaml").write_text(wrong)
    outcome = type_("test", "playbooks")
    assert outcome.code == 1
    assert lines(outcome.out) == [
        "✗ fix: restarts what is free",
        "    playbooks/fix.test.yaml:6:7: state",
        "      expected  failed",
        "      got       succeeded",
        "✗ fix: leaves others alone",
        "    playbooks/fix.test.yaml:11:7: steps",
        "      expected    got",
        "      steps/1   ≠ lookup",
        "✓ fix: is about one service",
        "3 cases in 1 file: 1 holds, 2 fail",
    ]


@pytest.mark.usefixtures("tested")
def test_a_part_of_a_name_chooses_cases(type_: Type) -> None:
    outcome = type_("test", "-k", "FIX: leaves")
    assert (outcome.code, lines(outcome.out)) == (
        0,
        ["✓ fix: leaves others alone", "1 case in 1 file: 1 holds, 0 fail"],
    )
    nothing = type_("test", "-k", "no such")
    assert (nothing.code, lines(nothing.out)) == (
        1,
        ["0 cases in 1 file: 0 hold, 0 fail; no case was tried"],
    )


@pytest.mark.parametrize("path", ["playbooks", "playbooks/fix.yaml", "playbooks/fix.test.yaml"])
@pytest.mark.usefixtures("tested")
def test_a_folder_a_playbook_and_a_test_file_lead_to_the_same_cases(type_: Type, path: str) -> None:
    assert lines(type_("test", path).out)[-1] == "3 cases in 1 file: 3 hold, 0 fail"


def test_coverage_names_what_no_case_tries_and_where_it_stands(tested: Path, type_: Type) -> None:
    (tested / "playbooks/other.yaml").write_text("name: other\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    outcome = type_("test", "--coverage")
    assert outcome.code == 0
    assert lines(outcome.out)[4:] == [
        "✗ coverage of fix: 71.4 % (5 of 7)",
        "    playbooks/fix.yaml:4:5: lookup: it fails in no case",
        "    playbooks/fix.yaml:6:5: steps/1: it fails in no case",
        "✗ coverage of other: 0.0 % (0 of 1)",
        "    playbooks/other.yaml:1:1: no case tries it",
        "Coverage: 62.5 %",
    ]


@pytest.mark.parametrize(("least", "code"), [("71", 0), ("72", 1), ("100", 1)])
@pytest.mark.usefixtures("tested")
def test_too_little_coverage_fails(type_: Type, least: str, code: int) -> None:
    outcome = type_("test", "--min-coverage", least)
    assert outcome.code == code
    last = lines(outcome.out)[-1]
    wanted = f"Coverage: 71.4 %, and {least} % are wanted"
    assert last == (wanted if code else "3 cases in 1 file: 3 hold, 0 fail")


def test_programs_read_the_same(tested: Path, type_: Type) -> None:
    (tested / "playbooks/fix.test.yaml").write_text(TESTS.replace("[lookup]", "[]"))
    outcome = type_("test", "--format", "json")
    answer = json.loads(outcome.out)
    assert outcome.code == 1
    assert answer["items"][1] == {
        "file": "playbooks/fix.test.yaml",
        "line": 8,
        "column": 11,
        "playbook": "fix",
        "name": "leaves others alone",
        "holds": False,
        "verdict": "yes",
        "lane": "start",
        "state": "succeeded",
        "reason": "",
        "steps": ["lookup"],
        "took": 0.0,
        "differences": [
            {
                "what": "steps",
                "expected": [],
                "got": ["lookup"],
                "file": "playbooks/fix.test.yaml",
                "line": 11,
                "column": 7,
            }
        ],
        "problems": [],
    }
    assert (answer["next"], answer["problems"]) == (None, [])
    (covered,) = answer["coverage"]["items"]
    assert covered["missing"][0] == {
        "place": "steps/0",
        "way": "failed",
        "file": "playbooks/fix.yaml",
        "line": 4,
        "column": 5,
    }
    assert (covered["percent"], covered["branches"]) == (71.4, 7)


def test_build_servers_get_junit(tested: Path, type_: Type) -> None:
    wrong = TESTS.replace("[lookup]", "[]").replace("verdict: no", "verdict: no, steps: [x]")
    (tested / "playbooks/fix.test.yaml").write_text(wrong)
    (tested / "playbooks/bad.test.yaml").write_text("cases: 7")
    assert type_("test", "--junit", "out.xml").code == 1
    root = ET.fromstring((tested / "out.xml").read_bytes())  # noqa: S314 - our own file
    assert root.attrib == {"name": "engine test", "tests": "4", "failures": "1", "errors": "2"}
    suite, broken = root.findall("testsuite")
    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("restarts what is free", []),
        ("leaves others alone", ["failure"]),
        ("is about one service", ["error"]),
    ]
    failure = suite[1][0]
    assert failure.get("message") == "playbooks/fix.test.yaml:11:7: steps"
    assert (failure.text or "").splitlines()[1:] == ["  expected    got", "            ≠ lookup"]
    assert suite[1].get("classname") == "fix"
    assert suite[1].get("line") == "8"
    assert broken.get("name") == "playbooks/bad.test.yaml"
    assert "'cases' takes a list" in str(broken[0][0].get("message"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            TESTS.replace("event: custom-action", "playbook: other.yaml\nevent: custom-action"),
            ("playbooks/fix.test.yaml:1:11: no-playbook: there is no playbook other.yaml beside it "
            "(`playbook:` names its file, from where this one stands)"),
        ),
        (
            TESTS.replace("custom-action", "custom-acton"),
            ("    playbooks/fix.test.yaml:1:8: no-such-sample: there is no sample event 'custom-acton' "
            "(did you mean 'custom-action'?)"),
        ),
        (
            TESTS.replace("event: custom-action\n", ""),
            ("    playbooks/fix.test.yaml:2:11: no-event: a case needs an event "
            "(such as `event: custom-action`; `engine samples list` has others)"),
        ),
        (
            TESTS.replace("custom-action", "{ file: none.json }"),
            ("    playbooks/fix.test.yaml:1:8: unreadable: none.json cannot be read: "
            "No such file or directory "
            "(an event is a JSON file as Flashduty would send it)"),
        ),
        (
            TESTS.replace("custom-action", "{ incident: {} }"),
            ("    playbooks/fix.test.yaml:1:8: no-identity: the body has neither an event_id nor an "
            "event_time with an incident_id: a repeated delivery could not be told from a new one"),
        ),
        (
            TESTS.replace("{ labels.service: other }", "{ label.service: other }"),
            ("    playbooks/fix.test.yaml:13:12: no-such-field: 'label.service' is a field that no "
            "such body has (did you mean 'labels'?)"),
        ),
        (
            TESTS.replace("lookup:", "lokup:"),
            ("    playbooks/fix.test.yaml:4:14: no-such-step: no step is called 'lokup' "
            "(did you mean 'lookup'?)"),
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_test_is_told_at_its_place(
    tested: Path, type_: Type, text: str, said: str
) -> None:
    (tested / "playbooks/fix.test.yaml").write_text(text)
    outcome = type_("test")
    assert outcome.code == 1
    assert said in lines(outcome.out)


def test_a_playbook_with_problems_is_not_tried(tested: Path, type_: Type) -> None:
    (tested / "playbooks/fix.yaml").write_text(PLAYBOOK.replace("steps:\n", "stps: []\nsteps:\n"))
    outcome = type_("test")
    assert outcome.code == 1
    assert lines(outcome.out) == [
        "playbooks/fix.yaml:3:1: unknown-key: there is no key 'stps' here (did you mean 'steps'?)",
        "0 cases in 1 file: 0 hold, 0 fail, and 1 problem in files; no case was tried",
    ]


def test_an_event_may_stand_in_a_file_or_in_the_case(tested: Path, type_: Type) -> None:
    press = type_("samples", "show", "custom-action").out
    (tested / "playbooks/press.json").write_text(press)
    inline = "{ event_id: a, incident: { incident_id: b, labels: { service: engine } } }"
    for event in ("{ file: press.json }", inline):
        text = f"event: {event}\ncases: [{{ name: a, expect: {{ verdict: yes }} }}]"
        (tested / "playbooks/fix.test.yaml").write_text(
            text.replace("cases:", "mocks: { lookup: { body: {} } }\ncases:")
        )
        assert type_("test").code == 0


@pytest.mark.usefixtures("tested")
def test_a_report_that_cannot_be_written_is_said(type_: Type) -> None:
    outcome = type_("test", "--junit", "nowhere/out.xml")
    assert outcome.code == 2
    assert outcome.err == "unwritable: nowhere/out.xml: No such file or directory\n"


def test_a_folder_without_tests_is_no_success(tested: Path, type_: Type) -> None:
    (tested / "playbooks/fix.test.yaml").unlink()
    outcome = type_("test")
    assert outcome.code == 2
    assert outcome.err.startswith(f"no-tests: there is no test file in {tested}/playbooks")


def test_other_commands_leave_test_files_alone(tested: Path, type_: Type) -> None:
    assert lines(type_("lint", "playbooks").out) == ["1 playbook file: no problems"]
    both = [str(path) for path in sorted((tested / "playbooks").glob("*.yaml"))]
    assert lines(type_("lint", *both).out) == ["1 playbook file: no problems"]
