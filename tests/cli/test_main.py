"""Exit codes and words of the command line itself."""

import importlib
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engine.cli import main
from tests.cli.conftest import Type


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    program = (
        "import sys; from engine.cli.main import run; run(['--help']); "
        "print('\\n'.join(sorted(name for name in sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    for command in main.COMMANDS:
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    loaded = set(done.stdout.split())
    assert not loaded & {"aiohttp", "starlette", "uvicorn", "pydantic", "jinja2", "rich"}


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_of_the_list_is_there_and_teaches(name: str, type_: Type) -> None:
    module, attribute, _ = main.COMMANDS[name]
    assert isinstance(getattr(importlib.import_module(module), attribute), click.Command)

    outcome = type_(name, "--help")

    assert outcome.code == 0
    assert len(outcome.out.splitlines()) > 5


def test_version_is_the_packages(type_: Type) -> None:
    assert re.fullmatch(r"engine \d+\.\d+\.\d+\n", type_("--version").out)


def test_wrong_use_is_2(type_: Type) -> None:
    unknown = type_("lnt")

    assert (unknown.code, unknown.out) == (2, "")
    assert "No such command 'lnt'" in unknown.err
    assert type_("dry-run").code == 2  # --event is missing
    assert type_("runs", "list", "--state", "gone").code == 2
    assert "\\x" not in type_("runs", "resume", "R").err  # what --step takes is a list, indented


def test_a_problem_with_the_config_is_2_and_names_it(type_: Type) -> None:
    outcome = type_("serve")

    assert outcome.code == 2
    assert outcome.err == (
        "config.yaml:1:1: no-config: config.yaml: No such file or directory "
        "(name one with --config or ENGINE_CONFIG)\n"
    )


def test_our_own_fault_is_3_and_names_a_log(
    type_: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("engine.cli.lint.load_offline", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    umask = os.umask(0)
    try:
        outcome = type_("lint")
    finally:
        os.umask(umask)

    assert outcome.code == 3
    assert outcome.err.startswith(
        "engine failed, and it is not your fault: ZeroDivisionError: a fault of ours\nThe log is in "
    )
    [log] = tmp_path.glob("engine-fault-*.log")
    assert "raise ZeroDivisionError" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_ctrl_c_is_130(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.lint.load_offline", interrupt)

    assert type_("lint").code == 130


def test_a_reader_that_has_had_enough_is_no_fault(place: Path) -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m engine lint --format json --config '{place}/config.yaml'"
        " | head -c 1; exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_console_script_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["engine", "--version"])

    with pytest.raises(SystemExit) as exit_:
        main.main()

    assert exit_.value.code == 0
