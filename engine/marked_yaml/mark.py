"""Where everything of a YAML document stands, down to the character of a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from engine.problem import Location

Path = tuple[str | int, ...]

_UNITS: Final = {  # what one character of a quoted text is written as
    "'": re.compile(r"''|."),
    '"': re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|x..|u.{4}|U.{8}|.)|."),
}


class Mark(NamedTuple):
    """Where a node begins; for a scalar also how its text maps back to the file."""

    line: int
    column: int
    style: str | None = None
    source: str = ""

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of the character `offset` of this scalar's value.

        Exact for plain and quoted text on one line and for literal blocks (`|`), which is how
        expressions are written; a folded text answers with its beginning.
        """
        if self.style == "|":
            return self._in_block(offset)
        if self.style == ">" or "\n" in self.source or not self.source:
            return self.line, self.column
        if self.style in _UNITS:
            units = _UNITS[self.style].finditer(self.source, 1)
            return self.line, self.column + 1 + sum(len(unit[0]) for unit in islice(units, offset))
        return self.line, self.column + offset

    def _in_block(self, offset: int) -> tuple[int, int]:
        lines = [line.removesuffix("\r") for line in self.source.split("\n")[1:]]
        indent = min((len(t) - len(t.lstrip(" ")) for t in lines if t.strip()), default=0)
        for number, text in enumerate(lines, start=1):
            length = max(0, len(text) - indent)
            if offset <= length:
                return self.line + number, indent + offset + 1
            offset -= length + 1
        return self.line, self.column


@dataclass(frozen=True, slots=True)
class MarkedYaml:
    """A document: its plain `value`, and the marks of every key and value by path."""

    file: str
    value: Any
    values: Mapping[Path, Mark]
    keys: Mapping[Path, Mark]

    def locate(self, path: Path) -> Location:
        """Where the value of `path` stands, or the nearest thing around it that exists."""
        return self._nearest(path, self.values)

    def locate_key(self, path: Path) -> Location:
        """Where the key of `path` stands, or the nearest thing around it that exists."""
        return self._nearest(
            path, {**self.values, **self.keys} if path in self.keys else self.values
        )

    def locate_in(self, path: Path, offset: int) -> Location:
        """Where character `offset` of the text at `path` stands."""
        mark = self.values.get(path)
        if mark is None:
            return self.locate(path)
        return Location(self.file, *mark.at(offset))

    def _nearest(self, path: Path, marks: Mapping[Path, Mark]) -> Location:
        for length in range(len(path), -1, -1):
            if mark := marks.get(path[:length]):
                return Location(self.file, mark.line, mark.column)
        return Location(self.file)
