"""The values that a rehearsal could not know, found where it shows them by their names."""

import re
from collections.abc import Iterable
from typing import Final

import orjson

_SHOWN: Final = re.compile(r"‹((?:steps[./]|on_|finally/|item\b|index\b|\{[{%])[^‹›]*)›")
_OF_STEP: Final = re.compile(r"\bsteps\.(\w+)")


def unknowns_in(shown: Iterable[object]) -> tuple[str, ...]:
    """The names in data and sentences as they are shown, each once, in their order."""
    found = (name for one in shown for name in _SHOWN.findall(_text(one)))
    return tuple(dict.fromkeys(found))


def steps_of(unknowns: Iterable[str]) -> tuple[str, ...]:
    """The ids of the steps that such values come from."""
    return tuple(dict.fromkeys(id_ for name in unknowns for id_ in _OF_STEP.findall(name)))


def _text(one: object) -> str:
    return one if isinstance(one, str) else orjson.dumps(one, default=str).decode()
