"""Values as people see them in an explanation: never more of one than it takes to understand it."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from engine.rules.undecided import Undecided

MOST_CHARACTERS: Final = 200  # of a text
MOST_ITEMS: Final = 5  # of a list
MOST_KEYS: Final = 12  # of a mapping
MOST_LEVELS: Final = 4  # of lists and mappings in one another
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_IN_PLACE: Final = 60  # characters of a value that stands in the place of a part
_TOO_DEEP: Final = "nested too deeply to show"


def shortened(value: Any, level: int = 0) -> Any:
    """The value as data for JSON, where `... and 12 more` stands for what is left out."""
    if isinstance(value, Undecided):
        return str(value)
    if isinstance(value, str):
        return _cut(value, MOST_CHARACTERS)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if level == MOST_LEVELS:
        return "..."
    most = MOST_KEYS if isinstance(value, Mapping) else MOST_ITEMS
    more = f"... and {len(value) - most} more" if len(value) > most else None
    if isinstance(value, Mapping):
        kept = {str(key): shortened(it, level + 1) for key, it in islice(value.items(), most)}
        return kept if more is None else {**kept, "...": more.removeprefix("... ")}
    items = [shortened(item, level + 1) for item in value[:most]]
    return items if more is None else [*items, more]


def as_text(value: Any) -> str:
    """A value in a sentence, as JSON."""
    try:
        text = _ENCODER.encode(value)
    except RecursionError:
        return _TOO_DEEP
    return _cut(text, MOST_CHARACTERS)


def in_place(value: Any) -> str:
    """A value in the place of the expression it is the value of."""
    if isinstance(value, str):
        return f"'{_cut(value, _IN_PLACE)}'"
    return _cut(_ENCODER.encode(shortened(value)), _IN_PLACE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
