"""A shell step runs just what it says, keeps what came out, and leaves nothing running.

The commands are real ones.
"""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Plan, Report
from engine.processes import running_command
from engine.processes.table import ProcessTable
from engine.processes.warden import Warden
from engine.steps.shell import Shell, ShellParameters, ShellSettings
from tests.processes.children import PATIENCE
from tests.steps.warded_shell import (
    CALL,
    ENVIRONMENT,
    LIMIT,
    WardedShell,
    failure_of,
    perform,
    result_of,
)

SAY_ARGUMENTS = "import json, sys; print(json.dumps(sys.argv[1:]))"
AWKWARD = [
    "a b",
    "",
    "it's",
    '"',
    "$(id)",
    "`id`",
    "; id",
    "x\ny",
    "*",
    "~",
    "\\",
    "-n",
    "é重",
    "{{",
]


@pytest.fixture
def shell(tmp_path: Path) -> WardedShell:
    return WardedShell(tmp_path)


# What is run


def test_each_item_of_the_list_is_one_argument_and_no_shell_sees_it(shell: WardedShell) -> None:
    argv = [sys.executable, "-c", SAY_ARGUMENTS, *AWKWARD]
    assert result_of(perform(shell, argv=argv, parse="json"))["json"] == AWKWARD


def test_a_number_in_the_list_is_the_text_it_shows(shell: WardedShell) -> None:
    assert result_of(perform(shell, argv=["echo", 8080, True]))["stdout"] == "8080 true\n"


def test_a_script_gets_data_by_its_environment(shell: WardedShell) -> None:
    mount = "/var; id $(id) 'x' \"y\" *\n"
    report = perform(shell, script='printf %s "$MOUNT"', env={"MOUNT": mount})
    assert result_of(report)["stdout"] == mount


@pytest.mark.parametrize("script", ["df {{ labels.mount }}", "{% if x %}df{% endif %}"])
def test_a_template_in_a_script_is_refused(script: str) -> None:
    with pytest.raises(ValidationError, match="data in it would be run as code") as caught:
        ShellParameters.model_validate({"script": script})
    context = caught.value.errors()[0]["ctx"]
    assert context["offset"] == script.index("{")
    assert context["hint"] == 'hand it over by env: {MOUNT: "{{ labels.mount }}"}, use "$MOUNT"'


@pytest.mark.parametrize("given", [{}, {"argv": ["id"], "script": "id"}])
def test_it_is_a_list_or_a_script(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="a shell step is a list or has a script"):
        ShellParameters.model_validate(given)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValidationError, match="the list is empty"):
        ShellParameters.model_validate({"argv": []})


def test_it_reads_its_input(shell: WardedShell) -> None:
    text = "schön\n" * 100
    assert result_of(perform(shell, argv=["cat"], stdin=text, max_output="1MiB"))["stdout"] == text


@pytest.mark.parametrize("stdin", [None, ""])
def test_without_input_there_is_nothing_to_read(shell: WardedShell, stdin: str | None) -> None:
    assert result_of(perform(shell, argv=["cat"], stdin=stdin))["stdout"] == ""


def test_input_that_is_not_read_does_no_harm(shell: WardedShell) -> None:
    assert result_of(perform(shell, argv=["true"], stdin="x" * 1_000_000))["exit"] == 0


def test_it_runs_in_the_folder_of_the_config_file(shell: WardedShell, tmp_path: Path) -> None:
    assert result_of(perform(shell, argv=["pwd"]))["stdout"] == f"{tmp_path}\n"


def test_a_folder_of_its_own_is_relative_to_that_or_absolute(
    shell: WardedShell, tmp_path: Path
) -> None:
    (tmp_path / "scripts").mkdir()
    said = f"{tmp_path}/scripts\n"
    assert result_of(perform(shell, argv=["pwd"], cwd="scripts"))["stdout"] == said
    assert result_of(perform(shell, argv=["pwd"], cwd=f"{tmp_path}/scripts"))["stdout"] == said


