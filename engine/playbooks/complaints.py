"""Turns what pydantic complains about into problems at the right place of the YAML file."""

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from engine.marked_yaml import MarkedYaml, Path
from engine.problem import Problem, nearest

_OWN_HINTS: Final = {
    "bool_type": "YAML 1.2 knows true and false; on, off, yes and no are texts",
    "bool_parsing": "YAML 1.2 knows true and false; on, off, yes and no are texts",
}


def complaints(
    error: ValidationError,
    model: type[BaseModel],
    marked: MarkedYaml,
    place: Callable[[Path], Path],
) -> Iterator[Problem]:
    """One problem for each complaint. `place` turns a path in the model into one in the file."""
    for entry in error.errors(include_url=False):
        loc = tuple(part for part in entry["loc"] if part != "[key]")
        context: Mapping[str, Any] = entry.get("ctx", {})
        kind = entry["type"]
        path = place(loc)
        if kind == "extra_forbidden":
            known = _keys_at(model, loc[:-1])
            yield Problem(
                "unknown-key",
                f"there is no key '{loc[-1]}' here",
                marked.locate_key(path),
                nearest(str(loc[-1]), known),
            )
        elif kind == "missing":
            yield Problem(
                "missing-key", f"the key '{loc[-1]}' is missing", marked.locate(path[:-1])
            )
        elif "offset" in context:
            yield Problem(
                kind, entry["msg"], marked.locate_in(path, context["offset"]), context.get("hint")
            )
        elif "-" in kind or kind in ("duration", "size"):
            yield Problem(kind, entry["msg"], marked.locate(path), context.get("hint"))
        else:
            said = entry["msg"].removeprefix("Value error, ")
            said = f"{said[:1].lower()}{said[1:]}".removeprefix("input ")
            name = f"'{loc[-1]}' " if loc else ""
            yield Problem(
                "wrong-value",
                f"{name}{said}, not {_shown(entry['input'])}",
                marked.locate(path),
                _OWN_HINTS.get(kind),
            )


def _keys_at(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys that the model nested at `loc` knows."""
    current: Any = model
    for part in loc:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if _is_model(current) else None
        current = next(_models_in(field.annotation), None) if field else None
    if not _is_model(current):
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _models_in(annotation: Any) -> Iterator[Any]:
    if _is_model(annotation):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _models_in(argument)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    limit = 60
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[:limit]}..."
