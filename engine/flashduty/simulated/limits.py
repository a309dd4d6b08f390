"""How many calls an account may make: the vendor's numbers of reference 2.3.

Whether the account's number is for all operations together or for each of them is not documented;
here it is for all together, the stricter reading. Pushes count for their integration instead.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Final

_SECOND: Final = 1.0
_MINUTE: Final = 60.0
# Calls in any minute, calls in any second.
_ACCOUNT: Final = (1000, 50)
_INTEGRATION: Final = (1000, 100)
_STRICTER: Final[Mapping[str, tuple[int, int]]] = {
    "/incident/past/list": (100, 20),
    "/schedule/preview": (60, 10),
}


class RateLimits:
    """Counts calls over the last minute and the last second; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def admit(self, path: str, *, integration_key: str | None = None) -> bool:
        """Count a call, or say that it is one too many, which is then not counted."""
        if integration_key is not None:
            buckets = {f"integration {integration_key}": _INTEGRATION}
        else:
            buckets = {"account": _ACCOUNT}
            if path in _STRICTER:
                buckets[path] = _STRICTER[path]
        now = self._clock()
        if not all(self._has_room(name, now, *most) for name, most in buckets.items()):
            return False
        for name in buckets:
            self._calls[name].append(now)
        return True

    def _has_room(self, name: str, now: float, minute: int, second: int) -> bool:
        calls = self._calls[name]
        while calls and calls[0] <= now - _MINUTE:
            calls.popleft()
        # The call that has to be a second old for one more to fit.
        recent = len(calls) >= second and calls[-second] > now - _SECOND
        return len(calls) < minute and not recent
