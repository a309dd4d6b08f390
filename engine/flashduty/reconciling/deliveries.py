"""Flashduty's record of the webhooks it sent: which of them did not reach us, and what they said.

Facts: `/webhook/history/list|detail` keep incident and alert webhooks for 7 days, times in
milliseconds. A record's `event_id` is another one than that of the body that was sent; the body is
in the detail. The history also has what went to other people's endpoints.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from engine.events.event import Event
from engine.flashduty.caller import Caller, items_behind_cursors
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.missed import DAY, GONE, SAME_MOMENT, Span, missed

KEPT: Final = 7 * DAY  # how far back the history goes
_LIST: Final = "/webhook/history/list"
_DETAIL: Final = "/webhook/history/detail"

Read = Callable[[str, bytes], Event | None]
"""(kind of webhook: `incident` or `alert`, body) -> the event in it; None: it has none."""
Known = Callable[[str, str, int, int], Awaitable[Sequence[Event]]]
"""As `MissedEvents.known`."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What was sent to us, of which some did not arrive."""

    caller: Caller
    read: Read
    known: Known

    async def missed(self, span: Span) -> AsyncIterator[Event]:
        """What was sent in this span and is not known, oldest first. Raises FlashdutyError."""
        span = Span(max(span.since, span.until - KEPT), span.until)
        times = {"start_time": int(span.since * 1000), "end_time": int(span.until * 1000)}
        wanted = {**times, "asc": True, "orderby": "event_time"}
        async for record in items_behind_cursors(self.caller, _LIST, wanted):
            if not _is_ours(record) or await self._arrived(record):
                continue
            event = await self._event_of(record)
            if event is not None:
                yield missed(event)

    async def _arrived(self, record: Mapping[str, Any]) -> bool:
        """Whether what was delivered well is here; a restored database may be behind it."""
        if record.get("status") != "success":
            return False
        kind, id_, type_ = (record.get(name) for name in ("webhook_type", "ref_id", "event_type"))
        time = _milliseconds(record.get("event_time"))
        if time is None:
            return False
        # A record and the body it is of may differ by a little.
        around = (time - SAME_MOMENT, time + SAME_MOMENT)
        return bool(await self.known(f"{kind}:{id_}", str(type_), *around))

    async def _event_of(self, record: Mapping[str, Any]) -> Event | None:
        body = record.get("request_body")
        if not body:
            body = (await self._detail(record)).get("request_body")
        if not isinstance(body, str) or not body:
            return None
        return self.read(str(record.get("webhook_type")), body.encode())

    async def _detail(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The whole record; nothing of one that became too old since the list was read."""
        wanted = {name: record.get(name) for name in ("event_id", "integration_id")}
        try:
            answer = await self.caller.call(_DETAIL, wanted)
        except FlashdutyError as error:
            if error.code == GONE:
                return {}
            raise
        if not isinstance(answer.data, Mapping):
            raise FlashdutyError("NoDetail", f"{_DETAIL} answered without a record")
        return answer.data


def _is_ours(record: Mapping[str, Any]) -> bool:
    """By the path: what stands before it is the reverse proxy's to choose."""
    path = urlsplit(str(record.get("endpoint", ""))).path.rstrip("/")
    return path.endswith(
        {"alert": "/flashduty/alerts"}.get(str(record.get("webhook_type")), "/flashduty/incidents")
    )


def _milliseconds(text: Any) -> int | None:
    """A record's time, which is a text with an offset, as every event has it."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None
