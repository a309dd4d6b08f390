"""`# lint: allow CODE (reason)`: what a person has looked at, and means as it is written.

On a line, it is about what is found there; on a line of its own, about the next one. In front of a
text of several lines it is about all of them. What keeps a playbook from being loaded cannot be
allowed: `serve` would refuse it all the same.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.marked_yaml.mark import MarkedYaml
from engine.problem import Location, Problem

UNEXPLAINED: Final = "allow-without-reason"
UNUSED: Final = "unused-allow"
_ALLOW = re.compile(r"#\s*lint:\s*allow\b\s*([a-z0-9-]*(?:\s*,\s*[a-z0-9-]+)*)\s*(\(.*\S.*\))?")
_BLOCKS: Final = ("|", ">")
_ONLY_CHECKS: Final = "only what a check finds can be; what keeps a file from loading cannot"


@dataclass(frozen=True, slots=True)
class Allow:
    """One code that may stand on one line."""

    code: str
    line: int  # that it is about
    where: Location
    explained: bool


def allows_in(text: str, file: str) -> Iterator[Allow]:
    """Every `lint: allow` of a file."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if "lint:" not in line:
            continue
        alone = line.lstrip().startswith("#")
        # Of a line that is a comment as a whole, what it quotes is no comment of its own.
        match = _ALLOW.match(line, len(line) - len(line.lstrip())) if alone else _ALLOW.search(line)
        if match is None:
            continue
        about = number
        if alone:
            below = range(number, len(lines))
            about = next((n + 1 for n in below if not lines[n].lstrip().startswith("#")), number)
        where = Location(file, number, match.start() + 1)
        for code in re.split(r"\s*,\s*", match[1]):
            yield Allow(code, about, where, match[2] is not None)


def without_allowed(
    problems: Iterable[Problem], allows: Iterable[Allow], marked: MarkedYaml, codes: Iterable[str]
) -> Iterator[Problem]:
    """The problems that nobody has allowed, and what is wrong with the allows themselves.

    `codes` are those that can be allowed.
    """
    heads = _heads_of_blocks(marked)
    by_line = {(allow.line, allow.code): allow for allow in allows}
    used: set[tuple[int, str]] = set()
    for problem in problems:
        line = problem.location.line if problem.location else 0
        keys = [(line, problem.code), (heads.get(line, line), problem.code)]
        found = [key for key in keys if key in by_line]
        used.update(found)
        if not found:
            yield problem
    known = tuple(codes)
    for key, allow in by_line.items():
        if key not in used:
            said, hint = f"there is no '{allow.code}' here", "remove it"
            if allow.code not in known:
                said = f"'{allow.code}' cannot be allowed" if allow.code else "it names no code"
                near = difflib.get_close_matches(allow.code, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else _ONLY_CHECKS
            yield Problem(UNUSED, said, allow.where, hint, "warning")
        elif not allow.explained:
            said = f"it does not say why '{allow.code}' is allowed"
            hint = f"such as `# lint: allow {allow.code} (the other side checks it)`"
            yield Problem(UNEXPLAINED, said, allow.where, hint, "warning")


def _heads_of_blocks(marked: MarkedYaml) -> Mapping[int, int]:
    """For each line inside a text of several lines, the line that it begins on."""
    return {
        line: mark.line
        for mark in marked.values.values()
        if mark.style in _BLOCKS
        for line in range(mark.line + 1, mark.line + mark.source.count("\n") + 1)
    }
