"""What is wrong, where, and what to do: the one shape of every message to a person.

Imports nothing of ours, so that every room can speak it.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from typing_extensions import override

# An error keeps a playbook from doing what it says; a warning may; a note is worth knowing.
Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file. Lines and columns count from 1, as editors do."""

    file: str
    line: int = 1
    column: int = 1

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One located message. `code` is kebab-case and stable; `hint` says what to do."""

    code: str
    message: str
    location: Location | None = None
    hint: str | None = None
    level: Level = "error"

    @override
    def __str__(self) -> str:
        """`file:line:col: code: message (hint)`, on one line, whatever the message holds.

        What is no error has its level before the code.
        """
        where = f"{self.location}: " if self.location else ""
        level = "" if self.level == "error" else f"{self.level}: "
        hint = f" ({self.hint})" if self.hint else ""
        return " ".join(f"{where}{level}{self.code}: {self.message}{hint}".splitlines())

    def as_json(self) -> dict[str, Any]:
        """Stable keys: file, line, column, level, code, message, hint."""
        return {
            "file": self.location.file if self.location else None,
            "line": self.location.line if self.location else None,
            "column": self.location.column if self.location else None,
            "level": self.level,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
        }


class Unsaid(Enum):
    """Says that a complaint shows no value; null can be one."""

    UNSAID = "unsaid"


UNSAID: Final = Unsaid.UNSAID


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong inside a value: a problem whose file is somebody else's to know.

    `message` is said of what stands at `loc`, as in "must be an integer"; `given` is the value
    that stands there, where showing it helps. Neither is masked.
    """

    code: str
    loc: tuple[str | int, ...]
    message: str
    given: Any = UNSAID
    hint: str | None = None
    of_key: bool = False  # the key is wrong, whatever its value

    @property
    def name(self) -> str:
        """Its place as people write it: `updates[0].component_changes[1].status`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.loc)
        return "".join(parts).removeprefix(".")


class EngineError(Exception):
    """Something a person has to put right before the engine can do what was asked.

    Carries every problem found, not the first one; the CLI prints them and exits with 2.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column; what has no place comes first."""
    return tuple(
        sorted(problems, key=lambda p: (p.location is not None, p.location or Location(""), p.code))
    )


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Hint for a name nobody knows: `did you mean 'x'?`, or the list when nothing is near."""
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if matches:
        return f"did you mean '{matches[0]}'?"
    return f"known here: {', '.join(sorted(known))}" if known else None
