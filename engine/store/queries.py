"""Reads the named statements of `sql/queries.sql`: no SQL is put together anywhere.

But for one thing: what inserts or updates one row is repeated for several.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, LiteralString, Self, TypeVar, cast

_NAMED: Final = re.compile(r"^-- (\w+): .*$", re.MULTILINE)
_VALUES: Final = re.compile(r"(?<=VALUES )\(.*\)(?=\nON CONFLICT|\n\)\nUPDATE)", re.DOTALL)
SIZES: Final = (64, 32, 16, 8, 4, 2, 1)  # rows of a statement: few different ones stay prepared
_PARAMETER: Final = re.compile(r":(\w+)")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SeveralRows:
    """A statement for several rows at once, and the names of a row's parameters."""

    statement: LiteralString
    names: tuple[str, ...]  # in the order of their places; one that has two is there twice

    @classmethod
    def of(cls, statement: LiteralString, rows: int) -> Self:
        """From one that inserts a row, or updates one: `VALUES (...)`, and then what it is for."""
        found = _VALUES.search(statement)
        if found is None:
            raise ValueError(f"it has no row: {statement}")
        row = found.group()
        all_rows = ",\n".join([_PARAMETER.sub("?", row)] * rows)
        return cls(_literal(statement.replace(row, all_rows)), tuple(_PARAMETER.findall(row)))

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Those of all rows, in the order of their places."""
        return [row[name] for row in rows for name in self.names]


def in_every_size(
    statement: LiteralString, sizes: Sequence[int] = SIZES
) -> Mapping[int, SeveralRows]:
    """The statements for `in_sizes`, made of one for a row."""
    return {size: SeveralRows.of(statement, size) for size in sizes}


def in_sizes(rows: Iterable[T]) -> Iterator[list[T]]:
    """The rows in sizes that there are statements for."""
    left = list(rows)
    for size in SIZES:
        while len(left) >= size:
            yield left[:size]
            left = left[size:]


def read_queries() -> dict[str, LiteralString]:
    """Every statement by its name."""
    text = files("engine.store").joinpath("sql", "queries.sql").read_text(encoding="utf-8")
    parts = _NAMED.split(text)[1:]
    named = zip(parts[::2], parts[1::2], strict=True)
    return {name: _literal(body.strip().rstrip(";")) for name, body in named}


def read_migrations() -> list[LiteralString]:
    """The numbered scripts that make the schema, in their order."""
    folder = files("engine.store").joinpath("sql")
    names = sorted(item.name for item in folder.iterdir() if re.match(r"\d{4}_", item.name))
    scripts = (folder.joinpath(name).read_text(encoding="utf-8") for name in names)
    return [_literal(script) for script in scripts]


def _literal(text: Any) -> LiteralString:
    """A file of the package is as literal as a string in the code."""
    return cast("LiteralString", text)
