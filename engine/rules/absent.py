"""Where a path into a document leads nowhere, and what is there instead."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.rules.written import expression_of

MOST_NAMES: Final = 20
_KINDS: Final[Mapping[type, str]] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


@dataclass(frozen=True, slots=True)
class Absent:
    """The first part of a path that is not there. `of` is the path before it, "" the document."""

    name: str
    of: str
    found: str  # what stands at `of`
    keys: tuple[str, ...] = ()  # those of a mapping

    @property
    def nearest(self) -> str | None:
        """The key that was meant, if one is near."""
        matches = difflib.get_close_matches(self.name, self.keys, n=1, cutoff=0.6)
        return matches[0] if matches else None

    @property
    def said(self) -> str:
        """`labels has check, resource (did you mean 'resource'?)`."""
        of = self.of or "the document"
        if not self.keys:
            return f"{of} is {self.found}"
        hint = f" (did you mean '{self.nearest}'?)" if self.nearest else ""
        return f"{of} has {', '.join(self._names)}{hint}"

    @property
    def _names(self) -> list[str]:
        more = len(self.keys) - MOST_NAMES
        return [*self.keys[:MOST_NAMES], *([f"and {more} more"] if more > 0 else [])]

    def as_json(self) -> dict[str, Any]:
        """Stable keys: name, of, found, keys (at most 20), nearest."""
        return {
            "name": self.name,
            "of": self.of,
            "found": self.found,
            "keys": self._names,
            "nearest": self.nearest,
        }


def absent_in(node: Mapping[str, Any], document: Any) -> Absent | None:
    """Where the path ends; None for a null that is there, and for what is no plain path."""
    walked, value = "", document
    for step in _steps(node):
        name = step["value"]
        if step["type"] == "field":
            if not isinstance(value, Mapping):
                return Absent(str(name), walked, _kind(value))
            if name not in value:
                keys = tuple(str(key) for key in value)
                return Absent(str(name), walked, "a mapping" if keys else "empty", keys)
            shown = expression_of(step)
            walked = f"{walked}.{shown}" if walked else shown
        elif step["type"] == "index":
            if not (isinstance(value, list) and -len(value) <= name < len(value)):
                return Absent(f"[{name}]", walked, _kind(value))
            walked = f"{walked}[{name}]"
        else:
            return None
        value = value[name]
    return None


def _steps(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A path's fields and indexes in their order, and whatever else is among them."""
    if node["type"] in ("subexpression", "index_expression"):
        for child in node["children"]:
            yield from _steps(child)
    elif node["type"] != "identity":
        yield {"value": None, **node}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "a mapping"
    return _KINDS.get(type(value), type(value).__name__)