def test_only_what_is_allowed_of_the_environment_reaches_it(
    shell: WardedShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_KEY", "canary")
    report = perform(shell, argv=["env"], env={"HOST": "web-1", "LANG": "C"})
    lines = sorted(result_of(report)["stdout"].splitlines())
    mark = shell.warden.mark("run-1", "steps/0", 1)
    assert lines == [
        f"ENGINE_STEP={mark}",
        "HOST=web-1",
        "LANG=C",
        f"PATH={ENVIRONMENT['PATH']}",
    ]


def test_the_mark_of_its_processes_is_the_engines_to_set() -> None:
    with pytest.raises(ValidationError, match="ENGINE_STEP says which step a process belongs to"):
        ShellParameters.model_validate({"argv": ["env"], "env": {"ENGINE_STEP": "x"}})


# What comes back


def test_both_outputs_and_the_exit_code_are_the_result(shell: WardedShell) -> None:
    result = result_of(perform(shell, script="echo out; echo err >&2"))
    assert (result["exit"], result["stdout"], result["stderr"]) == (0, "out\n", "err\n")
    assert result["elapsed"] >= 0
    assert "json" not in result


def test_output_that_is_no_utf_8_is_readable(shell: WardedShell) -> None:
    assert result_of(perform(shell, script=r"printf 'a\377b'"))["stdout"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("script", "cut"),
    [
        ("printf %1001s x", "stdout: longer than 1000 bytes; the rest was dropped"),
        ("printf %1001s x >&2", "stderr: longer than 1000 bytes; the rest was dropped"),
        (
            "printf %1001s x; printf %1001s x >&2",
            "stdout and stderr: longer than 1000 bytes; the rest was dropped",
        ),
    ],
)
def test_long_output_is_cut_and_says_so(shell: WardedShell, script: str, cut: str) -> None:
    result = result_of(perform(shell, script=script))
    assert result["cut"] == cut
    assert max(len(result["stdout"]), len(result["stderr"])) == LIMIT


def test_output_of_just_the_limit_is_not_cut(shell: WardedShell) -> None:
    assert "cut" not in result_of(perform(shell, script="printf %1000s x"))


@pytest.mark.parametrize(("size", "kept"), [("2KiB", 2048), ("0B", 0)])
def test_a_step_has_a_limit_of_its_own(shell: WardedShell, size: str, kept: int) -> None:
    report = perform(shell, script="printf %3000s x", max_output=size)
    assert len(result_of(report)["stdout"]) == kept


def test_a_command_that_floods_both_outputs_is_read_to_its_end(shell: WardedShell) -> None:
    flood = "import os\nfor _ in range(500): os.write(1, b'x' * 100000), os.write(2, b'y' * 100000)"
    result = result_of(perform(shell, argv=[sys.executable, "-c", flood]))
    assert (result["stdout"], result["stderr"]) == ("x" * LIMIT, "y" * LIMIT)


def test_json_is_parsed_where_that_is_asked_for(shell: WardedShell) -> None:
    result = result_of(perform(shell, argv=["echo", '{"free": 3}'], parse="json"))
    assert (result["json"], result["stdout"]) == ({"free": 3}, '{"free": 3}\n')


def test_output_that_should_be_json_and_is_not_is_a_failure(shell: WardedShell) -> None:
    failed = failure_of(perform(shell, argv=["echo", "oops"], parse="json"))
    assert failed.error.startswith("its output is not JSON: unexpected character")
    assert failed.result["stdout"] == "oops\n"


def test_a_failed_command_is_not_blamed_for_its_json(shell: WardedShell) -> None:
    failed = failure_of(perform(shell, script="echo oops; exit 2", parse="json"))
    assert failed.error == "exit 2: oops"


# What counts as success


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "exit 3"),
        ("echo out; echo ' no such host ' >&2; exit 1", "exit 1: no such host"),
        ("echo out; exit 1", "exit 1: out"),
        ("printf %801s x | tr ' ' y >&2; exit 1", f"exit 1: {'y' * 800}x"),  # masked, then cut
        ("kill -KILL $$", "ended by SIGKILL"),
        ("echo oh >&2; kill -TERM $$", "ended by SIGTERM: oh"),
        ("kill -36 $$", "ended by signal 36"),
    ],
)
def test_a_failure_says_how_it_ended_and_what_was_said(
    shell: WardedShell, script: str, said: str
) -> None:
    failed = failure_of(perform(shell, script=script))
    assert failed.error == said
    assert failed.result["exit"] != 0
    assert failed.retryable


