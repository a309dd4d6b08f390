"""With a list of allowed commands nothing else is started, whatever it is called.

The commands are real files.
"""

from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from engine.playbooks.deferred import Unknown
from engine.processes.allowed import AllowedCommands
from engine.steps.shell import ShellParameters
from tests.steps.warded_shell import WardedShell, failure_of, perform, result_of


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("restart", "other"):
        a_tool(folder / name)
    return folder


def a_tool(path: Path) -> Path:
    path.write_text(f'#!/bin/sh\necho {path.name} "$0"\n')
    path.chmod(0o755)
    return path


def allowing(folder: Path, *names: str) -> WardedShell:
    search = f"{folder}/tools:/usr/bin:/bin"
    return WardedShell(folder, allow=AllowedCommands(names, search, folder))


def refusal(shell: WardedShell, **given: Any) -> str:
    """Why nothing is started. It is known before, and said with the same words."""
    failed = failure_of(perform(shell, **given))
    assert not failed.retryable
    assert shell.foretell(ShellParameters.model_validate(given)) == failed
    return failed.error.removeprefix("it is not started: ")


def test_without_a_list_everything_may_be_started(tmp_path: Path, tools: Path) -> None:
    given = {"argv": [f"{tools}/other"]}
    shell = WardedShell(tmp_path)
    assert result_of(perform(shell, **given))["exit"] == 0
    assert shell.foretell(ShellParameters.model_validate(given)) is None


def test_a_command_of_the_list_is_started_however_it_is_written(tools: Path) -> None:
    for names in (["restart"], [f"{tools}/restart"], ["tools/restart"], ["other", "restart"]):
        shell = allowing(tools.parent, *names)
        for written in ("restart", f"{tools}/restart", "tools/restart", "./tools/../tools/restart"):
            result = result_of(perform(shell, argv=[written], env={"PATH": str(tools)}))
            assert result["stdout"].startswith("restart ")


def test_any_other_is_not_and_the_list_is_shown(tools: Path) -> None:
    shell = allowing(tools.parent, "restart", "/usr/bin/true")
    assert refusal(shell, argv=[f"{tools}/other"]) == (
        f"'{tools}/other' is none of shell.allow in config.yaml: restart, /usr/bin/true"
    )


def test_another_file_of_the_same_name_is_another_command(tools: Path) -> None:
    folder = tools.parent
    a_tool(folder / "restart")
    shell = allowing(folder, "restart")
    said = f"and shell.allow in config.yaml means {tools}/restart"
    assert refusal(shell, argv=["./restart"]) == f"'./restart' is {folder}/restart, {said}"
    assert refusal(shell, argv=["restart"], env={"PATH": str(folder)}) == (
        f"'restart' is {folder}/restart, {said}"
    )
    assert refusal(shell, argv=["./restart"], cwd=str(folder)).endswith(said)
    shell = allowing(folder, "restart")
    assert result_of(perform(shell, argv=["./restart"], cwd="tools"))["exit"] == 0


def test_a_link_to_a_command_is_that_command_under_its_name_alone(tools: Path) -> None:
    """Files such as busybox are many commands, by the name they are called by."""
    folder = tools.parent
    (folder / "links").mkdir()
    (folder / "links/restart").symlink_to(tools / "restart")
    (folder / "links/sh").symlink_to(tools / "restart")
    shell = allowing(folder, "restart")
    assert result_of(perform(shell, argv=["links/restart"]))["exit"] == 0
    assert refusal(shell, argv=["links/sh"]).startswith("'links/sh' is none of shell.allow")


def test_a_script_needs_its_shell_in_the_list(tools: Path) -> None:
    assert refusal(allowing(tools.parent, "restart"), script="restart") == (
        "'/bin/sh' is none of shell.allow in config.yaml: restart"
    )
    for name in ("sh", "/bin/sh"):
        shell = allowing(tools.parent, "restart", name)
        assert result_of(perform(shell, script="echo hello"))["stdout"] == "hello\n"


class Meanwhile(AllowedCommands):
    """Somebody puts another command where it is found first, once this one was judged."""

    @override
    def why_not(self, command: str, found: str | None) -> str | None:
        said = super().why_not(command, found)
        a_tool(self.folder / command)
        return said


@pytest.mark.parametrize("given", [{}, {"umask": "077"}])
def test_what_is_executed_is_the_file_that_was_judged(tools: Path, given: dict[str, Any]) -> None:
    folder = tools.parent
    shell = WardedShell(folder, allow=Meanwhile(["restart"], str(tools), folder))
    search = f"{folder}:{tools}"
    result = result_of(perform(shell, argv=["restart", "a"], env={"PATH": search}, **given))
    assert result["stdout"] == f"restart {tools}/restart\n"


def test_a_command_of_the_list_that_is_not_there(tools: Path) -> None:
    shell = allowing(tools.parent, "absent")
    failed = failure_of(perform(shell, argv=["absent"]))
    assert (failed.error, failed.retryable) == ("there is no command 'absent'", False)
    # A rehearsal runs where the command is not, and goes by its name.
    assert shell.foretell(ShellParameters.model_validate({"argv": ["absent"]})) is None


@pytest.mark.parametrize(
    "given",
    [
        {"argv": Unknown("vars.argv")},
        {"argv": [Unknown("vars.tool")]},
        {"argv": ["restart"], "cwd": Unknown("vars.cwd")},
        {"argv": ["restart"], "env": Unknown("vars.env")},
        {"argv": ["restart"], "env": {"PATH": Unknown("vars.path")}},
    ],
)
def test_what_is_not_known_yet_is_not_refused(tools: Path, given: dict[str, Any]) -> None:
    shell = allowing(tools.parent, "restart")
    assert shell.foretell(ShellParameters.model_validate(given)) is None
