"""Durations and sizes as people write them: `500ms`, `1h30m`, `64KiB`."""

import re
from typing import Final

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MILLISECONDS: Final = 1000  # of a second
_BYTES: Final = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(B|KiB|MiB|GiB|KB|MB|GB)")
_YEAR: Final = 366 * 86400.0
_LARGEST: Final = 1024**4


def parse_duration(text: object) -> float:
    """Seconds. Raises ValueError with what to write instead: a bare number has no unit."""
    if not isinstance(text, str):
        shown = "nothing" if text is None else repr(text)
        raise ValueError(f"a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is {shown}")  # noqa: TRY004 - pydantic turns ValueError into a located problem
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    order = [unit for unit in ("d", "h", "m", "s", "ms") if unit in units]
    if not parts or "".join(number + unit for number, unit in parts) != text or units != order:
        raise ValueError(f"a duration is written like 500ms, 90s, 10m or 1h30m, not '{text}'")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _YEAR:
        raise ValueError(f"'{text}' is more than a year")
    return seconds


def parse_size(text: object) -> int:
    """Bytes. Raises ValueError with what to write instead."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        shown = "nothing" if text is None else repr(text)
        raise ValueError(f"a size is written like 512B, 64KiB or 1MiB, not {shown}")
    size = float(match[1]) * _BYTES[match[2]]
    if size > _LARGEST:
        raise ValueError(f"'{text}' is more than 1024GiB")
    return int(size)


def format_duration(seconds: float) -> str:
    """The shortest way a person would write it: `340ms`, `2.5s`, `1h30m`."""
    if round(seconds * 1000) < _MILLISECONDS:
        return f"{round(seconds * 1000)}ms"
    if round(seconds, 1) < _SECONDS["m"]:
        return f"{seconds:.1f}".rstrip("0").removesuffix(".") + "s"
    left = round(seconds)
    shown = ""
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, int(_SECONDS[unit]))
        shown += f"{count}{unit}" if count else ""
    return shown


def format_size(size: int) -> str:
    """Bytes as a person would write them: `512B`, `64KiB`, `1.5GiB`."""
    for unit in ("GiB", "MiB", "KiB"):
        if size >= _BYTES[unit]:
            return f"{size / _BYTES[unit]:.1f}".removesuffix(".0") + unit
    return f"{size}B"
