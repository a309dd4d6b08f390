"""What a command may do: whose rights it has, what it inherits, and how much it gets of anything.

The commands are real ones, and the limits are really hit. Another user can be had by root alone.
"""

import os
import pwd
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.playbooks.step_type import Plan
from engine.steps.shell import ShellParameters
from tests.steps.warded_shell import CALL, WardedShell, failure_of, perform, result_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run things as others")
NOBODY = pwd.getpwnam("nobody")
ENDLESS = "while :; do :; done"
OPEN_MANY = "import os\nfor n in range(1000): os.open('/dev/null', os.O_RDONLY)"
FORK_MANY = "for n in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all"
PREPARED = [{}, {"umask": "022"}]  # started by itself, and by way of the launcher


@pytest.fixture
def shell(tmp_path: Path) -> WardedShell:
    return WardedShell(tmp_path)


# Rights


def test_new_files_have_the_rights_that_the_engine_gives_them(
    shell: WardedShell, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        perform(shell, script="touch file")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("umask", "mode"), [("077", 0o600), ("0022", 0o644), ("000", 0o666)])
def test_a_step_may_have_a_umask_of_its_own(
    shell: WardedShell, tmp_path: Path, umask: str, mode: int
) -> None:
    result_of(perform(shell, script="touch file", umask=umask))
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("umask", [77, "77", "088", "o77", "{{ vars.umask }}", "00077"])
def test_a_umask_is_written_in_octal_and_in_quotes(umask: object) -> None:
    with pytest.raises(ValidationError, match="a umask is three octal digits in quotes"):
        ShellParameters.model_validate({"script": "id", "umask": umask})


@as_root
@pytest.mark.parametrize("given", [{"argv": ["id", "-u"]}, {"script": "id -u"}])
def test_a_step_may_run_as_another_user(shell: WardedShell, given: dict[str, Any]) -> None:
    assert result_of(perform(shell, **given, user="nobody"))["stdout"] == f"{NOBODY.pw_uid}\n"


@as_root
def test_it_has_the_groups_of_that_user_and_none_of_the_engine(shell: WardedShell) -> None:
    given = {"script": "grep -E '^(Uid|Gid|Groups):' /proc/self/status", "user": "nobody"}
    uid, gid, groups = result_of(perform(shell, **given))["stdout"].splitlines()
    assert set(uid.split()[1:]) == {str(NOBODY.pw_uid)}
    assert set(gid.split()[1:]) == {str(NOBODY.pw_gid)}
    its = os.getgrouplist("nobody", NOBODY.pw_gid)
    assert {int(group) for group in groups.split()[1:]} == set(its)


@as_root
def test_there_is_no_way_back_to_root(shell: WardedShell) -> None:
    given = {"script": "grep -E '^Cap(Prm|Eff|Amb):' /proc/self/status", "user": "nobody"}
    lines = result_of(perform(shell, **given))["stdout"].splitlines()
    assert [int(line.split()[1], 16) for line in lines] == [0, 0, 0]


@as_root
def test_what_that_user_may_not_execute_is_a_sentence(shell: WardedShell, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o700)
    failed = failure_of(perform(shell, argv=["./tool"], user="nobody"))
    assert (failed.error, failed.retryable) == (
        "'./tool' cannot be started: Permission denied",
        False,
    )


@as_root
def test_what_that_user_leaves_running_is_ended_as_well(shell: WardedShell) -> None:
    daemon = "setsid -f sh -c 'echo up; exec sleep 1000 > /dev/null' | { read up; echo done; }"
    result = result_of(perform(shell, script=daemon, user="nobody"))
    assert result["stdout"] == "done\n"
    assert len(result["ended"]) == 1


def test_a_user_that_is_not_there(shell: WardedShell) -> None:
    failed = failure_of(perform(shell, script="id", user="nobdy"))
    assert failed.error == "it is not started: there is no user 'nobdy' on this machine"
    assert not failed.retryable


def test_who_runs_the_engine_may_be_named(shell: WardedShell) -> None:
    own = pwd.getpwuid(os.geteuid())
    result = result_of(perform(shell, argv=["id", "-u"], user=own.pw_name))
    assert result["stdout"] == f"{own.pw_uid}\n"


