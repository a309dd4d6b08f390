"""`shell: [restart-host, "{{ vars.host }}"]`: a command, each item one argument, no shell between.

`shell: {script: 'df -h "$MOUNT"', env: {MOUNT: ...}}` runs a constant script with /bin/sh; data
reaches it only through the environment. Result: `{exit, stdout, stderr, elapsed}`, and `json` with
`parse: json`. The command runs in a process group of its own; when its time is over or its run is
cut, the group gets TERM and then KILL. What left the group, as a daemon does, still carries the
step's mark in its environment: it is ended with the step too, and `ended` says so.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

import orjson
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from engine.playbooks.command import Command
from engine.playbooks.deferred import Deferred
from engine.playbooks.parameters import Parameters, Size, Text
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded
from engine.problem import Complaint
from engine.processes.mark import VARIABLE
from engine.processes.warden import Warden

PATIENCE: Final = 5.0  # seconds between TERM and KILL
_STREAMS: Final = {1: "stdout", 2: "stderr"}


def _constant(script: str) -> str:
    for mark in ("{{", "{%"):
        if mark in script:
            raise PydanticCustomError(
                "template-in-script",
                "a script is a constant: data in it would be run as code",
                {
                    "hint": 'hand it over by env: {MOUNT: "{{ labels.mount }}"}, use "$MOUNT"',
                    "offset": script.index(mark),
                },
            )
    return script


def _without_the_mark(environment: dict[str, str]) -> dict[str, str]:
    if VARIABLE in environment:
        raise PydanticCustomError(
            "shell-mark",
            "{name} says which step a process belongs to, and is set by the engine",
            {"name": VARIABLE, "hint": "use another name"},
        )
    return environment


class ShellParameters(Parameters):
    """A list to execute, or a constant script; one of them."""

    shorthand: ClassVar[str | None] = "argv"
    constants: ClassVar[frozenset[str]] = frozenset({"script"})

    argv: list[Text] | None = Field(default=None, description="The command and its arguments")
    script: Annotated[str, AfterValidator(_constant)] | None = None
    env: Annotated[dict[str, Text], AfterValidator(_without_the_mark)] = Field(default_factory=dict)
    cwd: Text | None = Field(default=None, description="Default: the config file's folder")
    stdin: Text | None = None
    parse: Literal["json"] | None = Field(default=None, description="Makes `json` of stdout")
    max_output: Size | None = None
    exit_codes: list[int] = Field(default=[0], description="Those that mean success")

    @model_validator(mode="after")
    def _one_of_them(self) -> "ShellParameters":
        if (self.argv is None) == (self.script is None):
            raise PydanticCustomError(
                "shell-what",
                "a shell step is a list or has a script",
                {"hint": "such as [systemctl, restart, nginx] or {script: 'df -h'}"},
            )
        if isinstance(self.argv, list) and not self.argv:
            raise PydanticCustomError("shell-what", "the list is empty", {})
        return self

    @override
    def complaints(self) -> Iterator[Complaint]:
        """What no command can be given, as far as it is known."""
        given = (("argv", self.argv), ("script", self.script), ("env", self.env))
        for name, value in given:
            texts: object = value  # a Deferred when all of it is a template
            if isinstance(texts, dict):
                texts = [*texts, *texts.values()]
            for text in texts if isinstance(texts, list) else [texts]:
                if isinstance(text, str) and "\0" in text:
                    yield Complaint("nul", (name,), "cannot hold a NUL character")


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """What every command gets."""

    environ: Mapping[str, str]  # the allow-listed part of the engine's environment
    folder: Path  # where it runs unless its step says otherwise
    max_output: int
    warden: Warden  # ends what outlives its step or the engine


class Shell:
    """Performs on this machine, as the user the engine runs as."""

    parameters = ShellParameters
    timeout: float | None = 600.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = {
        "exit": "integer",
        "stdout": "string",
        "stderr": "string",
        "elapsed": "number",
        "json": "any",
        "cut": "string",
        "ended": "array",
    }

    def __init__(self, settings: ShellSettings) -> None:
        self._settings = settings

    def plan(self, parameters: ShellParameters, call: Call) -> Plan:
        details: dict[str, Any] = {}
        argv: object = parameters.argv  # a Deferred when all of it is a template
        if argv is not None:
            details["argv"] = argv
            summary = Command.of(argv).typed()
        else:
            details["script"] = parameters.script
            lines = (parameters.script or "").strip().splitlines()
            summary = f"sh: {lines[0] if lines else ''}{' ...' if len(lines) > 1 else ''}"
        for name in ("env", "cwd", "stdin"):
            value = getattr(parameters, name)
            if isinstance(value, Deferred) or value not in (None, {}):
                details[name] = value
        words = ["/bin/sh", "-c", parameters.script] if argv is None else argv
        by_hand = Command.of(words, parameters.env, parameters.cwd, parameters.stdin)
        return Plan(summary, details, by_hand)

    def foretell(self, parameters: ShellParameters) -> Report | None:
        return None

    def harmless_to_repeat(self, parameters: ShellParameters) -> bool:
        return False

    async def perform(self, parameters: ShellParameters, call: Call) -> Report:
        argv = parameters.argv or ["/bin/sh", "-c", parameters.script or ""]
        warden = self._settings.warden
        mark = warden.mark(call.run_id, call.path, call.attempt)
        environment = {**self._settings.environ, **parameters.env, VARIABLE: mark}
        folder = self._settings.folder / (parameters.cwd or ".")
        limit = (
            self._settings.max_output if parameters.max_output is None else parameters.max_output
        )
        began = time.monotonic()

        async def end(group: int, command: _Command) -> list[str]:
            """What is left of it; the names of what had left its group."""
            try:
                await _end_group(group, command)
            finally:
                ended = await warden.end(group, mark)
            return [f"{one.command} (pid {one.pid})" for one in ended if one.gone]

        try:
            await warden.ready()
        except OSError as error:
            return Failed(f"it is not started: its end could not be seen to: {error}")
        try:
            data = (parameters.stdin or "").encode()
            transport, command = await _started(
                asyncio.get_running_loop().subprocess_exec(
                    lambda: _Command(limit, warden.begun),
                    *argv,
                    stdin=asyncio.subprocess.PIPE if data else asyncio.subprocess.DEVNULL,
                    env=environment,
                    cwd=str(folder),
                    start_new_session=True,
                ),
                end,
            )
        except (OSError, ValueError) as error:
            return _not_started(argv, folder, error)
        try:
            if data:
                stdin: Any = transport.get_pipe_transport(0)
                with suppress(RuntimeError):  # uvloop's pipe, when the command has ended by now
                    stdin.write(data)
                stdin.close()  # once it is written, or nobody reads it any more
            try:
                await command.exited.wait()
            finally:
                # A child that was left behind would hold the pipes open for as long as it lives.
                ended = await end(transport.get_pid(), command)
            await _within_patience(command.read_to_the_end)
        finally:
            _close(transport)
        result = command.result(transport.get_returncode())
        result["elapsed"] = round(time.monotonic() - began, 3)
        if ended:
            result["ended"] = ended
        return _judged(parameters, result)


class _Command(asyncio.SubprocessProtocol):
    """A command as it runs: when it ended, and the first bytes of what it wrote.

    All it writes is read, so that it never blocks. Its end and the end of its output are two
    events: asyncio's own streams wait for both (until Python 3.12.4), and somebody who left the
    command's process group may keep its output open for ever.
    """

    def __init__(self, limit: int, begun: Callable[[int], None]) -> None:
        """`begun` is told the process group as soon as there is one."""
        self.exited = asyncio.Event()
        self.read_to_the_end = asyncio.Event()
        self._limit = limit
        self._begun = begun
        self._kept = {name: bytearray() for name in _STREAMS.values()}
        self._cut: set[str] = set()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        starting: Any = transport
        self._begun(starting.get_pid())

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        name = _STREAMS[fd]
        room = self._limit - len(self._kept[name])
        self._kept[name] += data[:room]
        if len(data) > room:
            self._cut.add(name)

    @override
    def process_exited(self) -> None:
        self.exited.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.read_to_the_end.set()

    def result(self, code: int | None) -> dict[str, Any]:
        texts = {name: kept.decode(errors="replace") for name, kept in self._kept.items()}
        result: dict[str, Any] = {"exit": code, **texts}
        if self._cut:
            cut = " and ".join(name for name in texts if name in self._cut)
            result["cut"] = f"{cut}: longer than {self._limit} bytes; the rest was dropped"
        return result


def _judged(parameters: ShellParameters, result: dict[str, Any]) -> Report:
    if parameters.parse == "json" and result["exit"] in parameters.exit_codes:
        try:
            result["json"] = orjson.loads(result["stdout"])
        except orjson.JSONDecodeError as error:
            return Failed(f"its output is not JSON: {error}", result)
    if result["exit"] in parameters.exit_codes:
        return Succeeded(result)
    said = result["stderr"].strip() or result["stdout"].strip()
    number = result["exit"]
    ended = f"exit {number}" if number >= 0 else f"ended by {_signal_name(-number)}"
    return Failed(f"{ended}: {said}" if said else ended, result)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # of the real-time signals only the first and last have a name


def _not_started(argv: list[str], folder: Path, error: Exception) -> Failed:
    if isinstance(error, FileNotFoundError) and not folder.is_dir():
        return Failed(f"the working directory {folder} is not there", retryable=False)
    if isinstance(error, FileNotFoundError):
        return Failed(f"there is no command '{argv[0]}'", retryable=False)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failed(f"'{argv[0]}' cannot be started: {reason}", retryable=False)


async def _started(
    starting: Coroutine[Any, Any, tuple[asyncio.SubprocessTransport, _Command]],
    end: Callable[[int, _Command], Awaitable[object]],
) -> tuple[asyncio.SubprocessTransport, _Command]:
    """Starts a command. A cut has to wait until it has started, and ends it then.

    Left to itself asyncio would kill the command alone, and wait for the children it has by then.
    """
    task = asyncio.ensure_future(starting)
    cut: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cut = error
    if cut is None:
        return task.result()
    if task.exception() is None:
        transport, command = task.result()
        try:
            await end(transport.get_pid(), command)
        finally:
            _close(transport)
    raise cut


async def _end_group(group: int, command: _Command) -> None:
    """TERM, then KILL, to everything the command started and left in its group."""
    if not _signal_group(group, signal.SIGTERM):
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await command.exited.wait()
            while _signal_group(group, 0):  # noqa: ASYNC110 - nobody tells when it is empty
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    finally:
        _signal_group(group, signal.SIGKILL)
    await _within_patience(command.exited)  # another user's process, as sudo's, does not obey us


async def _within_patience(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await event.wait()
    except TimeoutError:
        return


def _close(transport: asyncio.SubprocessTransport) -> None:
    try:
        transport.close()
    except PermissionError:
        return  # it kills what still runs, and that is not ours to kill


def _signal_group(group: int, number: int) -> bool:
    """False when nobody is left in the group."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody is there whom we may not signal
    return True
