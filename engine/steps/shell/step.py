"""`shell: [restart-host, "{{ vars.host }}"]`: a command, each item one argument, no shell between.

`shell: {script: 'df -h "$MOUNT"', env: {MOUNT: ...}}` runs a constant script with /bin/sh; data
reaches it only through the environment. Result: `{exit, stdout, stderr, elapsed}`, `json` with
`parse: json`, and `files` where all of its output is kept. The command runs in a process group of
its own; when its time is over or its run is cut, the group gets TERM and then KILL. What left the
group, as a daemon does, still carries the step's mark in its environment: it is ended with the step
too, and `ended` says so.
"""

import asyncio
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.playbooks.command import Command
from engine.playbooks.deferred import Deferred
from engine.playbooks.step_type import Call, Failed, Outside, Plan, Report
from engine.processes.allowed import ANY_COMMAND, AllowedCommands, find_command
from engine.processes.launch import launching
from engine.processes.mark import VARIABLE
from engine.processes.preparation import Limits, Preparation, User
from engine.processes.running_command import Write
from engine.processes.user import find_user
from engine.processes.warden import Warden
from engine.runs.kept_output import Keep, keep_nothing
from engine.steps.shell.carrying_out import Carrying
from engine.steps.shell.parameters import SHELL, ShellParameters
from engine.steps.shell.result import Ended, ShellResult, judged


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """What every command gets."""

    environ: Mapping[str, str]  # the allow-listed part of the engine's environment
    folder: Path  # where it runs unless its step says otherwise
    max_output: int
    warden: Warden  # ends what outlives its step or the engine
    keep: Keep = keep_nothing  # the whole of its output
    allow: AllowedCommands = ANY_COMMAND
    cut: Callable[[str], str] = str  # masks the beginning of an output whose rest is dropped


class Shell:
    """Performs on this machine, as the user the engine runs as or the one that the step names."""

    parameters = ShellParameters
    timeout: float | None = 600.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = ShellResult.types()

    def __init__(self, settings: ShellSettings) -> None:
        self._settings = settings

    @property
    def outside(self) -> Outside[ShellParameters]:
        return Outside(ShellResult, judged)

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
        for name in ("env", "cwd", "stdin", "user"):
            value = getattr(parameters, name)
            if isinstance(value, Deferred) or value not in (None, {}):
                details[name] = value
        if parameters.umask is not None:
            details["umask"] = f"{parameters.umask:03o}"
        if limits := parameters.limits.model_dump(exclude_none=True):
            details["limits"] = limits
        words = [*SHELL, parameters.script] if argv is None else argv
        by_hand = Command.of(words, parameters.env, parameters.cwd, parameters.stdin)
        return Plan(summary, details, by_hand if parameters.user is None else None)

    def foretell(self, parameters: ShellParameters) -> Report | None:
        """That config.yaml does not allow the command, as far as this machine can tell."""
        _, refused = self._looked_up(parameters)
        return refused

    def harmless_to_repeat(self, parameters: ShellParameters) -> bool:
        return False

    async def perform(self, parameters: ShellParameters, call: Call) -> Report:
        output = self._settings.keep(call.run_id, call.path, call.attempt)
        try:
            ended = await self._carried_out(parameters, call, output.write)
        finally:
            kept = await output.close()
        if isinstance(ended, Failed):
            return ended
        return judged(parameters, ended.result(kept, self._settings.cut))

    async def _carried_out(
        self, parameters: ShellParameters, call: Call, write: Write
    ) -> Ended | Failed:
        settings, argv = self._settings, _argv(parameters)
        executable, refused = self._looked_up(parameters)
        if refused is not None:
            return refused
        if settings.allow.names and executable is None:
            return Failed(f"there is no command '{argv[0]}'", retryable=False)
        preparation = await _preparation(parameters)
        if isinstance(preparation, str):
            return Failed(f"it is not started: {preparation}", retryable=False)
        mark = settings.warden.mark(call.run_id, call.path, call.attempt)
        environ = {**settings.environ, **parameters.env, VARIABLE: mark}
        most = settings.max_output if parameters.max_output is None else parameters.max_output
        folder = settings.folder / (parameters.cwd or ".")
        carrying = Carrying(settings.warden, mark, folder, parameters.stdin or "", most, write)
        with launching(argv, environ, executable=executable, preparation=preparation) as launch:
            return await carrying.out(argv, launch)

    def _looked_up(self, parameters: ShellParameters) -> tuple[str | None, Failed | None]:
        """The file that is executed, looked up where it matters which; and that it may not be."""
        allow = self._settings.allow
        argv: object = _argv(parameters)  # a Deferred when all of it is a template
        command = argv[0] if isinstance(argv, list) else None
        if not allow.names or not isinstance(command, str):
            return None, None
        found = self._file_of(command, parameters)
        said = allow.why_not(command, found)
        refused = said and Failed(f"it is not started: {said}", retryable=False)
        return found, refused or None

    def _file_of(self, command: str, parameters: ShellParameters) -> str | None:
        """What is executed for a command; None where that is not here, or not known yet."""
        environ = self._settings.environ
        env: object = parameters.env  # a Deferred when all of it is a template
        cwd: object = "." if parameters.cwd is None else parameters.cwd
        own = env.get("PATH", environ.get("PATH", os.defpath)) if isinstance(env, dict) else None
        if not isinstance(own, str) or not isinstance(cwd, str):
            return None
        return find_command(command, own, self._settings.folder / cwd)


def _argv(parameters: ShellParameters) -> list[str]:
    return [*SHELL, parameters.script or ""] if parameters.argv is None else parameters.argv


async def _preparation(parameters: ShellParameters) -> Preparation | str:
    """What the command takes on; a sentence where it cannot."""
    user: User | str | None = None
    if parameters.user is not None:  # a directory of users may be asked, and take its time
        user = await asyncio.to_thread(find_user, parameters.user)
    if isinstance(user, str):
        return user
    given = parameters.limits
    as_root = os.geteuid() == 0 if user is None else user.uid == 0
    if given.processes is not None and as_root:
        return "limits.processes does not hold for root: give the step a `user`"
    cpu = None if given.cpu is None else math.ceil(given.cpu)
    limits = Limits(cpu, given.memory, given.files, given.processes)
    return Preparation(parameters.umask, user, limits)