def test_other_exit_codes_may_mean_success(shell: WardedShell) -> None:
    assert result_of(perform(shell, script="exit 1", exit_codes=[0, 1]))["exit"] == 1
    assert failure_of(perform(shell, script="exit 0", exit_codes=[1])).error == "exit 0"


# What cannot be started is a sentence


def test_a_command_that_is_not_there(shell: WardedShell) -> None:
    failed = failure_of(perform(shell, argv=["restart-hst", "a"]))
    assert failed.error == "there is no command 'restart-hst'"
    assert not failed.retryable


def test_a_file_that_may_not_be_executed(shell: WardedShell, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    failed = failure_of(perform(shell, argv=["./notes.txt"]))
    assert failed.error == "'./notes.txt' cannot be started: Permission denied"
    assert not failed.retryable


def test_a_file_that_is_no_program(shell: WardedShell, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("hello")
    program.chmod(0o755)
    failed = failure_of(perform(shell, argv=["./program"]))
    assert failed.error == "'./program' cannot be started: Exec format error"


def test_a_folder_that_is_not_there(shell: WardedShell, tmp_path: Path) -> None:
    failed = failure_of(perform(shell, argv=["id"], cwd="scripst"))
    assert failed.error == f"the working directory {tmp_path}/scripst is not there"
    assert not failed.retryable


@pytest.mark.parametrize(
    "given",
    [
        {"argv": ["echo", "a\0b"]},
        {"argv": ["echo"], "env": {"A": "a\0b"}},
        {"argv": ["echo"], "env": {"A\0B": "a"}},
        {"script": "echo \0"},
    ],
)
def test_a_nul_character_is_refused_before_anything_is_started(given: dict[str, Any]) -> None:
    (complaint,) = ShellParameters.model_validate(given).complaints()
    assert (complaint.code, complaint.message) == ("nul", "cannot hold a NUL character")
    assert complaint.name in given


def test_what_is_not_known_yet_is_not_complained_of() -> None:
    unknown = Unknown("steps.a")
    for given in ({"argv": unknown, "env": unknown}, {"argv": [unknown], "env": {"A": unknown}}):
        assert list(ShellParameters.model_validate(given).complaints()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [({"cwd": "a\0b"}, "embedded null byte"), ({"env": {"A=B": "c"}}, "illegal environment")],
)
def test_what_the_system_does_not_take(
    shell: WardedShell, given: dict[str, Any], said: str
) -> None:
    failed = failure_of(perform(shell, argv=["echo"], **given))
    assert failed.error.startswith(f"'echo' cannot be started: {said}")
    assert not failed.retryable


@pytest.mark.parametrize("given", [{"stdin": "\ud800"}, {"env": {"A": "\ud800"}}])
def test_half_a_character_is_refused_before_anything_starts(
    shell: WardedShell, given: dict[str, Any]
) -> None:
    failed = failure_of(perform(shell, argv=["cat"], **given))
    assert failed.error.startswith("'cat' cannot be started: 'utf-8' codec can't encode")
    assert not failed.retryable


# Nothing outlives the step


class Fifo:
    """Tells the test that a command has come so far, and the numbers of its processes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fifo"
        os.mkfifo(self.path)

    async def numbers(self) -> list[int]:
        text = await asyncio.to_thread(self.path.read_text)
        return [int(number) for number in text.split()]


@pytest.fixture
def fifo(tmp_path: Path) -> Fifo:
    return Fifo(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_command, "PATIENCE", 0.2)


def has_ended(handle: int) -> bool:
    """Whether a process ends, told by the kernel."""
    ended, _, _ = select.select([handle], [], [], PATIENCE)
    os.close(handle)
    return bool(ended)


async def cut_short(shell: WardedShell, fifo: Fifo, **given: Any) -> list[int]:
    """Let a step's time be over when the command has told its processes; give handles of them."""
    handles: list[int] = []

    async def expire(limit: asyncio.Timeout) -> None:
        handles.extend(os.pidfd_open(number) for number in await fifo.numbers())
        limit.reschedule(asyncio.get_running_loop().time())

    given["env"] = {"FIFO": str(fifo.path), "PYTHON": sys.executable, **given.get("env", {})}
    with pytest.raises(TimeoutError):
        await _expiring(expire, shell.perform(ShellParameters.model_validate(given), CALL))
    return handles


async def _expiring(
    expire: Callable[[asyncio.Timeout], Awaitable[None]], performing: Awaitable[Report]
) -> None:
    async with asyncio.timeout(None) as limit:
        task = asyncio.ensure_future(expire(limit))
        await performing
        await task


def test_a_command_whose_time_is_over_gets_term_and_may_tidy_up(
    shell: WardedShell, fifo: Fifo, tmp_path: Path
) -> None:
    script = "trap 'echo bye > tidied; exit' TERM; echo $$ > $FIFO; sleep 1000 & wait"
    (handle,) = shell.run(cut_short(shell, fifo, script=script))
    assert has_ended(handle)
    assert (tmp_path / "tidied").read_text() == "bye\n"


@pytest.mark.usefixtures("impatient")
def test_a_step_that_is_cut_while_its_command_starts_leaves_nothing(
    shell: WardedShell, fifo: Fifo
) -> None:
    """asyncio by itself kills the command alone then, and waits for its children for ever."""
    given = {
        "script": "sleep 1000 & echo $$ $! > $FIFO; wait",
        "env": {"FIFO": str(fifo.path)},
    }

    async def story() -> list[int]:
        await shell.warden.ready()
        reading = os.open(fifo.path, os.O_RDONLY | os.O_NONBLOCK)
        loop = asyncio.get_running_loop()
        numbers: list[bytes] = []

        def stop_the_world_once_it_runs(limit: asyncio.Timeout) -> None:
            if children() == [str(shell.warden.pid)]:
                loop.call_soon(stop_the_world_once_it_runs, limit)
                return
            select.select([reading], [], [], PATIENCE)
            numbers.extend(os.read(reading, 100).split())
            os.close(reading)
            limit.reschedule(loop.time())

        async def begin(limit: asyncio.Timeout) -> None:
            loop.call_soon(stop_the_world_once_it_runs, limit)

        with pytest.raises(TimeoutError):
            await _expiring(begin, shell.perform(ShellParameters.model_validate(given), CALL))
        return [int(number) for number in numbers]

    numbers = shell.run(story())
    assert len(numbers) == 2
    assert all(is_gone(number) for number in numbers)


def children() -> list[str]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return path.read_text().split()


def test_a_step_that_is_cut_before_its_command_could_start_is_just_cut(shell: WardedShell) -> None:
    async def story() -> None:
        async with asyncio.timeout(0):
            await shell.perform(ShellParameters.model_validate({"argv": ["no-such"]}), CALL)

    with pytest.raises(TimeoutError):
        shell.run(story())


@pytest.mark.usefixtures("impatient")
def test_a_grandchild_that_ignores_term_is_killed(shell: WardedShell, fifo: Fifo) -> None:
    ignore = (
        "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "open(os.environ['FIFO'], 'w').write(f'{os.getppid()} {os.getpid()}'); "
        "[signal.pause() for _ in iter(int, 1)]"
    )
    script = '"$PYTHON" -c "$IGNORE"; wait'
    handles = shell.run(cut_short(shell, fifo, script=script, env={"IGNORE": ignore}))
    assert len(handles) == 2
    assert all(has_ended(handle) for handle in handles)


@pytest.mark.usefixtures("impatient")
def test_a_command_that_ignores_term_and_floods_its_output_is_killed(
    shell: WardedShell, fifo: Fifo
) -> None:
    script = "trap '' TERM; echo $$ > $FIFO; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"
    (handle,) = shell.run(cut_short(shell, fifo, script=script))
    assert has_ended(handle)


@pytest.mark.usefixtures("impatient")
def test_a_child_left_behind_is_ended_and_does_not_hold_the_step_up(shell: WardedShell) -> None:
    result = result_of(perform(shell, script="sleep 1000 & echo $!"))
    assert is_gone(int(result["stdout"]))
    assert result["elapsed"] < 500  # it would sleep for a thousand


@pytest.mark.usefixtures("impatient")
def test_a_child_left_behind_that_ignores_term_is_killed(shell: WardedShell) -> None:
    script = (
        "(trap '' TERM; echo; while :; do sleep 1000; done) > go & echo $!; tail -f go | read _"
    )
    result = result_of(perform(shell, script=f"touch go; {script}"))
    assert is_gone(int(result["stdout"]))


DAEMON = (
    "import os, signal; os.setsid(); "
    "open(os.environ['FIFO'], 'w').write(f'{os.getpid()}\\n'); signal.pause()"
)
START_DAEMON = '"$PYTHON" -c "$DAEMON" & read number < $FIFO; echo $number'


def with_daemon(fifo: Fifo, daemon: str = DAEMON) -> dict[str, str]:
    return {"FIFO": str(fifo.path), "PYTHON": sys.executable, "DAEMON": daemon}


@pytest.mark.usefixtures("impatient")
def test_a_daemon_that_left_its_group_is_ended_with_the_step_and_told(
    shell: WardedShell, fifo: Fifo
) -> None:
    result = result_of(perform(shell, script=START_DAEMON, env=with_daemon(fifo)))
    assert is_gone(int(result["stdout"]))
    assert (result["exit"], result["ended"]) == (
        0,
        [f"{sys.executable} (pid {int(result['stdout'])})"],
    )


def test_a_command_that_leaves_nothing_says_nothing_of_it(shell: WardedShell) -> None:
    assert "ended" not in result_of(perform(shell, argv=["true"]))


@pytest.mark.usefixtures("impatient")
def test_a_daemon_is_ended_with_a_step_that_is_cut(shell: WardedShell, fifo: Fifo) -> None:
    other = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DAEMON!r}]).wait()"
    handles = shell.run(
        cut_short(shell, fifo, script='"$PYTHON" -c "$DAEMON"', env=with_daemon(fifo, other))
    )
    assert len(handles) == 1
    assert all(has_ended(handle) for handle in handles)


