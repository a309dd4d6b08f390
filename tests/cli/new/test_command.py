"""`engine new`: what it writes loads, lints clean, and can be tried by what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS, run
from engine.cli.new.start import STARTS
from engine.cli.schema import schema_text
from engine.config.load import read_config
from engine.wiring.step_types import offline_loader

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config.yaml"  # has what the shipped playbooks need

every_start = pytest.mark.parametrize("start", STARTS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ENGINE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_bytes(CONFIG.read_bytes())
    return tmp_path


def test_there_is_one_for_each_use_case() -> None:
    assert {"restart-host", "enrich", "rollback", "status-page", "blank"} <= STARTS.keys()


@every_start
def test_what_it_writes_lints_clean_and_has_the_new_name_alone(
    folder: Path, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "mine-2", "--from", start]) == 0
    written = folder / "playbooks/mine-2.yaml"
    text = written.read_text(encoding="utf-8")
    loader = offline_loader(read_config("", CONFIG, {}, offline=True))
    playbook = loader.load(text, "mine-2.yaml")

    assert (playbook.name, playbook.trigger.action) == ("mine-2", "mine-2")
    assert any(f"/{kind}/mine-2\n" in text for kind in ("actions", "labels"))
    assert len([line for line in text.splitlines() if line.lstrip().startswith("#")]) >= 10
    capsys.readouterr()
    assert run(["lint", "--strict"]) == 0
    assert capsys.readouterr().out == "1 playbook file: no problems\n"


@pytest.mark.parametrize("start", ["rollback", "blank"])  # each command is a process of its own
def test_what_it_says_comes_next_can_be_pasted(
    folder: Path, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "mine", "--from", start]) == 0
    said, _, after = capsys.readouterr().out.partition("\nNext:\n")
    commands = [line.strip() for line in after.splitlines()]

    assert [command.split()[1] for command in commands] == ["lint", "samples", "test"]
    assert "does not have yet" not in said
    engine = folder / "engine"
    engine.write_text(f'#!/bin/sh\nexec {sys.executable} -m engine "$@"\n')
    engine.chmod(0o755)
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for command in commands:
        if command.split()[1] in COMMANDS:
            done = subprocess.run(
                command, shell=True, env=environ, capture_output=True, text=True, check=False
            )
            # The sample's service has no deploy to go back to, and no component on a page.
            expected = int("dry-run" in command and start in ("rollback", "status-page"))
            assert done.returncode == expected, (command, done.stdout, done.stderr)


def test_it_says_what_the_config_lacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.yaml").write_text("vars: {external_status_url: x, status_components: {}}\n")

    assert run(["new", "mine", "--from", "status-page"]) == 0

    said = "It needs what config.yaml does not have yet: secrets.STATUS_TOKEN, vars.status_page_id."
    assert said in capsys.readouterr().out


def test_the_schema_is_written_beside_it_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "mine", "--into", "a folder"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "Wrote a folder/mine.yaml",
        "Wrote a folder/mine.test.yaml",
        "Wrote a folder/playbook.schema.json",
    ]
    schema = folder / "a folder/playbook.schema.json"
    assert schema.read_text(encoding="utf-8") == schema_text()
    schema.write_text("older")

    assert run(["new", "other", "--into", "a folder"]) == 0

    assert schema.read_text() == "older"
    assert "schema" not in capsys.readouterr().out


@pytest.mark.parametrize("there", ["mine.yaml", "mine.test.yaml"])
def test_nothing_that_is_there_is_changed(
    folder: Path, there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "playbooks").mkdir()
    (folder / "playbooks" / there).write_text("mine")

    assert run(["new", "mine"]) == 2

    assert capsys.readouterr().err == (
        f"exists: playbooks/{there} is there already (choose another name or --into)\n"
    )
    assert [path.name for path in (folder / "playbooks").iterdir()] == [there]
    assert (folder / "playbooks" / there).read_text() == "mine"


def test_a_name_that_another_file_has_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "playbooks").mkdir()
    (folder / "playbooks/other.yaml").write_text("name: mine\ntrigger: {}\nsteps: [wait: 1s]\n")

    assert run(["new", "mine"]) == 2

    said = (
        "duplicate-name: the name 'mine' is taken by playbooks/other.yaml (choose another name)\n"
    )
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", ["../mine", "a b", ".hidden", "x" * 101])
def test_a_name_that_is_none_is_refused(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", name]) == 2

    assert capsys.readouterr().err.startswith(f"bad-name: '{name}' cannot be a name (")
    assert not (folder / "playbooks").exists()


def test_a_folder_that_cannot_be_had_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()

    assert run(["new", "mine", "--into", "file/inside"]) == 2

    assert "Not a directory" in capsys.readouterr().err


def test_a_test_that_ships_with_the_playbook_is_written_with_the_new_name(folder: Path) -> None:
    assert run(["new", "mine", "--from", "blank"]) == 0

    text = (folder / "playbooks/mine.test.yaml").read_text(encoding="utf-8")
    assert "engine test playbooks/mine.yaml" in text
