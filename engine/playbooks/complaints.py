"""Turns complaints, pydantic's and ours, into problems at the right place of the YAML file."""

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.schema import NAME
from engine.playbooks.step_schema import IDENTIFIER
from engine.problem import UNSAID, Complaint, Problem, nearest

_TRUTH: Final = "YAML 1.2 knows true and false; on, off, yes and no are texts"
_OWN_HINTS: Final = {"bool_type": _TRUTH, "bool_parsing": _TRUTH}
_PATTERN_HINTS: Final = {
    NAME: "a name has letters, digits, dots, dashes and underscores only",
    IDENTIFIER: "it has letters, digits and underscores only, and no digit first",
}
# What pydantic says of these speaks to programmers.
_OWN_WORDS: Final = {
    "model_type": "takes a mapping",
    "dict_type": "takes a mapping",
    "list_type": "takes a list",
    "string_type": "takes a text",
    "bool_type": "takes true or false",
    "bool_parsing": "takes true or false",
    "int_type": "takes a whole number",
    "int_parsing": "takes a whole number",
    "int_from_float": "takes a whole number",
    "float_type": "takes a number",
    "float_parsing": "takes a number",
}
_EMPTY: Final = ("too_short", "string_too_short")  # every list and text of ours may be of any size


def complaints(
    error: ValidationError,
    model: type[BaseModel],
    marked: MarkedYaml,
    place: Callable[[Path], Path],
    hidden: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    """One problem for each complaint. `place` turns a path in the model into one in the file.

    Values under the `hidden` keys are not shown: they may be secrets that were typed in.
    """
    for entry in error.errors(include_url=False):
        loc = tuple(part for part in entry["loc"] if part != "[key]")
        context: Mapping[str, Any] = entry.get("ctx", {})
        kind = entry["type"]
        path = place(loc)
        given = (
            _Hidden() if hidden.intersection(loc) and entry["input"] is not None else entry["input"]
        )
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
        elif "_" not in kind:
            where = marked.locate_key(path) if "of_key" in context else marked.locate(path)
            yield Problem(kind, entry["msg"], where, context.get("hint"))
        else:
            is_key = len(loc) < len(entry["loc"])
            yield Problem(
                "wrong-value",
                f"'{loc[-1]}' cannot be a key here"
                if is_key
                else _sentence(path, kind, entry["msg"], given),
                marked.locate_key(path) if is_key else marked.locate(path),
                f"its keys: {', '.join(_keys_at(model, loc))}"
                if kind == "model_type"
                else _hint(kind, context),
            )


def located(complaint: Complaint, marked: MarkedYaml, place: Callable[[Path], Path]) -> Problem:
    """The same complaint, where a person finds what it is about."""
    path = place(complaint.loc)
    given = "" if complaint.given is UNSAID else f", not {_shown(complaint.given)}"
    return Problem(
        complaint.code,
        f"'{complaint.name}' {complaint.message}{given}",
        marked.locate_key(path) if complaint.of_key else marked.locate(path),
        complaint.hint,
    )


class _Hidden:
    """Stands for a value that is not to be shown."""


def _sentence(path: Path, kind: str, said: str, given: Any) -> str:
    names = [part for part in path if isinstance(part, str)]
    name = f"'{names[-1]}'" if names else "it"
    if path and names and path[-1] != names[-1]:
        name = f"an item of {name}"
    if kind in _EMPTY:
        return f"{name} is empty"
    if kind == "string_pattern_mismatch":
        return f"{name} cannot be {_shown(given)}"
    said = said.removeprefix("Value error, ")
    said = _OWN_WORDS.get(kind) or f"{said[:1].lower()}{said[1:]}".removeprefix("input ")
    return f"{name} {said}, not {_shown(given)}"


def _hint(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return _PATTERN_HINTS.get(pattern, f"it has to match {pattern}")
    return _OWN_HINTS.get(kind)


def _keys_at(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys that the model nested at `loc` knows."""
    current: Any = model
    is_key = False  # of a mapping, which no model declares
    for part in loc:
        if isinstance(part, int) or is_key:
            is_key = False
            continue
        field = current.model_fields.get(part) if _is_model(current) else None
        current = next(_models_in(field.annotation), None) if field else None
        is_key = field is not None and typing.get_origin(field.annotation) is dict
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
    if isinstance(value, _Hidden):
        return "what is written there"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    limit = 60
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[:limit]}..."
