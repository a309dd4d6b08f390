"""What a look at a part of the deployment found."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from engine.problem import EngineError, Problem

# fail: it does not do what the config says, or would not; warn: it does, and may not for long.
Level = Literal["ok", "warn", "fail"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warn", "fail")

UNREADABLE: Final = "run it as the user that the engine runs as"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, and what to do if it is not well."""

    check: str
    level: Level
    seen: str
    todo: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Stable keys: check, level, seen, todo."""
        return {"check": self.check, "level": self.level, "seen": self.seen, "todo": self.todo}


def of_problem(check: str, problem: Problem) -> Finding:
    """A problem that another part of the engine found."""
    seen = f"{problem.location}: {problem.message}" if problem.location else problem.message
    return Finding(check, "fail" if problem.level == "error" else "warn", seen, problem.hint)


def surviving(check: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a look finds; that it could not look is a finding, too."""
    try:
        yield from look()
    except EngineError as error:
        yield from (of_problem(check, problem) for problem in error.problems)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield Finding(check, "fail", f"{where}{error.strerror or error}", UNREADABLE)
