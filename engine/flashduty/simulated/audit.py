"""The audit log of a simulated account: every call is in it, with its body (reference 2.1)."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

_LONGEST_BODY: Final = 10 * 1024  # characters of a body that are kept
_KEPT: Final = 10_000  # calls
_READING: Final = (
    *("info", "infos", "list", "list-by-ids", "feed", "search", "detail", "self", "preview"),
    *("status", "default-observers"),
)


class AuditLog:
    """Keeps the last calls of the app key's own member, oldest first."""

    def __init__(self, clock: Callable[[], float], account_id: int) -> None:
        self._clock = clock
        self._account_id = account_id
        self._calls: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def record(
        self,
        path: str,
        body: Mapping[str, Any],
        request_id: str,
        person: Mapping[str, Any] | None,
    ) -> None:
        """Add a call that was answered, and who made it."""
        operation = path.strip("/").replace("/", ":")
        self._calls.append(
            {
                "created_at": int(self._clock() * 1000),
                "account_id": self._account_id,
                "member_id": person["person_id"] if person else 0,
                "member_name": person["person_name"] if person else "",
                "request_id": request_id,
                "ip": "127.0.0.1",
                "operation": operation,
                "operation_name": operation,
                "body": orjson.dumps(body).decode()[:_LONGEST_BODY],
                "params": [],
                "is_dangerous": False,
                "is_write": path.rpartition("/")[2] not in _READING,
            }
        )

    def all(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._calls]
