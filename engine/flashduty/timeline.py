"""Looks up in an incident's timeline whether a comment was written after all.

Facts: /incident/comment answers no id of what it made and takes no idempotency key, so its text has
to be recognised. The server trims it. The vendor's own command line looks in the same way, and
writes nothing again after a miss: the comment may still come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from engine.flashduty.answer import FlashdutyError
from engine.flashduty.client import FlashdutyClient

_BEFORE_EACH_LOOK: Final = (0.0, 1.0, 3.0)  # seconds
_PAGES: Final = 20
_PER_PAGE: Final = 100
_CLOCKS_APART: Final = 5.0  # seconds that Flashduty's clock may be behind ours


@dataclass(frozen=True, slots=True)
class SentComment:
    """A comment of which nobody knows whether it was written. `since` is Unix seconds."""

    incidents: tuple[str, ...]
    text: str
    since: float

    @classmethod
    def of(cls, parameters: Mapping[str, Any], since: float) -> Self | None:
        """The comment in the parameters of /incident/comment, if they make sense."""
        incidents, text = parameters.get("incident_ids"), parameters.get("comment")
        if not isinstance(incidents, Sequence) or isinstance(incidents, str) or not incidents:
            return None
        if not isinstance(text, str) or not text.strip():
            return None
        return cls(tuple(str(incident) for incident in incidents), text.strip(), since)


@dataclass(frozen=True, slots=True)
class Found:
    """What the look-up saw. `missing` are the incidents whose timeline does not have it."""

    missing: tuple[str, ...]
    request_id: str | None = None
    trouble: str | None = None  # why it could not be looked up to the end


async def look_up(
    client: FlashdutyClient, comment: SentComment, *, caller: str, deadline: float
) -> Found:
    """Look a few times for what the engine's own member wrote since then: at once, and later.

    A comment of the same text that the same member wrote within the same seconds is taken for it.
    """
    missing, request_id = comment.incidents, None
    for pause in _BEFORE_EACH_LOOK:
        if pause and not await client.pause(pause, deadline):
            break
        for incident in missing:
            try:
                found, request_id = await _look(client, incident, comment, caller, deadline)
            except FlashdutyError as error:
                return Found(missing, request_id, str(error))
            if found:
                missing = tuple(one for one in missing if one != incident)
        if not missing:
            break
    return Found(missing, request_id)


async def _look(
    client: FlashdutyClient, incident: str, comment: SentComment, caller: str, deadline: float
) -> tuple[bool, str | None]:
    """One look at one timeline, page by page to where the comment would be older.

    Asked for the newest first. The specification's own example shows the oldest first all the
    same, so only a page that is seen to go back in time ends the search.
    """
    oldest = (comment.since - _CLOCKS_APART) * 1000
    asked = {"incident_id": incident, "types": ["i_comm"], "asc": False, "limit": _PER_PAGE}
    request_id = None
    for page in range(1, _PAGES + 1):
        asked["p"] = page
        answer = await client.call("incident/feed", asked, caller=caller, deadline=deadline)
        request_id = answer.request_id
        data = answer.data if isinstance(answer.data, Mapping) else {}
        items = data.get("items")
        entries = [item for item in items or [] if isinstance(item, Mapping)]
        times = [_time(entry) for entry in entries]
        member = client.own_member()
        for entry, at in zip(entries, times, strict=True):
            if at >= oldest and _is(entry, comment.text, member):
                return True, request_id
        goes_back = bool(times) and times[0] > times[-1] and times[-1] < oldest
        if goes_back or not data.get("has_next_page"):
            break
    return False, request_id


def _time(entry: Mapping[str, Any]) -> float:
    """When it was made, in milliseconds."""
    at = entry.get("created_at")
    return at if isinstance(at, int | float) else 0.0


def _is(entry: Mapping[str, Any], text: str, member: int | None) -> bool:
    detail = entry.get("detail")
    said = detail.get("comment") if isinstance(detail, Mapping) else None
    return (
        entry.get("type") == "i_comm"
        and isinstance(said, str)
        and said.strip() == text
        and (member is None or entry.get("creator_id") == member)
    )
