"""What handlers of several nouns do: windows of time, pages, cursors, and texts that are asked for.

A handler gets the account and parameters that their rules have let through; it gives the answer's
`data` or raises `RefusalError`. Sources: the operations in reference 2.1 and 2.5 to 2.12.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.refusal import RefusalError

Call = Mapping[str, Any]
Handler = Callable[[SimulatedAccount, Call], Any | Awaitable[Any]]

DAY: Final = 24 * 3600
LONGEST_WINDOW: Final = 31 * DAY
_DEEPEST_PAGE: Final = 10_000  # p * limit (reference 2.1)
_COUNTED: Final = 1000  # `total` is exact below this, then always this


def window(
    call: Call, *, start: str = "start_time", end: str = "end_time", longest: int | None = None
) -> tuple[int, int]:
    """Give the window of a call, in the units of its parameters; `longest` is in them too."""
    first, last = call[start], call[end]
    if last <= first:
        raise RefusalError.parameter(f"{end} must be greater than {start}.")
    if longest is not None and last - first > longest:
        raise RefusalError.parameter(f"{end} must be at most {longest // DAY} days after {start}.")
    return first, last


def page(items: Sequence[Any], call: Call, *, size: int = 20) -> dict[str, Any]:
    """Give the page that a call's `p` and `limit` ask for; `size` is the limit's default."""
    place, limit = max(call.get("p") or 1, 1), max(call.get("limit") or size, 1)
    if place * limit > _DEEPEST_PAGE:
        raise RefusalError.parameter(f"p times limit must be at most {_DEEPEST_PAGE}.")
    return {
        "items": list(items[(place - 1) * limit : place * limit]),
        "total": min(len(items), _COUNTED),
        "has_next_page": place * limit < len(items),
    }


def page_after(items: Sequence[dict[str, Any]], call: Call, id_name: str) -> dict[str, Any]:
    """Give a page by `search_after_ctx`, which here is the id of the last item of the one before.

    A cursor goes forward from where it stands, not from a page.
    """
    cursor = call.get("search_after_ctx")
    if cursor:
        ids = [one[id_name] for one in items]
        if cursor not in ids:
            raise RefusalError.parameter("search_after_ctx is no cursor of this list.")
        items, call = items[ids.index(cursor) + 1 :], {**call, "p": 1}
    found = page(items, call)
    last = found["items"][-1:]
    return {**found, "search_after_ctx": last[0][id_name]} if last else found


def in_order(items: Sequence[dict[str, Any]], call: Call, by: str, id_name: str) -> list[Any]:
    """Sort by what `by` names, newest first unless `asc`; equal ones by their id."""
    return sorted(
        items, key=lambda one: (one[by], one[id_name]), reverse=not call.get("asc", False)
    )


def pattern(query: str) -> re.Pattern[str]:
    """Read a `query`, which may be text or a regular expression: what is no expression is text."""
    try:
        return re.compile(query, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(query), re.IGNORECASE)
