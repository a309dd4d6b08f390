"""A shell step type with a warden of its own, and what it reports."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from engine.playbooks.step_type import Call, Failed, Report, Succeeded
from engine.processes.allowed import ANY_COMMAND, AllowedCommands
from engine.processes.warden import Warden
from engine.runs.kept_output import Keep, keep_nothing
from engine.steps.shell import Shell, ShellParameters, ShellSettings

CALL = Call("run-1", "steps/0", 1)
LIMIT = 1000
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

T = TypeVar("T")


class WardedShell(Shell):
    """A shell with a warden that lives as long as a story."""

    def __init__(
        self,
        folder: Path,
        keep: Keep = keep_nothing,
        *,
        allow: AllowedCommands = ANY_COMMAND,
        cut: Callable[[str], str] = str,
    ) -> None:
        self.complaints: list[str] = []
        self.warden = Warden("test-shell", self.complaints.append)
        super().__init__(ShellSettings(ENVIRONMENT, folder, LIMIT, self.warden, keep, allow, cut))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        async def warded() -> T:
            async with self.warden:
                return await story

        return asyncio.run(warded())


def perform(shell: WardedShell, **given: Any) -> Report:
    return shell.run(shell.perform(ShellParameters.model_validate(given), CALL))


def result_of(report: Report) -> dict[str, Any]:
    assert isinstance(report, Succeeded), report
    result: dict[str, Any] = report.result
    return result


def failure_of(report: Report) -> Failed:
    assert isinstance(report, Failed), report
    return report
