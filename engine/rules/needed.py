"""Whether a document has what a trigger needs: looked up there, without asking the trigger."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.rules.condition import is_true
from engine.rules.needs import AllOf, Fact, Mark, Need, OneOf, Path, Value, told_apart


def has(document: Mapping[str, Any], need: Need) -> bool:
    """False only where the trigger would say a plain no. Nothing of it may be `Undecided`."""
    if isinstance(need, Fact):
        path, wanted = need
        if Mark.EACH in path:
            return any(_is(value, wanted) for value in _all_at(document, path))
        return _is(_at(document, path), wanted)
    if isinstance(need, AllOf):
        return all(has(document, part) for part in need.needs)
    if isinstance(need, OneOf):
        return any(has(document, part) for part in need.needs)
    return not _is(_at(document, need.path), need.value)


def _is(value: Any, wanted: Value) -> bool:
    if wanted is Mark.THERE:
        return value is not None
    if wanted is Mark.SO:
        return is_true(value)
    return told_apart(value) == wanted


def _at(value: Any, path: Path) -> Any:
    """What stands at the end of a path; None for nothing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        elif isinstance(step, int) and isinstance(value, list):
            value = value[step] if -len(value) <= step < len(value) else None
        else:
            return None
        if value is None:
            return None
    return value


def _all_at(value: Any, path: Path) -> Iterator[Any]:
    """The same where EACH in the path stands for any item."""
    place = path.index(Mark.EACH)
    items = _at(value, path[:place])
    if not isinstance(items, list):
        return
    rest = path[place + 1 :]
    for item in items:
        if Mark.EACH in rest:
            yield from _all_at(item, rest)
        else:
            yield _at(item, rest)
