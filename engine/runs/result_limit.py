"""How much of a step's result is kept, and how it is cut: long texts first, and always said."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

MOST: Final = 64 * 1024  # bytes of a result, as the JSON that the ledger keeps
LEAST: Final = 1024  # bytes: what would be left of a part with less says nothing; it is left out
DEEPEST: Final = 16  # levels that keep their form; what is below them becomes a text
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
_NOTE: Final = 1024  # bytes in which `cut` says what was cut


def cut_result(result: Any, most: int = MOST) -> Any:
    """The result, in at most `most` bytes of JSON (not less than 4 KiB).

    A result that fits is answered as it is. Of one that does not, the longest texts lose their
    middle, and of lists and mappings that are still too long only the first entries stay. The key
    `cut` says what is missing; a list is cut to {"value": ..., "cut": ...}, so that nothing takes
    it for the whole list. Of what `files` of the result names a file for, that is said.
    """
    if _is_small(result, most) or _size(result) <= most:
        return result
    files = result.get("files") if isinstance(result, Mapping) else None
    cutting = _Cutting(files if isinstance(files, Mapping) else {})
    if isinstance(result, str):
        return cutting.text(result, most, "")
    said = ""
    if isinstance(result, Mapping):
        said = str(result.get("cut") or "")
        result = {name: value for name, value in result.items() if name != "cut"}
    fitted = cutting.fit(result, most - _NOTE, "", 0)
    if not isinstance(fitted, dict):
        fitted = {"value": fitted}
    missing = f"larger than {most} bytes: {', '.join(cutting.notes)}"
    said = f"{said}; {missing}" if said else missing
    return {**fitted, "cut": _middle_cut(said, _NOTE - 64)}


@dataclass(frozen=True, slots=True)
class _Cutting:
    """One result being cut; `notes` says what is missing, a place each."""

    files: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)

    def fit(self, value: Any, most: int, path: str, depth: int) -> Any:
        if _size(value) <= most:
            return value
        if isinstance(value, Mapping) and depth < DEEPEST:
            names = list(value)
            costs = [_size(str(name)) + 2 for name in names]
            kept = self._entries(list(value.values()), costs, names, most, path, depth)
            return {names[index]: item for index, item in kept.items()}
        if isinstance(value, list | tuple) and depth < DEEPEST:
            names = [f"[{index}]" for index in range(len(value))]
            kept = self._entries(value, [1] * len(value), names, most, path, depth)
            return list(kept.values())
        return self.text(value if isinstance(value, str) else _json(value), most, path)

    def text(self, text: str, most: int, path: str) -> str:
        where = f": see files.{path}" if path in self.files else ""
        self.notes.append(f"{path or 'the text'} (of {len(text)} characters{where})")
        return _middle_cut(text, most)

    def _entries(
        self,
        items: Sequence[Any],
        costs: Sequence[int],  # bytes that an entry takes beside its value
        names: Sequence[Any],
        most: int,
        path: str,
        depth: int,
    ) -> dict[int, Any]:
        sizes = [_size(item) for item in items]
        room = most - 2  # its brackets
        kept: list[int] = []
        for index, (cost, size) in enumerate(zip(costs, sizes, strict=True)):
            least = cost + min(size, LEAST)
            if least > room:
                break
            room -= least
            kept.append(index)
        if len(kept) < len(items):
            self.notes.append(f"{path or 'the list'} ({len(kept)} of {len(items)} entries)")
        share = _share([sizes[index] for index in kept], room)
        return {
            index: self.fit(items[index], share, _below(path, names[index]), depth + 1)
            for index in kept
        }


def _share(sizes: Sequence[int], spare: int) -> int:
    """The size to which all larger ones are cut so that all of them take their LEAST and `spare`.

    What is smaller than that is not touched: the largest ones pay.
    """
    left = sum(min(size, LEAST) for size in sizes) + spare
    for count, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size * count > left:
            return left // count
        left -= size
    return max(sizes, default=0)


def _middle_cut(text: str, most: int) -> str:
    """The beginning and the end of a text, in at most `most` bytes of JSON."""
    if _size(text) <= most:
        return text
    fits, too_many = 0, min(len(text), most)  # characters: each is a byte or more
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _size(_ends(text, middle)) <= most:
            fits = middle
        else:
            too_many = middle
    return _ends(text, fits)


def _ends(text: str, characters: int) -> str:
    tail = characters // 2
    missing = len(text) - characters
    end = text[len(text) - tail :]
    return f"{text[: characters - tail]} ...[{missing} characters cut]... {end}"


def _below(path: str, name: Any) -> str:
    name = str(name)[:40]
    return name if not path else f"{path}{'' if name.startswith('[') else '.'}{name}"


def _json(value: Any) -> str:
    return _ENCODER.encode(value)


def _is_small(value: Any, most: int) -> bool:
    """Whether it surely fits, found out many times as fast: no JSON of it is four times longer."""
    try:
        return 4 * len(orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS)) <= most
    except TypeError:  # what is no JSON is measured as the text it is kept as
        return False


def _size(value: Any) -> int:
    return len(_json(value).encode("utf-8", "backslashreplace"))
