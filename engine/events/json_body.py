"""Reads the body of a request: one JSON object, parsed once, within bounds.

What another reader could understand differently is refused: a key that is there twice, a NUL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from engine.events.source import Refusal

DEEPEST: Final = 100  # levels; far beyond Flashduty's bodies, and they can be written down again
ITEMS: Final = 100_000  # keys and list items; about as many as fit into 4 MiB of alerts

_MARKS: Final = b"[{:,"
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in _MARKS)

# An escape, not a backslash that is itself escaped and followed by the letter u.
_ESCAPED_COLON: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u003[aA]")
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How deep and how large what is in a body may be."""

    depth: int = DEEPEST
    items: int = ITEMS


def read_object(body: bytes, limits: BodyLimits) -> dict[str, Any] | Refusal:
    """The object in the body, or why it is not taken. Never raises, whatever the body holds."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return Refusal(400, "not-json", f"the body is not JSON: {error}")
    if not isinstance(payload, dict):
        return Refusal(422, "not-flashduty", "the body has to be a JSON object")
    return _beyond(body, payload, limits) or payload


def _beyond(body: bytes, payload: dict[str, Any], limits: BodyLimits) -> Refusal | None:
    # Few brackets, commas and colons need no walk through the body.
    opened = body.count(b"[") + body.count(b"{")
    if opened > limits.depth and _is_deeper(payload, limits.depth):
        return Refusal(
            400, "too-deep", f"the body is nested deeper than {limits.depth} levels (limits.depth)"
        )
    if _marks(body, limits.items) > limits.items and _count(payload) > limits.items:
        return Refusal(
            413,
            "too-many-items",
            f"the body has more than {limits.items} keys and list items (limits.items)",
        )
    escaped = b"\\" in body and b"\\u00" in body  # most bodies have no backslash at all
    if escaped and _ESCAPED_NUL.search(body):
        return Refusal(400, "nul", "the body holds a NUL character (\\u0000)")
    # A colon stands behind each key, and in texts. Written again, what the parser kept has just as
    # many; of equal keys it keeps the last, and each that is gone took one with it, at the least.
    colons = body.count(b":") + (len(_ESCAPED_COLON.findall(body)) if escaped else 0)
    if orjson.dumps(payload).count(b":") != colons:
        return Refusal(400, "duplicate-key", "an object in the body has the same key twice")
    return None


def _marks(body: bytes, enough: int) -> int:
    """Of the marks that each key and each item has, how many there are at the most."""
    return len(body) if len(body) <= enough else len(body.translate(None, _NO_MARKS))


def _children(level: list[Any]) -> Iterator[Any]:
    for node in level:
        yield from node.values() if isinstance(node, dict) else node


def _is_deeper(payload: dict[str, Any], depth: int) -> bool:
    level: list[Any] = [payload]
    for _ in range(depth):
        level = [child for child in _children(level) if isinstance(child, (dict, list))]
    return bool(level)


def _count(payload: dict[str, Any]) -> int:
    count = 0
    level: list[Any] = [payload]
    while level:
        count += sum(map(len, level))
        level = [child for child in _children(level) if isinstance(child, (dict, list))]
    return count
