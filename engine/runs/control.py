"""What is said to a run while it is going on: stop, hold, or what a person has decided."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

EVERYTHING: Final = ""  # the name by which all playbooks are paused


class Verb(Enum):
    """What a person can say to a run."""

    CANCEL = "cancel"  # end it; `finally` is carried out
    CLOSE = "close"  # its incident is closed: end it; `on_resolved` and `finally` are carried out
    RETRY = "retry"  # the step that needs attention: perform it again
    SKIP = "skip"  # go on as if it had been skipped
    FAIL = "fail"  # it has failed
    APPROVE = "approve"  # the step that waits for an approval: go on
    REJECT = "reject"  # it has failed


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that a person said, as it is kept in the ledger. Times are Unix seconds."""

    seq: int  # the place in the order in which they were given
    run_id: str
    verb: Verb
    by: str  # who said it
    at: float
    path: str | None = None  # which step; None: the one that waits


@dataclass(frozen=True, slots=True)
class Pause:
    """A playbook of which nothing more begins. Times are Unix seconds."""

    playbook: str  # EVERYTHING: all of them
    by: str  # who said so
    at: float
    reason: str | None = None

    @property
    def said(self) -> str:
        """Why nothing begins."""
        return f"paused by {self.by}" + (f": {self.reason}" if self.reason else "")


@dataclass(slots=True)
class Control:
    """One run's ear. `changed` is set after every change, and cleared by the run when it looks."""

    stopping: asyncio.Event  # of the engine: begin nothing more
    playbook: str = ""  # whose run it is
    paused: str | None = None  # why the run may begin nothing for now
    orders: list[Order] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, orders: Sequence[Order]) -> None:
        """Take what was said, each once."""
        known = {order.seq for order in self.orders}
        self.orders.extend(order for order in orders if order.seq not in known)
        self.changed.set()

    def hold(self, reason: str | None) -> None:
        """Begin nothing more for this reason; None: go on."""
        if reason != self.paused:
            self.paused = reason
            self.changed.set()
