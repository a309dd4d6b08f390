"""What config.yaml does not allow, and what data may not become, fails a rehearsal as it fails a run."""

import json
from pathlib import Path

import pytest

from engine import samples
from engine.cli.main import run

PLAYBOOK = """\
name: restart
trigger: {action: restart}
vars: {flag: "-{{ labels.resource }}"}
steps:
  - {id: data, shell: [service-restart, "{{ vars.flag }}"], continue_on_error: true}
  - {id: other, shell: [rm, -rf, /], continue_on_error: true}
  - {id: script, shell: {script: 'echo "$A"'}, continue_on_error: true}
  - {id: good, shell: [service-restart, a]}
"""
ALLOW = "shell: {allow: [service-restart]}\n"
DATA = (
    "shell.argv.1: begins with '-', so that the command may take it for an option "
    '(put "--" before it in the list if the command knows that, or say `allow_dash: true`)'
)
NONE_OF = "is none of shell.allow in config.yaml: service-restart"
SAID = {
    "data": DATA,
    "other": f"it is not started: 'rm' {NONE_OF}",
    "script": f"it is not started: '/bin/sh' {NONE_OF}",
    "good": None,
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(ALLOW)
    (tmp_path / "restart.yaml").write_text(PLAYBOOK)
    return tmp_path


def test_a_dry_run_says_why(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    press = str(Path(samples.__file__).parent / "custom-action.json")
    arguments = ["--event", press, "--action", "restart", "--format", "json"]
    config = ["--config", str(place / "config.yaml")]

    run(["dry-run", str(place / "restart.yaml"), *arguments, *config])

    (playbook,) = json.loads(capsys.readouterr().out)["items"]
    assert {step["id"]: step["reason"] for step in playbook["steps"]} == SAID
    assert [step["outcome"] for step in playbook["steps"]] == [*["failed"] * 3, "performed"]


STEPS = {
    "data": 'shell: [service-restart, "{{ vars.flag }}"]',
    "other": "shell: [rm, -rf, /]",
    "script": "shell: {script: 'echo \"$A\"'}",
}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_refused_is_not_mocked_away(
    place: Path, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    """A case must not hold where a run would fail."""
    text = PLAYBOOK.partition("steps:")[0]
    (place / "restart.yaml").write_text(f"{text}steps: [{{id: {step}, {STEPS[step]}}}]\n")
    expected = f"{{state: failed, reason: {json.dumps(SAID[step])}}}"
    case = f"{{name: a, mocks: {{{step}: {{stdout: done}}}}, expect: {expected}}}"
    (place / "restart.test.yaml").write_text(f"event: custom-action\ncases: [{case}]\n")

    code = run(["test", str(place / "restart.test.yaml"), "--config", str(place / "config.yaml")])

    assert capsys.readouterr().out.splitlines()[-1] == "1 case in 1 file: 1 holds, 0 fail"
    assert code == 0
