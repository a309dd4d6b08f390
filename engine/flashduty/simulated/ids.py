"""Ids of the shapes Flashduty gives out, in an order that every rehearsal repeats.

Made of the clock and a counter, never of chance: the same story gives the same ids.
"""

from collections.abc import Callable
from itertools import count

from ulid_transform import bytes_to_ulid


class SimulatedIds:
    """A source of fresh ids for one simulated account."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counter = count(1)

    def object_id(self) -> str:
        """Give 24 hex digits, as incidents, alerts, fields and deploy changes have."""
        return f"{int(self._clock()) & 0xFFFFFFFF:08x}{next(self._counter):016x}"

    def event_id(self) -> str:
        """Give 32 hex digits, as the events of webhooks have in their payload."""
        return f"{int(self._clock() * 1000):016x}{next(self._counter):016x}"

    def number(self) -> int:
        """Give an int64 above 2^31 and below 2^53, as status page events have (trap 13)."""
        return 6_294_539_747_000 + next(self._counter)

    def ulid(self) -> str:
        """Give a ULID, as requests, components and status page updates have."""
        number = (int(self._clock() * 1000) << 80) | next(self._counter)
        return bytes_to_ulid(number.to_bytes(16, "big"))
