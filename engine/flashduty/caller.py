"""As much of Flashduty's client as it takes to read from it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Protocol

from engine.flashduty.client import Answer, FlashdutyError

PAGE: Final = 100  # the largest page of every list that is read here


class Caller(Protocol):
    """Calls operations."""

    async def call(self, path: str, parameters: Mapping[str, Any], /) -> Answer:
        """Raises FlashdutyError."""
        ...


async def items_behind_cursors(
    caller: Caller, path: str, parameters: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    """Every item of a list that is paged by `search_after_ctx`. Raises FlashdutyError.

    Fact: `total` stops counting at 1000, and page numbers at 10,000 items; the cursor does not.
    """
    cursor: Any = None
    while True:
        given = {**parameters, "limit": PAGE}
        answer = await caller.call(path, given if cursor is None else _at(given, cursor))
        items = items_of(answer, path)
        for item in items:
            yield item
        reached, cursor = cursor, answer.data.get("search_after_ctx")
        more = answer.data.get("has_next_page", len(items) == PAGE)
        if not (more and items and cursor and cursor != reached):
            return


async def items_of_pages(
    caller: Caller, path: str, parameters: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    """Every item of a list that is paged by numbers. Raises FlashdutyError."""
    page = 1
    while True:
        answer = await caller.call(path, {**parameters, "limit": PAGE, "p": page})
        items = items_of(answer, path)
        for item in items:
            yield item
        if not (items and answer.data.get("has_next_page")):
            return
        page += 1


def items_of(answer: Answer, path: str) -> list[Mapping[str, Any]]:
    """The items of a list. Raises FlashdutyError for an answer that has none."""
    items = answer.data.get("items") if isinstance(answer.data, Mapping) else None
    if items is None and isinstance(answer.data, Mapping):
        return []  # an empty list may be null
    if not isinstance(items, list):
        raise FlashdutyError("NoItems", f"{path} answered without items")
    return [item for item in items if isinstance(item, Mapping)]


def _at(parameters: Mapping[str, Any], cursor: Any) -> dict[str, Any]:
    return {**parameters, "search_after_ctx": cursor}
