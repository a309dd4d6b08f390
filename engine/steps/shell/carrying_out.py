"""A command on its way: started, given its input, read to its end, and nothing of it left."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.playbooks.step_type import Failed
from engine.processes.launch import Launch
from engine.processes.running_command import (
    RunningCommand,
    Write,
    close,
    end_group,
    started,
    within_patience,
)
from engine.processes.warden import Warden
from engine.steps.shell.result import Ended


@dataclass(frozen=True, slots=True)
class Carrying:
    """One command, of one attempt at a step."""

    warden: Warden
    mark: str  # of its processes
    folder: Path
    stdin: str
    limit: int  # bytes of each stream that are kept
    write: Write

    async def out(self, argv: Sequence[str], launch: Launch) -> Ended | Failed:
        """Carry it out. `argv`: what it is called where it cannot be started."""
        began = time.monotonic()
        try:
            await self.warden.ready()
        except OSError as error:
            return Failed(f"it is not started: its end could not be seen to: {error}")
        try:
            data = self.stdin.encode()
            transport, command = await started(
                asyncio.get_running_loop().subprocess_exec(
                    lambda: RunningCommand(self.limit, self.warden.begun, self.write),
                    *launch.argv,
                    executable=launch.executable,
                    stdin=asyncio.subprocess.PIPE if data else asyncio.subprocess.DEVNULL,
                    env=dict(launch.environ),
                    cwd=str(self.folder),
                    start_new_session=True,
                    pass_fds=launch.pass_fds,
                ),
                self._end,
            )
        except (OSError, ValueError) as error:
            return self._not_started(argv, error)
        try:
            launch.begun()
            if data:
                stdin: Any = transport.get_pipe_transport(0)
                with suppress(RuntimeError):  # uvloop's pipe, when the command has ended by now
                    stdin.write(data)
                stdin.close()  # once it is written, or nobody reads it any more
            try:
                await command.exited.wait()
            finally:
                # A child that was left behind would hold the pipes open for as long as it lives.
                left = await self._end(transport.get_pid(), command)
            await within_patience(command.read_to_the_end)
        finally:
            close(transport)
        if (failure := launch.failure()) is not None:
            return self._not_started(argv, failure)
        elapsed = round(time.monotonic() - began, 3)
        return Ended(transport.get_returncode(), command, self.limit, elapsed, left)

    async def _end(self, group: int, command: RunningCommand) -> list[str]:
        """What is left of it; the names of what had left its group."""
        try:
            await end_group(group, command)
        finally:
            ended = await self.warden.end(group, self.mark)
        return [f"{one.command} (pid {one.pid})" for one in ended if one.gone]

    def _not_started(self, argv: Sequence[str], error: OSError | ValueError) -> Failed:
        if isinstance(error, FileNotFoundError) and not self.folder.is_dir():
            return Failed(f"the working directory {self.folder} is not there", retryable=False)
        if isinstance(error, FileNotFoundError):
            return Failed(f"there is no command '{argv[0]}'", retryable=False)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Failed(f"'{argv[0]}' cannot be started: {reason}", retryable=False)
