"""What a simulated account remembers of its deliveries: /webhook/history/list and /detail.

One record an attempt ("unique event identifier for the delivery attempt"), kept for 7 days;
incident and alert webhooks only. Its `event_id` is not the payload's (reference 1.6).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, Final

import orjson

from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.webhooks import Delivery

_KEPT: Final = 7 * 24 * 3600 * 1000
_OFFSET: Final = timezone(timedelta(hours=8))  # as in the vendor's example


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt at a delivery went. `status` is 0 when there was no answer."""

    number: int
    status: int
    milliseconds: int
    error: str = ""
    headers: Mapping[str, str] | None = None
    body: str = ""

    @property
    def succeeded(self) -> bool:
        """Say whether it did: 200 is the only success there is."""
        return self.status == 200  # noqa: PLR2004 - the vendor's number, not a status class


class WebhookHistory:
    """The attempts of one account, oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counter = count(1)
        self._records: list[dict[str, Any]] = []

    def add(self, delivery: Delivery, attempt: Attempt) -> None:
        at = datetime.fromtimestamp(delivery.event_time / 1000, _OFFSET)
        webhook = delivery.webhook
        sent = {"Content-Type": "application/json", **webhook.headers}
        self._records.append(
            {
                "integration_id": webhook.integration_id,
                "event_id": f"{at:%Y%m%d}X{next(self._counter):020d}",
                "webhook_type": webhook.kind,
                "event_type": delivery.event_type,
                "channel_id": delivery.channel_id,
                "ref_id": delivery.ref_id,
                "request_headers": orjson.dumps(sent).decode(),
                "request_body": delivery.body.decode(),
                "endpoint": webhook.url,
                "attempt": attempt.number,
                "duration": attempt.milliseconds,
                "status": "success" if attempt.succeeded else "failed",
                "status_code": attempt.status,
                "error_message": attempt.error,
                "response_headers": orjson.dumps(dict(attempt.headers or {})).decode(),
                "response_body": attempt.body,
                "event_time": at.isoformat(timespec="microseconds"),
                "_ms": delivery.event_time,
            }
        )

    def page(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Give what /webhook/history/list asks for: newest first, with a cursor."""
        start, end = call["start_time"], call["end_time"]
        if end <= start:
            raise RefusalError.parameter("end_time must be greater than start_time.")
        found = [one for one in self._kept() if start <= one["_ms"] <= end and _fits(one, call)]
        found.sort(key=lambda one: (one["_ms"], one["event_id"]), reverse=not call.get("asc"))
        total = len(found)
        if cursor := call.get("search_after_ctx"):
            places = [place for place, one in enumerate(found) if one["event_id"] == cursor]
            if not places:
                raise RefusalError.parameter("search_after_ctx is no cursor of this list.")
            found = found[places[0] + 1 :]
        items = found[: call["limit"]]
        more = len(found) > len(items)
        return {
            "items": [_shown(one) for one in items],
            "total": total,
            "search_after_ctx": items[-1]["event_id"] if more else "",
        }

    def detail(self, event_id: str, integration_id: int) -> dict[str, Any]:
        for one in self._kept():
            if (one["event_id"], one["integration_id"]) == (event_id, integration_id):
                return _shown(one)
        raise RefusalError.not_found(f"event_id {event_id}")

    def _kept(self) -> Sequence[dict[str, Any]]:
        oldest = self._clock() * 1000 - _KEPT
        return [one for one in self._records if one["_ms"] >= oldest]


def _fits(record: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
    types = call.get("event_types")
    same = ("ref_id", "integration_id", "status")
    return (not types or record["event_type"] in types) and all(
        record[name] == call[name] for name in same if call.get(name)
    )


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in record if name != "_ms"}
