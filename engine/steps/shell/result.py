"""What comes back of a command, and whether that is what was wanted."""

import codecs
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from pydantic import Field

from engine.playbooks.parameters import Result
from engine.playbooks.step_type import Failed, Report, Succeeded
from engine.playbooks.units import format_duration, format_size
from engine.processes.running_command import RunningCommand
from engine.runs.kept_output import KeptStream
from engine.steps.shell.parameters import ShellParameters

_BY_SIGNAL: Final = 128  # with the signal's number: how a shell tells of what it started


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
class Ended:
    """A command that was carried out."""

    code: int | None
    command: RunningCommand
    limit: int  # bytes of each stream that the result has room for
    elapsed: float
    left: list[str]  # what it left running, and was ended

    def result(self, kept: Mapping[str, KeptStream], cut: Callable[[str], str]) -> dict[str, Any]:
        """`kept` are the streams that are in files; `cut` masks a text whose rest is lost."""
        texts = {
            name: cut(_beginning(part))
            if name in self.command.cut
            else part.decode(errors="replace")
            for name, part in self.command.kept.items()
        }
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


def _beginning(part: bytearray) -> str:
    """Without the half of a character at its end, which would hide the half of a secret."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(part)


def _of_each(said: Mapping[str, str | None]) -> str:
    """What is said of each stream, in one sentence where it is the same."""
    names: dict[str, list[str]] = {}
    for name, text in said.items():
        if text:
            names.setdefault(text, []).append(name)
    return "; ".join(f"{' and '.join(streams)}: {text}" for text, streams in names.items())


def judged(parameters: ShellParameters, result: dict[str, Any]) -> Report:
    """What is reported of a result."""
    parses = parameters.parse == "json" and "json" not in result
    if parses and result["exit"] in parameters.exit_codes:
        try:
            result["json"] = orjson.loads(result["stdout"])
        except orjson.JSONDecodeError as error:
            return Failed(f"its output is not JSON: {error}", result)
    if result["exit"] in parameters.exit_codes:
        return Succeeded(result)
    said = result["stderr"].strip() or result["stdout"].strip()
    ended = _how_it_ended(result["exit"], parameters.limits.cpu)
    return Failed(f"{ended}: {said}" if said else ended, result)


def _how_it_ended(number: int, cpu: float | None) -> str:
    ended = f"exit {number}" if number >= 0 else f"ended by {_signal_name(-number)}"
    if cpu is not None and number in (-signal.SIGXCPU, _BY_SIGNAL + signal.SIGXCPU):
        ended += f" (its limits.cpu of {format_duration(cpu)} is used up)"
    return ended


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # of the real-time signals only the first and last have a name
