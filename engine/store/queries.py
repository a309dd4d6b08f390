"""Reads the named statements of `sql/queries.sql`: no SQL is put together anywhere."""

import re
from importlib.resources import files
from typing import Any, LiteralString, cast

_NAMED = re.compile(r"^-- (\w+): .*$", re.MULTILINE)


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