@pytest.mark.usefixtures("impatient")
def test_one_that_drops_the_mark_and_its_group_means_to_stay(
    shell: WardedShell, fifo: Fifo
) -> None:
    script = f"unset ENGINE_STEP; {START_DAEMON}"
    result = result_of(perform(shell, script=script, env=with_daemon(fifo)))
    handle = os.pidfd_open(int(result["stdout"]))
    assert "ended" not in result
    assert select.select([handle], [], [], 0)[0] == []
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert has_ended(handle)


@pytest.mark.usefixtures("impatient")
def test_another_attempts_processes_are_not_touched(shell: WardedShell, fifo: Fifo) -> None:
    """Two steps at the same time: the end of one is not the other's."""
    script = "echo $$ > $FIFO; exec sleep 1000"
    environment = {"FIFO": str(fifo.path)}

    async def story() -> None:
        given = ShellParameters.model_validate({"script": script, "env": environment})
        long = asyncio.ensure_future(shell.perform(given, Call("run-1", "steps/1", 1)))
        [number] = await fifo.numbers()
        await shell.perform(ShellParameters.model_validate({"argv": ["true"]}), CALL)
        assert ProcessTable().read(number) is not None
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        assert is_gone(number)

    shell.run(story())


def test_without_a_warden_nothing_is_started(
    shell: WardedShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    failed = failure_of(perform(shell, script="touch effect"))
    assert failed.error.startswith("it is not started: its end could not be seen to: [Errno 2]")
    assert failed.retryable
    assert not (tmp_path / "effect").exists()


@pytest.mark.usefixtures("impatient")
def test_a_process_of_another_user_does_not_hold_the_step_up(
    shell: WardedShell, fifo: Fifo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_permitted(group: int, number: int) -> None:
        raise PermissionError(group, number)

    untouched: list[subprocess.Popen[bytes]] = []
    clean = 'env -i FIFO="$FIFO"'  # as sudo does
    script = 'echo $$ > "$FIFO"; exec sleep 1000'

    async def story() -> int:
        with monkeypatch.context() as as_nobody:
            as_nobody.setattr(os, "killpg", not_permitted)
            as_nobody.setattr(subprocess.Popen, "kill", not_killed)
            (handle,) = await cut_short(shell, fifo, script=f"exec {clean} sh -c '{script}'")
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while untouched[0].returncode is None:  # noqa: ASYNC110 - the step has let go of it
                await asyncio.sleep(0)
        return handle

    def not_killed(popen: subprocess.Popen[bytes]) -> None:
        untouched.append(popen)
        raise PermissionError(popen.pid)

    assert has_ended(shell.run(story()))


def is_gone(number: int) -> bool:
    """Whether a process is no more, or only waits for its parent to be told so."""
    try:
        handle = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    return has_ended(handle)


# Before anything is started


def plan(shell: WardedShell, **given: Any) -> Plan:
    return shell.plan(ShellParameters.model_validate(given), CALL)


def test_a_plan_is_the_command_as_one_would_type_it(shell: WardedShell) -> None:
    planned = plan(shell, argv=["restart-host", "web 1", "it's", "", Unknown("vars.host"), "a=b"])
    assert planned.summary == r"restart-host 'web 1' 'it'\''s' '' ‹vars.host› a=b"
    assert planned.details.keys() == {"argv"}


def test_a_typed_plan_means_what_would_be_run(shell: WardedShell) -> None:
    typed = plan(shell, argv=[sys.executable, "-c", SAY_ARGUMENTS, *AWKWARD]).summary
    assert json.loads(result_of(perform(shell, script=typed.replace("{{", "{'{'")))["stdout"]) == (
        AWKWARD
    )


@pytest.mark.parametrize(
    ("script", "summary"),
    [("df -h", "sh: df -h"), ("\nset -e\ndf -h\n", "sh: set -e ..."), ("", "sh: ")],
)
def test_the_plan_of_a_script_shows_its_first_line(
    shell: WardedShell, script: str, summary: str
) -> None:
    planned = plan(shell, script=script)
    assert planned.summary == summary
    assert planned.details == {"script": script}


@pytest.mark.parametrize("name", ["env", "cwd", "stdin"])
def test_a_plan_shows_what_is_not_known_yet(shell: WardedShell, name: str) -> None:
    planned = plan(shell, argv=Unknown("vars.argv"), **{name: Unknown("vars.x")})
    assert planned.summary == "‹vars.argv›"
    assert str(planned.details[name]) == "‹vars.x›"


def test_a_plan_shows_what_it_gets(shell: WardedShell) -> None:
    given = {"env": {"A": "b"}, "cwd": "x", "stdin": "y"}
    assert plan(shell, argv=["id"], **given).details == {"argv": ["id"], **given}


def test_a_command_may_not_be_repeated_unasked(shell: WardedShell) -> None:
    parameters = ShellParameters.model_validate({"argv": ["true"]})
    assert not shell.harmless_to_repeat(parameters)
    assert shell.foretell(parameters) is None


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"argv": ["ls", "a b"]}, "ls 'a b'"),
        ({"script": 'df -h "$M"', "env": {"M": "/a b"}}, "M='/a b' /bin/sh -c 'df -h \"$M\"'"),
        (
            {"argv": ["cat"], "stdin": "a b", "cwd": "/var"},
            "cd /var && printf %s 'a b' | cat",
        ),
    ],
)  # fmt: skip
def test_a_plan_has_the_same_command_to_type(given: dict[str, Any], line: str) -> None:
    shell = Shell(ShellSettings({}, Path("/"), 1024, Warden("offline", print)))
    command = shell.plan(ShellParameters.model_validate(given), CALL).command
    assert command is not None
    assert command.typed() == line
