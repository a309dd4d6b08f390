"""Every code has a page, and every page a code."""

import ast
import re
from pathlib import Path

import pytest

import engine
from engine.cli.main import run
from engine.lint.checks import CHECKS
from engine.lint.loader_pages import LOADER_PAGES
from engine.lint.pages import page_of, pages
from engine.problem import EngineError

ROOMS = ("marked_yaml", "playbooks", "steps", "lint", "flashduty", "outward")
FILES = [
    *(file for room in ROOMS for file in (Path(engine.__file__).parent / room).rglob("*.py")),
    Path(engine.__file__).parent / "cli/playbook_files.py",
    Path(engine.__file__).parent / "config/writable.py",
]
MAKES_PROBLEMS = ("Problem", "Complaint", "PydanticCustomError", "problem", "_problem", "_stop")
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NOT_OF_LINT = {"no-such-code"}


def codes_in_source() -> set[str]:
    """The first argument of whatever makes a problem, wherever that is a text or a constant."""
    found: set[str] = set()
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign)
            and isinstance(target := node.target, ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            places = {"_refusing": 1}.get(name, 0 if name in MAKES_PROBLEMS else None)
            if places is None or len(node.args) <= places:
                continue
            argument = node.args[places]
            value = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(argument, ast.Name):
                value = constants.get(argument.id)
            if isinstance(value, str) and CODE.fullmatch(value):
                found.add(value)
    return found


def test_every_code_that_the_source_names_has_a_page() -> None:
    codes = codes_in_source()
    assert {"unknown-key", "yaml-tag", "duration", "missing-parameter", "unused-allow"} <= codes
    assert codes - pages().keys() - NOT_OF_LINT == set()


def test_every_page_of_the_loader_is_of_a_code_that_the_source_names() -> None:
    assert LOADER_PAGES.keys() - codes_in_source() - {"too-long"} == set()


def test_every_check_has_a_file_of_its_name_with_a_page_in_it() -> None:
    folder = Path(engine.__file__).parent / "lint/checks"
    files = {file.stem.replace("_", "-") for file in folder.glob("*.py")} - {"--init--"}
    assert files == CHECKS.keys()
    for code, check in CHECKS.items():
        assert check.code == code
        assert check.page.strip().splitlines()[0].endswith("."), code
        assert len(check.page.strip().splitlines()) > 1, code


@pytest.mark.parametrize("code", sorted(pages()))
def test_the_command_prints_the_page(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--explain", code]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{code} (")
    assert out == f"{page_of(code)}\n"
    assert all(len(line) <= 100 for line in out.splitlines())


def test_a_code_that_nothing_reports_is_told_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(EngineError, match="did you mean 'unknown-field'"):
        page_of("unknown-fields")
    assert run(["lint", "--explain", "unknown-fields"]) == 2
    assert "no-such-code" in capsys.readouterr().err
