"""What the README shows is true."""

import re
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS, run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLAYBOOK = next(iter(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)))
PRESS = ROOT / "tests/fixtures/custom-action.vendor-page.json"


@pytest.fixture
def playbook() -> Path:
    folder = Path.cwd() / "playbooks"
    folder.mkdir()
    path = folder / "restart-web.yaml"
    path.write_text(PLAYBOOK)
    return path


def test_its_playbook_is_good_and_would_run(
    playbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint"]) == 0
    arguments = ["dry-run", str(playbook), "--event", str(PRESS), "--action", "restart-web"]
    assert run(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "restart-web would succeed."


def test_the_mistake_it_shows_is_reported_in_these_words(
    playbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playbook.write_text(PLAYBOOK.replace("'Critical'", "'critical'"))

    assert run(["lint"]) == 1
    shown = capsys.readouterr().out.splitlines()[0]
    assert shown in README


def test_what_it_shows_of_explain_is_what_explain_shows(
    playbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    condition = "severity == 'Critical' && labels.servce == 'engine'"
    text = re.sub(r"when: .*", f"when: {condition}", PLAYBOOK, count=1)
    playbook.write_text(text)

    assert run(["explain", str(PRESS), "--action", "restart-web", str(playbook)]) == 1
    shown = capsys.readouterr().out.splitlines()
    transcript = README.split("$ engine explain", 1)[1].split("\n$ ", 1)[0].splitlines()[1:]
    assert transcript
    assert [line for line in transcript if line not in shown] == []


def test_what_it_shows_of_a_test_is_what_the_test_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "restart-db", "--from", "restart-host"]) == 0
    playbook = Path("playbooks/restart-db.yaml")
    playbook.write_text(playbook.read_text().replace("cooldown: 10m", "cooldown: 1m"))
    capsys.readouterr()

    assert run(["test"]) == 1
    shown = capsys.readouterr().out
    transcript = README.split("$ engine test", 1)[1].split("```", 1)[0].split("\n", 1)[1]
    assert transcript.strip()
    assert transcript in shown


def test_every_command_it_names_is_there() -> None:
    named = set(re.findall(r"`?engine ([a-z-]+)", README)) - {"is", "does"}
    commands = {name for name in named if name in COMMANDS}

    assert {"demo", "serve", "lint", "dry-run", "events", "runs"} <= commands
    for name in re.findall(r"\$ engine ([a-z-]+)", README):
        assert name in COMMANDS


def test_the_files_it_names_are_there() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name
    assert PRESS.exists()


def test_its_two_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    [test] = re.findall(r"^(python3 -m venv .*pytest)$", README, re.MULTILINE)

    assert test in ci