@pytest.mark.parametrize("user", ["{{ labels.user }}", "a b", "", "-x", "1000"])
def test_a_user_is_a_name_that_is_written_out(user: str) -> None:
    with pytest.raises(ValidationError, match="a user is written out, by name"):
        ShellParameters.model_validate({"script": "id", "user": user})


# What it inherits


@pytest.mark.parametrize("given", PREPARED)
def test_it_inherits_no_open_files_and_no_sockets(
    shell: WardedShell, given: dict[str, Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Path("/etc/passwd").open("rb") as file:
        for handle in (listener.fileno(), file.fileno()):
            os.set_inheritable(handle, True)
        listing = "import os; print(*(h for h in os.listdir('/proc/self/fd')))"
        result = result_of(perform(shell, argv=[sys.executable, "-c", listing], **given))
    # The fourth is the listing's own.
    assert sorted(map(int, result["stdout"].split())) == [0, 1, 2, 3]


@pytest.mark.parametrize("given", PREPARED)
@pytest.mark.parametrize("env", [{}, {"LC_CTYPE": "C", "LANG": "C"}, {"PYTHONHOME": "/nowhere"}])
def test_its_environment_is_the_same_however_it_is_started(
    shell: WardedShell, given: dict[str, Any], env: dict[str, str]
) -> None:
    result = result_of(perform(shell, argv=["env"], env={"A": "b=c\nd é", **env}, **given))
    mark = shell.warden.mark("run-1", "steps/0", 1)
    expected = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "A": "b=c\nd é",
        "ENGINE_STEP": mark,
        **env,
    }
    assert sorted(result["stdout"].splitlines()) == sorted(
        "\n".join(f"{name}={value}" for name, value in expected.items()).splitlines()
    )


@pytest.mark.parametrize("given", PREPARED)
def test_no_signal_is_ignored_in_it(shell: WardedShell, given: dict[str, Any]) -> None:
    result = result_of(perform(shell, script="grep SigIgn /proc/self/status", **given))
    ignored = int(result["stdout"].split()[1], 16)
    # What started the tests may have been started with 32 and 33 ignored: they are the C library's
    # own, whose posix_spawn does that, and nobody can set them.
    assert ignored & ~(0b11 << 31) == 0


@pytest.mark.parametrize("given", PREPARED)
def test_its_arguments_are_the_same_however_it_is_started(
    shell: WardedShell, given: dict[str, Any]
) -> None:
    words = ["", "a b", "é重", "-x", "--", "'", "x\ny"]
    result = result_of(perform(shell, argv=["printf", "%s.", *words], **given))
    assert result["stdout"] == "".join(f"{word}." for word in words)


@pytest.mark.parametrize("given", PREPARED)
@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["restart-hst"], "there is no command 'restart-hst'"),
        (["./notes.txt"], "'./notes.txt' cannot be started: Permission denied"),
        (["./program"], "'./program' cannot be started: Exec format error"),
    ],
)
def test_what_cannot_be_started_is_the_same_sentence(
    shell: WardedShell, tmp_path: Path, given: dict[str, Any], argv: list[str], said: str
) -> None:
    for name, mode in (("notes.txt", 0o644), ("program", 0o755)):
        (tmp_path / name).write_text("hello")
        (tmp_path / name).chmod(mode)
    failed = failure_of(perform(shell, argv=argv, **given))
    assert (failed.error, failed.retryable) == (said, False)


# Limits that are hit


def test_what_uses_more_of_the_processor_is_ended_and_told_why(shell: WardedShell) -> None:
    failed = failure_of(perform(shell, script=ENDLESS, limits={"cpu": "1s"}))
    assert failed.error == "ended by SIGXCPU (its limits.cpu of 1s is used up)"


def test_what_a_script_started_is_told_of_as_well(shell: WardedShell) -> None:
    script = f"sh -c '{ENDLESS}'; exit $?"
    failed = failure_of(perform(shell, script=script, limits={"cpu": "1s"}))
    assert failed.error.startswith("exit 152 (its limits.cpu of 1s is used up)")


