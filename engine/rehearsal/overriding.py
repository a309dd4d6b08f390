"""Changes an event's body where a case says so: `labels.resource: web-1`, `person: null`.

A path is as in a condition: names with dots between, in double quotes where they hold dots
themselves, `[0]` for a place in a list. The short names of the document are understood.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from engine.problem import Complaint, nearest

_PART: Final = re.compile(r'(?:^|\.)(?:"([^"]+)"|([^."\[\]]+))|\[(\d+)\]')
_BODY: Final = ("event_id", "event_time", "event_type", "incident", "alert", "person")
_SHORT: Final = ("labels", "fields", "severity", "status", "title", "channel", "alerts")
_FREE: Final = ("labels", "fields")  # of which nobody knows the names beforehand

Parts = tuple[str | int, ...]


def overridden(
    body: Mapping[str, Any], changes: Mapping[str, Any], known: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[Complaint]]:
    """The body with its changes, and what is wrong with them. Null takes a field away.

    `known` are bodies whose fields may stand in this one, too.
    """
    changed = deepcopy(dict(body))
    complaints: list[Complaint] = []
    for path, value in changes.items():
        parts = _parts(path)
        if not parts:
            hint = "it is written like labels.resource or alerts[0].title"
            complaints.append(_complaint(path, "is no path", hint))
            continue
        parts = _whole(parts, changed)
        said = _strange(parts, [changed, *known])
        if said is not None:
            complaints.append(_complaint(path, "is a field that no such body has", said))
        elif not _change(changed, parts, deepcopy(value)):
            complaints.append(_complaint(path, "leads nowhere in this body", None))
    return changed, complaints


def _complaint(path: str, said: str, hint: str | None) -> Complaint:
    return Complaint("no-such-field", (path,), said, hint=hint, of_key=True)


def _parts(path: str) -> Parts:
    found = list(_PART.finditer(path))
    if "".join(one[0] for one in found) != path:
        return ()
    return tuple(int(one[3]) if one[3] is not None else one[1] or one[2] for one in found)


def _whole(parts: Parts, body: Mapping[str, Any]) -> Parts:
    """A short name of the document, as the place in the body that it stands for."""
    about = "incident"
    if "result_label_keys" in body:
        about = "event"
    elif isinstance(body.get("alert"), dict):
        about = "alert"
    short: Mapping[str | int, Parts] = {
        "labels": (about, "labels"),
        "title": (about, "title"),
        "severity": (about, f"{about}_severity"),
        "status": (about, f"{about}_status"),
        "channel": (about, "channel_name"),
        "fields": ("incident", "fields"),
        "alerts": ("incident", "alerts"),
    }
    return (*short.get(parts[0], parts[:1]), *parts[1:])


def _strange(parts: Parts, bodies: Sequence[Mapping[str, Any]]) -> str | None:
    """What to say of a field that no body has: nothing would ever read it."""
    here: list[Any] = list(bodies)
    more: Sequence[str] = (*_BODY, *_SHORT)
    for part in parts:
        known = {str(name) for one in here if isinstance(one, Mapping) for name in one} | {*more}
        if isinstance(part, str) and known and part not in known:
            return nearest(part, sorted(known)) or ""
        if part in _FREE:
            return None
        here, more = [found for one in here for found in _within(one, part)], ()
    return None


def _within(value: Any, part: str | int) -> list[Any]:
    if isinstance(value, Mapping) and part in value:
        return [value[part]]
    return value[:1] if isinstance(value, list) and isinstance(part, int) else []


def _change(body: dict[str, Any], parts: Parts, value: Any) -> bool:
    """Put it there, and make what is around it where there is nothing; False: that cannot be."""
    here: Any = body
    for part in parts[:-1]:
        if isinstance(here, dict) and here.get(str(part)) is None:
            here[str(part)] = {}
        if not _has_room(here, part):
            return False
        here = here[part]
    last = parts[-1]
    if not _has_room(here, last):
        return False
    if value is not None:
        here[last] = value
    elif isinstance(here, dict):
        here.pop(str(last), None)
    else:
        del here[last]
    return True


def _has_room(value: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(value, list) and part < len(value)
    return isinstance(value, dict)
