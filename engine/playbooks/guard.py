"""The guard: what keeps a playbook from becoming a storm. The values; the lane decides by them."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from engine.rules.condition import Condition

QUEUE_MAX: Final = 100  # runs that wait in one lane
QUEUE_TTL: Final = 3600.0  # seconds that one of them waits


class Concurrency(Enum):
    """What becomes of a run that is offered to a lane where another one is going on."""

    SINGLE = "single"  # it is skipped
    QUEUE = "queue"  # it waits for its turn
    RESTART = "restart"  # it takes the other one's place
    PARALLEL = "parallel"  # it starts, too


@dataclass(frozen=True, slots=True)
class Rate:
    """So many runs in any so many seconds."""

    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard of one playbook. Without a key all its runs share one lane."""

    key: Condition | None = None
    concurrency: Concurrency = Concurrency.PARALLEL
    max: int | None = None  # runs of a parallel lane at once
    queue_max: int = QUEUE_MAX
    queue_ttl: float = QUEUE_TTL
    cooldown: float = 0.0  # seconds from the end of the last run in the lane
    rate: Rate | None = None  # of the playbook, whatever the key
    breaker: int | None = None  # failed runs in a row after which the playbook is paused


NO_GUARD: Final = Guard()
