"""The promise a source keeps: it says who may send, and reads what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.events.event import Event


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one HTTP request, as far as a source needs it. Header names are lower case."""

    action: str | None
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client: str | None  # the peer's address


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken: the HTTP status and what its JSON answer says.

    Flashduty repeats no refused delivery, so a refusal is final: refuse only what cannot be used.
    """

    status: int
    code: str
    message: str


class Source(Protocol):
    """Turns raw requests into events.

    Rules: `admit` is asked before a byte of the body is read and decides on the head alone,
    comparing secrets in constant time; `read` never raises for a body, whatever it holds; fields
    and event types it does not know are kept, not refused.
    """

    @property
    def name(self) -> str:
        """The `event.source` of what it reads."""
        ...

    def admit(self, request: Request) -> Refusal | None:
        """None when the sender may send this kind of request."""
        ...

    def read(self, request: Request, body: bytes, *, id_: str, received: float) -> Event | Refusal:
        """The event in the body, or why there is none."""
        ...
