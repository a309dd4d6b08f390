"""Mistakes that people make in playbooks, each in a file that says itself what has to be found.

The first lines of a file in `cases/` are `# expect: line:column code message`, in file order, and
after one of them `# hint: ...` where the problem has a hint. Nothing else may be reported. Lines of
`# config: ...` are the config.yaml beside it; without them there is none.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cli.main import run
from engine.config.load import read_config
from engine.lint.check import Settings
from engine.lint.checks import CHECKS
from engine.lint.linter import Linted
from engine.lint.loader_pages import LOADER_PAGES
from engine.lint.pages import pages
from engine.problem import Location, Problem
from engine.wiring.step_types import offline_linter, offline_loader

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SHIPPED = Path(__file__).parents[2] / "playbooks"
GOOD = "name: {name}\ntrigger: {{}}\nsteps:\n  - wait: 1s\n"

every_case = pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)


@dataclass(frozen=True)
class Expected:
    line: int
    column: int
    code: str
    message: str
    hint: str | None = None

    def in_file(self, file: Path) -> Problem:
        place = Location(str(file), self.line, self.column)
        return Problem(self.code, self.message, place, self.hint, pages()[self.code][0])


def expectations(text: str) -> list[Expected]:
    found: list[Expected] = []
    for line in text.splitlines():
        if match := re.fullmatch(r"# expect: (\d+):(\d+) (\S+) (.+)", line):
            found.append(Expected(int(match[1]), int(match[2]), match[3], match[4]))
        elif line.startswith("# hint: "):
            last = found.pop()
            hint = line.removeprefix("# hint: ")
            found.append(Expected(last.line, last.column, last.code, last.message, hint))
        elif not line.startswith("# config: "):
            break
    return found


def config_of(case: Path) -> str | None:
    """What the case says stands in config.yaml; None where it says nothing."""
    lines = re.findall(r"^# config: (.+)$", case.read_text(), re.MULTILINE)
    return "\n".join(lines) if lines else None


def linted(case: Path) -> Linted:
    """As the command lints it: a config.yaml is made where the case says what is in it."""
    text = config_of(case)
    if text is not None:
        Path("config.yaml").write_text(text)
    config = read_config(text or "", Path("config.yaml"), {}, offline=True)
    settings = Settings(frozenset(config.vars), frozenset(config.secrets)) if text else None
    return offline_linter(config, settings).lint([(str(case), case.read_text())])


def summary(problems: list[Problem]) -> str:
    counts = [
        f"{count} {level}{'' if count == 1 else 's'}"
        for level in ("error", "warning", "note")
        if (count := sum(problem.level == level for problem in problems))
    ]
    return ", ".join(counts)


def status(problems: list[Problem]) -> int:
    return 1 if any(problem.level == "error" for problem in problems) else 0


def test_there_are_cases_and_each_expects_something() -> None:
    assert len(CASES) >= 80
    assert [case.name for case in CASES if not expectations(case.read_text())] == []


@every_case
def test_lint_finds_exactly_what_the_file_expects(case: Path) -> None:
    expected = [one.in_file(case) for one in expectations(case.read_text())]
    found = linted(case)
    assert list(found.problems) == expected
    refused = any(problem.code in LOADER_PAGES for problem in expected)
    assert len(found.playbooks) == (0 if refused else 1)


@every_case
def test_the_loader_alone_reports_what_keeps_it_from_loading(case: Path) -> None:
    """`serve` has to refuse the same files."""
    text = case.read_text()
    expected = [one.in_file(case) for one in expectations(text)]
    config = read_config(config_of(case) or "", Path("config.yaml"), {}, offline=True)
    found = offline_loader(config).load_all([(str(case), text)])
    assert list(found.problems) == [one for one in expected if one.code in LOADER_PAGES]


def test_every_check_has_a_case() -> None:
    codes = {one.code for case in CASES for one in expectations(case.read_text())}
    assert CHECKS.keys() - codes - {"same-action", "always-asked"} == set()


@every_case
def test_the_command_reports_exactly_that(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linted(case)
    expected = [one.in_file(case) for one in expectations(case.read_text())]
    assert run(["lint", str(case)]) == status(expected)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        *map(str, expected),
        f"1 playbook file: {summary(expected)} in 1 file",
    ]
    assert err == ""


@every_case
def test_programs_read_the_same(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linted(case)
    expected = [one.in_file(case) for one in expectations(case.read_text())]
    assert run(["lint", "--format", "json", str(case)]) == status(expected)
    items = [one.as_json() for one in expected]
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"items": items, "next": None, "checked": 1}


def test_the_whole_folder_is_reported_in_file_order(capsys: pytest.CaptureFixture[str]) -> None:
    cases = [case for case in CASES if config_of(case) is None]
    expected = [one.in_file(case) for case in cases for one in expectations(case.read_text())]
    assert run(["lint", *map(str, cases)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[:-1] == [str(one) for one in expected]
    assert out[-1] == f"{len(cases)} playbook files: {summary(expected)} in {len(cases)} files"


def test_the_console_script_says_it_too_and_shows_no_traceback() -> None:
    (case,) = [path for path in CASES if path.stem == "several-mistakes-at-once"]
    ended = subprocess.run(
        [sys.executable, "-m", "engine", "lint", str(case)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SHIPPED.parent)},
    )
    expected = [str(one.in_file(case)) for one in expectations(case.read_text())]
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[:-1] == expected
    assert "Traceback" not in ended.stdout + ended.stderr


def test_none_of_the_shipped_playbooks_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    count = len([path for path in SHIPPED.glob("*.yaml") if ".test." not in path.name])
    assert run(["lint", str(SHIPPED)]) == 0
    assert capsys.readouterr().out == f"{count} playbook files: no problems\n"


def test_a_file_of_no_bytes_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "empty.yaml"
    file.touch()
    assert run(["lint", str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        f"{file}:1:1: not-a-playbook: the file is empty "
        "(begin with `name:`, `trigger:` and `steps:`)"
    )


def test_a_file_that_is_not_utf_8_leaves_the_others_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: überall\n".encode("latin-1"))
    (tmp_path / "steps.yaml").write_text("name: a\ntrigger: {}\nsteps: []\n")
    assert run(["lint", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/latin.yaml:1:1: not-utf-8: this is no UTF-8 text (byte 6)",
        f"{tmp_path}/steps.yaml:3:8: wrong-value: 'steps' is empty",
        "2 playbook files: 2 errors in 2 files",
    ]


def test_a_name_stands_in_one_file_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("a.yaml", "b.yaml"):
        (tmp_path / file).write_text(GOOD.format(name="restart-host"))
    assert run(["lint", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        (
            f"{tmp_path}/b.yaml:1:7: duplicate-name: the name 'restart-host' is taken "
            f"({tmp_path}/a.yaml has it; runs are told apart by it)"
        ),
        "2 playbook files: 1 error in 1 file",
    ]