def test_what_does_not_obey_is_killed_a_second_later(shell: WardedShell) -> None:
    ignoring = f"trap '' XCPU; {ENDLESS}"
    failed = failure_of(perform(shell, script=ignoring, limits={"cpu": "1s"}))
    assert failed.error == "ended by SIGKILL"


def test_what_wants_more_memory_does_not_get_it(shell: WardedShell) -> None:
    argv = [sys.executable, "-c", "bytearray(500 * 1024**2)"]
    assert failure_of(perform(shell, argv=argv, limits={"memory": "200MiB"})).error.endswith(
        "MemoryError"
    )
    assert result_of(perform(shell, argv=argv, limits={"memory": "2GiB"}))["exit"] == 0


def test_with_too_little_of_it_nothing_begins(shell: WardedShell, tmp_path: Path) -> None:
    failed = failure_of(perform(shell, script="touch effect", limits={"memory": "1MiB"}))
    assert "Traceback" not in failed.error
    assert not (tmp_path / "effect").exists()


def test_what_opens_more_files_cannot(shell: WardedShell) -> None:
    failed = failure_of(
        perform(shell, argv=[sys.executable, "-c", OPEN_MANY], limits={"files": 20})
    )
    assert failed.error.endswith("OSError: [Errno 24] Too many open files: '/dev/null'")


def test_what_starts_more_processes_cannot(shell: WardedShell) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    failed = failure_of(perform(shell, script=FORK_MANY, user=user, limits={"processes": 4}))
    assert "fork" in failed.error


@as_root
def test_root_has_no_limit_of_processes_and_is_told_so(shell: WardedShell, tmp_path: Path) -> None:
    failed = failure_of(perform(shell, script="touch effect", limits={"processes": 4}))
    assert failed.error == (
        "it is not started: limits.processes does not hold for root: give the step a `user`"
    )
    assert not failed.retryable
    assert not (tmp_path / "effect").exists()


def test_all_limits_hold_together_and_for_whoever_it_starts(shell: WardedShell) -> None:
    limits = {"cpu": "90s", "memory": "1GiB", "files": 64}
    result = result_of(
        perform(shell, script="sh -c 'ulimit -t; ulimit -v; ulimit -n'", limits=limits)
    )
    assert result["stdout"] == "90\n1048576\n64\n"


def test_what_is_not_limited_has_what_the_engine_has(shell: WardedShell) -> None:
    ours = result_of(perform(shell, script="ulimit -t; ulimit -v; ulimit -n"))["stdout"]
    given = {"cpu": "1h", "files": None}
    limited = result_of(perform(shell, script="ulimit -v; ulimit -n", limits=given))["stdout"]
    assert ours.splitlines()[1:] == limited.splitlines()


def test_no_limit_is_higher_than_the_engines_own(shell: WardedShell) -> None:
    given = {"script": "ulimit -Hn", "limits": {"files": 1_000_000}}
    outer = result_of(perform(shell, script="ulimit -Hn"))["stdout"]
    assert int(result_of(perform(shell, **given))["stdout"]) == min(int(outer), 1_000_000)


@pytest.mark.parametrize(
    "limits", [{"cpu": "500ms"}, {"memory": "1KiB"}, {"files": 3}, {"processes": 0}, {"cpus": "1s"}]
)
def test_a_limit_under_which_nothing_could_run_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ShellParameters.model_validate({"script": "id", "limits": limits})


def test_part_of_a_second_counts_as_a_whole_one(shell: WardedShell) -> None:
    result = result_of(perform(shell, script="ulimit -t", limits={"cpu": "1500ms"}))
    assert result["stdout"] == "2\n"


# Before anything is started


def test_a_plan_says_with_what_rights_and_limits(shell: WardedShell) -> None:
    given = {"argv": ["id"], "user": "deploy", "umask": "077", "limits": {"cpu": "30s"}}
    plan: Plan = shell.plan(ShellParameters.model_validate(given), CALL)
    assert plan.details == {
        "argv": ["id"],
        "user": "deploy",
        "umask": "077",
        "limits": {"cpu": 30},
    }
    assert plan.command is None  # who copies it is somebody else
