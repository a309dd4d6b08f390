"""`shell: [restart-host, "{{ vars.host }}"]`: a command, each item one argument, no shell between.

`shell: {script: 'df -h "$MOUNT"', env: {MOUNT: ...}}` runs a constant script with /bin/sh; data
reaches it only through the environment. Result: `{exit, stdout, stderr, elapsed}`, `json` with
`parse: json`, and `files` where all of its output is kept. The command runs in a process group of
its own; when its time is over or its run is cut, the group gets TERM and then KILL. What left the
group, as a daemon does, still carries the step's mark in its environment: it is ended with the step
too, and `ended` says so.
"""

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from engine.playbooks.command import Command
from engine.playbooks.deferred import Deferred
from engine.playbooks.parameters import Count, Parameters, Result, Size, Text
from engine.playbooks.step_type import Call, Failed, Outside, Plan, Report, Succeeded
from engine.playbooks.units import format_size
from engine.problem import Complaint
from engine.processes.mark import VARIABLE
from engine.processes.running_command import (
    RunningCommand,
    close,
    end_group,
    started,
    within_patience,
)
from engine.processes.warden import Warden
from engine.runs.kept_output import Keep, KeptStream, Output, keep_nothing


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

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                ["restart-host", "{{ vars.host }}"],
                {"script": 'df -h "$MOUNT"', "env": {"MOUNT": "{{ labels.mount }}"}},
            ],
            "anyOf": [{"required": ["argv"]}, {"required": ["script"]}],
        }
    )
    shorthand: ClassVar[str | None] = "argv"
    constants: ClassVar[frozenset[str]] = frozenset({"script"})

    argv: list[Text] | None = Field(
        default=None,
        description="The command and its arguments, each one item; no shell in between",
        examples=[["restart-host", "{{ vars.host }}"]],
    )
    script: Annotated[str, AfterValidator(_constant)] | None = Field(
        default=None,
        description="A constant text for /bin/sh -c; data comes in by `env`, never by a template",
        examples=['df -h "$MOUNT" | tail -1'],
    )
    env: Annotated[dict[str, Text], AfterValidator(_without_the_mark)] = Field(
        default={},
        description="Added to the few variables of shell.env in config.yaml",
        examples=[{"MOUNT": "{{ labels.mount }}"}],
    )
    cwd: Text | None = Field(
        default=None, description="Default: the config file's folder", examples=["/srv/tools"]
    )
    stdin: Text | None = Field(
        default=None, description="What it reads", examples=["{{ labels.resource }}"]
    )
    parse: Literal["json"] | None = Field(
        default=None, description="stdout has to be JSON, and becomes `json` of the result"
    )
    max_output: Size | None = Field(
        default=None,
        description="Kept of each stream; default: shell.max_output of config.yaml",
    )
    exit_codes: list[Count] = Field(
        default=[0], description="Those that mean success", examples=[[0, 1]]
    )

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


class ShellResult(Result):
    """How a command ended, and what it wrote."""

    exit: int = 0
    stdout: str = ""
    stderr: str = ""
    elapsed: float = 0.0
    json_: Annotated[Any, Field(alias="json")] = None
    cut: str | None = None
    ended: list[str] | None = None
    files: dict[str, str] | None = None
    not_kept: str | None = None


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """What every command gets."""

    environ: Mapping[str, str]  # the allow-listed part of the engine's environment
    folder: Path  # where it runs unless its step says otherwise
    max_output: int
    warden: Warden  # ends what outlives its step or the engine
    keep: Keep = keep_nothing  # the whole of its output


class Shell:
    """Performs on this machine, as the user the engine runs as."""

    parameters = ShellParameters
    timeout: float | None = 600.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = ShellResult.types()

    def __init__(self, settings: ShellSettings) -> None:
        self._settings = settings

    @property
    def outside(self) -> Outside[ShellParameters]:
        return Outside(ShellResult, _judged)

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
        output = self._settings.keep(call.run_id, call.path, call.attempt)
        try:
            ended = await self._carried_out(parameters, call, output)
        finally:
            kept = await output.close()
        if isinstance(ended, Failed):
            return ended
        return _judged(parameters, ended.result(kept))

    async def _carried_out(
        self, parameters: ShellParameters, call: Call, output: Output
    ) -> "_Ended | Failed":
        argv = parameters.argv or ["/bin/sh", "-c", parameters.script or ""]
        warden = self._settings.warden
        mark = warden.mark(call.run_id, call.path, call.attempt)
        environment = {**self._settings.environ, **parameters.env, VARIABLE: mark}
        folder = self._settings.folder / (parameters.cwd or ".")
        limit = (
            self._settings.max_output if parameters.max_output is None else parameters.max_output
        )
        began = time.monotonic()

        async def end(group: int, command: RunningCommand) -> list[str]:
            """What is left of it; the names of what had left its group."""
            try:
                await end_group(group, command)
            finally:
                ended = await warden.end(group, mark)
            return [f"{one.command} (pid {one.pid})" for one in ended if one.gone]

        try:
            await warden.ready()
        except OSError as error:
            return Failed(f"it is not started: its end could not be seen to: {error}")
        try:
            data = (parameters.stdin or "").encode()
            transport, command = await started(
                asyncio.get_running_loop().subprocess_exec(
                    lambda: RunningCommand(limit, warden.begun, output.write),
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
                left = await end(transport.get_pid(), command)
            await within_patience(command.read_to_the_end)
        finally:
            close(transport)
        elapsed = round(time.monotonic() - began, 3)
        return _Ended(transport.get_returncode(), command, limit, elapsed, left)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A command that was carried out."""

    code: int | None
    command: RunningCommand
    limit: int  # bytes of each stream that the result has room for
    elapsed: float
    left: list[str]  # what it left running, and was ended

    def result(self, kept: Mapping[str, KeptStream]) -> dict[str, Any]:
        """`kept` are the streams that are in files."""
        texts = {name: part.decode(errors="replace") for name, part in self.command.kept.items()}
        files = {name: stream.file for name, stream in kept.items() if stream.file is not None}
        said = {
            "ended": self.left,
            "cut": _of_each({name: self._cut(name, kept.get(name)) for name in texts}),
            "files": files,
            "not_kept": _of_each({name: stream.error for name, stream in kept.items()}),
        }
        return {
            "exit": self.code,
            **texts,
            "elapsed": self.elapsed,
            **{name: value for name, value in said.items() if value},
        }

    def _cut(self, name: str, kept: KeptStream | None) -> str | None:
        """What of a stream the result does not have, and where that is."""
        cut = f"longer than {self.limit} bytes" if name in self.command.cut else None
        if kept is None or kept.file is None:
            return cut and f"{cut}; the rest was dropped"
        if kept.whole:
            return cut and f"{cut}; all of it is in its file"
        part = f"its file holds the first {format_size(kept.size)}, and the rest was dropped"
        return f"{cut}; {part}" if cut else part


def _of_each(said: Mapping[str, str | None]) -> str:
    """What is said of each stream, in one sentence where it is the same."""
    names: dict[str, list[str]] = {}
    for name, text in said.items():
        if text:
            names.setdefault(text, []).append(name)
    return "; ".join(f"{' and '.join(streams)}: {text}" for text, streams in names.items())


def _judged(parameters: ShellParameters, result: dict[str, Any]) -> Report:
    parses = parameters.parse == "json" and "json" not in result
    if parses and result["exit"] in parameters.exit_codes:
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
