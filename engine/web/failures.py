"""Refuses those sooner who keep showing a wrong token, each address by itself.

It never stands in the way of a right token: Flashduty repeats no refused delivery, and behind one
proxy everybody has the same address. So it saves work and lines in the log, and makes no short
token safe: a token is made of 24 random bytes, not of a word.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from engine.events.senders import address_of
from engine.events.source import Refusal

MOST: Final = 20  # failures of an address in a minute, before it is refused sooner
MINUTE: Final = 60.0
ADDRESSES: Final = 1024  # that are remembered; the one heard of first is forgotten first


@dataclass(slots=True)
class Failures:
    """The failures of this minute. `clock` is in seconds, and never goes back."""

    clock: Callable[[], float]
    _of: dict[str, tuple[float, int]] = field(default_factory=dict)

    def judge(self, client: str | None, refusal: Refusal) -> tuple[Refusal, bool]:
        """What is said of a refusal, and whether the log is to be told of it."""
        if refusal.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return refusal, True
        count = self._add(_key(client))
        if count <= MOST:
            return refusal, True
        said = f"{client} was refused {MOST} times within a minute: check its token and address"
        return Refusal(429, "too-many-failures", said), count == MOST + 1

    def _add(self, key: str) -> int:
        now = self.clock()
        since, count = self._of.pop(key, (now, 0))
        if now - since >= MINUTE:
            since, count = now, 0
        if len(self._of) >= ADDRESSES:
            del self._of[next(iter(self._of))]
        self._of[key] = (since, count + 1)
        return count + 1


def _key(client: str | None) -> str:
    """One sender: who has an IPv6 address has all of its /64."""
    address = address_of(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)
