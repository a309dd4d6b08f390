"""What a shell step starts is found behind what stands around it."""

from typing import Any

import pytest

from engine.lint.command_line import code_at, commands_in, commands_of_script

UNKNOWN = object()  # a template


@pytest.mark.parametrize(
    ("argv", "commands"),
    [
        (["/sbin/reboot", "-f"], ["reboot -f"]),
        (["sudo", "-u", "root", "reboot"], ["reboot"]),
        (["env", "A=1", "nice", "rm", "-r", "/x"], ["rm -r /x"]),
        (["timeout", "-k", "5", "reboot"], ["reboot"]),
        (["timeout", "30", "reboot"], ["reboot"]),
        (["ssh", "-o", "BatchMode=yes", "-p", "22", "db", "sudo", "reboot"], ["reboot"]),
        (["ssh", UNKNOWN, "systemctl", "stop", "x"], ["systemctl stop x"]),
        (["ssh", "db", "cd /x && rm -rf y; ls"], ["cd /x", "rm -rf y", "ls"]),
        (["bash", "-ec", "if true; then reboot; fi"], ["true", "reboot", "fi"]),
        (["kubectl", "-n", UNKNOWN, "delete", "pod"], ["kubectl -n ‹› delete pod"]),
        ([UNKNOWN, "reboot"], [" reboot"]),
        (["ssh", "db"], []),
        (["sh"], []),
        ([], []),
    ],
)
def test_the_commands_of_a_list(argv: list[Any], commands: list[str]) -> None:
    assert list(commands_in(argv)) == commands


def test_the_commands_of_a_script() -> None:
    script = 'X=1 reboot || true\n# no\nfor p in $(ls); do kill "$p"; done\necho $(df -h)'
    found = list(commands_of_script(script))
    assert {"reboot", "true", 'kill "$p"', "df -h"} <= set(found)


@pytest.mark.parametrize(
    ("argv", "places"),
    [
        (["sh", "-c", UNKNOWN], [2]),
        (["/bin/bash", "-euo", "pipefail", "-c", UNKNOWN], [4]),
        (["python3", "-c", UNKNOWN, "a"], [2]),
        (["perl", "-e", UNKNOWN], [2]),
        (["sudo", "sh", "-c", UNKNOWN], [3]),
        (["ssh", "-o", "X=y", "host", "df", UNKNOWN], [4, 5]),
        (["ssh", UNKNOWN], []),
        (["echo", "-c", UNKNOWN], []),
        (["sh", "script.sh", UNKNOWN], []),
    ],
)
def test_which_arguments_are_read_as_code(argv: list[Any], places: list[int]) -> None:
    assert list(code_at(argv)) == places
