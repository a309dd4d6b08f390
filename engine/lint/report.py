"""Problems as text, for three kinds of reader: a person, a program, a pull request."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from engine.problem import Level, Problem

_LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")
_AS_COMMAND: Final[Mapping[Level, str]] = {"error": "error", "warning": "warning", "note": "notice"}


def as_text(problems: Sequence[Problem], checked: int) -> str:
    """`file:line:col: code: message (hint)`, and a line that sums up."""
    return "\n".join([*(str(problem) for problem in problems), _summary(problems, checked)])


def as_json(problems: Sequence[Problem], checked: int) -> str:
    """Stable keys: items (each with file, line, column, level, code, message, hint), checked."""
    items = [problem.as_json() for problem in problems]
    return json.dumps({"items": items, "next": None, "checked": checked}, ensure_ascii=False)


def as_github(problems: Sequence[Problem], checked: int) -> str:
    """Workflow commands that a pull request shows beside the lines."""
    lines = []
    for problem in problems:
        place = ""
        if problem.location is not None:
            where = problem.location
            place = f" file={_property(where.file)},line={where.line},col={where.column}"
        hint = f" ({problem.hint})" if problem.hint else ""
        message = _escaped(f"{problem.code}: {problem.message}{hint}")
        lines.append(f"::{_AS_COMMAND[problem.level]}{place}::{message}")
    return "\n".join([*lines, _summary(problems, checked)])


FORMATS: Final[Mapping[str, Callable[[Sequence[Problem], int], str]]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}


def _summary(problems: Sequence[Problem], checked: int) -> str:
    files = f"{checked} playbook file{'' if checked == 1 else 's'}"
    if not problems:
        return f"{files}: no problems"
    bad = len({problem.location.file for problem in problems if problem.location})
    return f"{files}: {', '.join(_counts(problems))} in {bad} file{'' if bad == 1 else 's'}"


def _counts(problems: Sequence[Problem]) -> Iterator[str]:
    """`2 errors`, `1 warning`: the levels that there are."""
    for level in _LEVELS:
        count = sum(problem.level == level for problem in problems)
        if count:
            yield f"{count} {level}{'' if count == 1 else 's'}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
