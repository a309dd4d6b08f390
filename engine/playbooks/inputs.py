"""What a playbook is handed when it is called: declared, checked, and completed by defaults."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.playbooks.deferred import Deferred
from engine.playbooks.playbook import NO_DEFAULT, Input
from engine.playbooks.template import Template


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "string": ("a text", lambda value: isinstance(value, str)),
    "number": ("a number", _is_number),
    "integer": ("a whole number", _is_integer),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "object": ("a mapping", lambda value: isinstance(value, Mapping)),
}


def is_of(type_: str, value: object) -> bool:
    """Whether a value is of a declared type; what is not known yet may become so."""
    return isinstance(value, Deferred) or _TYPES[type_][1](value)


def named(type_: str) -> str:
    """A declared type, as people say it."""
    return _TYPES[type_][0]


def needs_rendering(value: Any) -> bool:
    """Whether a value has a template in it, and is not what it will be."""
    if isinstance(value, Template):
        return True
    if isinstance(value, Mapping):
        return any(needs_rendering(item) for item in value.values())
    return isinstance(value, list) and any(needs_rendering(item) for item in value)


def complete(declared: Mapping[str, Input], given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the playbook sees them. Raises ValueError for one of the wrong type."""
    values: dict[str, Any] = {}
    for name, one in declared.items():
        values[name] = given.get(name, None if one.default is NO_DEFAULT else one.default)
        if name in given and not is_of(one.type, values[name]):
            raise ValueError(f"'{name}' takes {named(one.type)}, not {values[name]!r}")
    return values
