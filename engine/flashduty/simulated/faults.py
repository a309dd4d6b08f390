"""What goes wrong with calls of the simulated Open API, on request: for tests and rehearsals.

    faults = Faults(seed=7)
    app = create_simulator(account, app_key="key", faults=faults)
    faults.add(Fault("cut-after", path="/incident/comment", probability=0.1))

A fault may be added or taken away while the simulator serves.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Final, Literal, get_args

from engine.flashduty.simulated.refusal import RefusalError

Kind = Literal[
    "delay",  # answers as ever, `seconds` later; goes with any other fault
    "error",  # HTTP 500 or 503 in the vendor's envelope; nothing was done
    "too-frequent",  # HTTP 429, with Retry-After if `retry_after` is given; nothing was done
    "cut-before",  # the connection breaks and nothing was done
    "cut-after",  # the connection breaks after the call took effect: there is no answer
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
_CODES: Final[Mapping[int, str]] = {500: "InternalError", 503: "ServiceUnavailable"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Raises RefusalError for what makes no sense."""

    kind: Kind
    path: str | None = None  # of the operation, as in /incident/comment; None is every one
    probability: float = 1.0  # of each call that fits
    times: int | None = None  # how often it happens at most; None is without end
    seconds: float = 0.0  # of a delay
    status: int = 500  # of an error: 500 or 503
    retry_after: int | None = None  # seconds, of too-frequent

    def __post_init__(self) -> None:
        wrong = None
        if self.kind not in KINDS:
            wrong = f"kind must be one of {', '.join(KINDS)}"
        elif self.path is not None and not self.path.startswith("/"):
            wrong = "path must begin with a slash, as in /incident/comment"
        elif not 0 <= self.probability <= 1:
            wrong = "probability must be from 0 to 1"
        elif self.times is not None and self.times < 1:
            wrong = "times must be at least 1"
        elif self.seconds < 0 or (self.kind == "delay") != (self.seconds > 0):
            wrong = "seconds is the length of a delay: more than 0 there, and nowhere else"
        elif self.status not in _CODES:
            wrong = "status must be 500 or 503"
        elif self.retry_after is not None and self.kind != "too-frequent":
            wrong = "retry_after is for too-frequent alone"
        if wrong:
            raise RefusalError.parameter(f"{wrong}.")

    def refusal(self) -> RefusalError | None:
        """Give what the call is answered instead, if it is answered."""
        if self.kind == "error":
            return RefusalError(_CODES[self.status], "A fault that was asked for.")
        if self.kind == "too-frequent":
            return too_frequent(self.retry_after)
        return None


def too_frequent(retry_after: int | None = None) -> RefusalError:
    """Refuse for the number of calls. The vendor promises no Retry-After (trap 32)."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return RefusalError("RequestTooFrequently", "Request too frequently.", headers=headers)


class Faults:
    """The faults that are asked for at present; one `seed` strikes the same calls every time.

    `struck` is how often each kind has happened to a call, delays included.
    """

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - a rehearsal has to be repeatable
        self._left: list[tuple[Fault, int | None]] = []
        self.struck: dict[str, int] = dict.fromkeys(KINDS, 0)
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def asked_for(self) -> list[dict[str, Any]]:
        """Give the faults that may still happen; `times` is what is left of it."""
        return [{**asdict(fault), "times": left} for fault, left in self._left]

    def strike(self, path: str) -> tuple[float, Fault | None]:
        """Say what happens to a call of `path`: seconds of delay, and the first fault that fits."""
        delay, struck = 0.0, None
        for place, (fault, left) in enumerate(self._left):
            if fault.path not in (None, path) or (struck and fault.kind != "delay"):
                continue
            if self._random.random() >= fault.probability:
                continue
            self.struck[fault.kind] += 1
            self._left[place] = (fault, None if left is None else left - 1)
            if fault.kind == "delay":
                delay += fault.seconds
            else:
                struck = fault
        self._left = [(fault, left) for fault, left in self._left if left != 0]
        return delay, struck
