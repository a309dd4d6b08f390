"""`shell: [restart-host, "{{ vars.host }}"]`: a command, each item one argument, no shell between.

`shell: {script: 'df -h "$MOUNT"', env: {MOUNT: ...}}` runs a constant script with /bin/sh; data
reaches it only through the environment. Result: `{exit, stdout, stderr, elapsed}`, and `json` with
`parse: json`. The command runs in a process group of its own; when its time is over or its run is
cut, the group gets TERM and then KILL.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

import orjson
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from engine.playbooks.parameters import Parameters, Size, Text
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded

PATIENCE: Final = 5.0  # seconds between TERM and KILL
_SHOWN: Final = 300  # characters of stderr in an error
_CHUNK: Final = 65536


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


class ShellParameters(Parameters):
    """A list to execute, or a constant script; one of them."""

    shorthand: ClassVar[str | None] = "argv"
    constants: ClassVar[frozenset[str]] = frozenset({"script"})

    argv: list[Text] | None = Field(default=None, description="The command and its arguments")
    script: Annotated[str, AfterValidator(_constant)] | None = None
    env: dict[str, Text] = Field(default_factory=dict)
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
        if self.argv is not None and not self.argv:
            raise PydanticCustomError("shell-what", "the list is empty", {})
        return self


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """What every command gets."""

    environ: Mapping[str, str]  # the allow-listed part of the engine's environment
    folder: Path  # where it runs unless its step says otherwise
    max_output: int


class Shell:
    """Performs on this machine, as the user the engine runs as."""

    parameters = ShellParameters
    timeout: float | None = 600.0

    def __init__(self, settings: ShellSettings) -> None:
        self._settings = settings

    def plan(self, parameters: ShellParameters, call: Call) -> Plan:
        details: dict[str, Any] = {}
        if parameters.argv is not None:
            details["argv"] = parameters.argv
            summary = " ".join(_quoted(item) for item in parameters.argv)
        else:
            details["script"] = parameters.script
            lines = (parameters.script or "").strip().splitlines()
            summary = f"sh: {lines[0] if lines else ''}{' ...' if len(lines) > 1 else ''}"
        for name in ("env", "cwd", "stdin"):
            if (value := getattr(parameters, name)) not in (None, {}):
                details[name] = value
        return Plan(summary, details)

    def foretell(self, parameters: ShellParameters) -> Report | None:
        return None

    def harmless_to_repeat(self, parameters: ShellParameters) -> bool:
        return False

    async def perform(self, parameters: ShellParameters, call: Call) -> Report:
        argv = parameters.argv or ["/bin/sh", "-c", parameters.script or ""]
        environment = {**self._settings.environ, **parameters.env}
        for text in (*argv, *environment, *environment.values()):
            if "\0" in text:
                return Failed("a NUL character cannot be part of a command", retryable=False)
        folder = self._settings.folder / (parameters.cwd or ".")
        began = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE if parameters.stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return _not_started(argv, folder, error)
        try:
            result = await self._result(process, parameters)
        finally:
            # Once it was waited for, its number may belong to somebody else.
            if process.returncode is None:
                await _end_group(process)
        result["elapsed"] = round(time.monotonic() - began, 3)
        return _judged(parameters, result)

    async def _result(
        self, process: asyncio.subprocess.Process, parameters: ShellParameters
    ) -> dict[str, Any]:
        limit = parameters.max_output or self._settings.max_output
        async with asyncio.TaskGroup() as tasks:
            stdout = tasks.create_task(_drain(process.stdout, limit))
            stderr = tasks.create_task(_drain(process.stderr, limit))
            if parameters.stdin is not None and process.stdin is not None:
                tasks.create_task(_feed(process.stdin, parameters.stdin.encode()))
            await process.wait()
            # A child that was left behind would hold the pipes open for as long as it lives.
            await _end_group(process)
        result: dict[str, Any] = {
            "exit": process.returncode,
            "stdout": stdout.result()[0].decode(errors="replace"),
            "stderr": stderr.result()[0].decode(errors="replace"),
        }
        cut = [
            name
            for name, (_, over) in (("stdout", stdout.result()), ("stderr", stderr.result()))
            if over
        ]
        if cut:
            result["cut"] = f"{' and '.join(cut)}: longer than {limit} bytes; the rest was dropped"
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
    said = said if len(said) <= _SHOWN else f"...{said[-_SHOWN:]}"
    number = result["exit"]
    ended = f"exit {number}" if number >= 0 else f"ended by {signal.Signals(-number).name}"
    return Failed(f"{ended}: {said}" if said else ended, result)


def _not_started(argv: list[str], folder: Path, error: Exception) -> Failed:
    if isinstance(error, FileNotFoundError) and not folder.is_dir():
        return Failed(f"the working directory {folder} is not there", retryable=False)
    if isinstance(error, FileNotFoundError):
        return Failed(f"there is no command '{argv[0]}'", retryable=False)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failed(f"'{argv[0]}' cannot be started: {reason}", retryable=False)


async def _drain(stream: asyncio.StreamReader | None, limit: int) -> tuple[bytes, bool]:
    """Reads to the end, so that the child never blocks, and keeps the first `limit` bytes."""
    kept = bytearray()
    over = False
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        room = limit - len(kept)
        kept += chunk[:room]
        over = over or len(chunk) > room
    return bytes(kept), over


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    try:
        stream.write(data)
        await stream.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it did not want to read it all
    finally:
        stream.close()


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """TERM, then KILL, to everything the command started and left in its group."""
    if not _signal_group(process.pid, signal.SIGTERM):
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
            while _signal_group(process.pid, 0):  # noqa: ASYNC110 - nobody tells when it is empty
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    finally:
        _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: int) -> bool:
    """False when nobody is left in the group."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody is there whom we may not signal
    return True


def _quoted(item: object) -> str:
    text = str(item)
    safe = text and all(char.isalnum() or char in "-_./:=@%+,‹›{}" for char in text)
    return text if safe else "'" + text.replace("'", "'\\''") + "'"
