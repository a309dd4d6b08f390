"""The promise a step type keeps, and the values it speaks in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from engine.playbooks.command import Command
from engine.playbooks.parameters import Parameters, Result


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step would do: one line for people, the same as data, and the same by hand.

    `command` holds secrets as they are: a rehearsal shows it, where they are names. It is not kept.
    """

    summary: str
    details: Mapping[str, Any]
    command: Command | None = None  # None: there is nothing that one could type


class Call(NamedTuple):
    """Which step of which run is performed, and what it may know of the event.

    `limit` is the seconds this attempt has: who sends something that must not be sent twice ends
    before, and says what became of it. `again`: this attempt was under way when the engine
    stopped, and nobody knows how far it came. `started`: when it first began, Unix seconds.
    """

    run_id: str
    path: str
    attempt: int
    incident_id: str | None = None
    started: float = 0.0
    limit: float | None = None
    again: bool = False

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt, so that a target can tell a repetition."""
        return f"{self.run_id}:{self.path}"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The step did what it says. `result` is `steps.<id>`; `variables` join `vars`."""

    result: Any = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The step did not. `retryable` is False where another attempt could only fail the same way."""

    error: str
    result: Any = None
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The step was sent, and nobody knows whether it took effect. It is never tried again.

    `error` says what is known, and where a person can look.
    """

    error: str
    result: Any = None


@dataclass(frozen=True, slots=True)
class Paused:
    """The step is done once this many seconds have passed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """The playbook's steps end here, as succeeded or not."""

    succeeded: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Asks:
    """The step is done when a person has agreed, or when `within` seconds have passed."""

    text: str
    within: float | None = None
    otherwise: bool = False  # whether silence is consent


Report = Succeeded | Failed | Uncertain | Paused | Stopped | Asks

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Outside(Generic[P]):
    """What can come back from outside, and what `perform` reports when it does."""

    result: type[Result]
    judge: Callable[[P, dict[str, Any]], Report]


class StepType(Protocol[P]):
    """One kind of thing a run can do.

    Rules: `plan` has no effect and works before anything is known (values may be Deferred);
    `perform` never raises for what the outside world does, it reports; it may be cancelled at
    any await, and then leaves nothing running; nothing it returns holds more than its caps.
    """

    parameters: type[P]
    timeout: float | None  # seconds a step of this type gets when it names none; None: no limit
    # Whether `perform` finds out what became of an attempt that was cut, `call.again`, instead of
    # doing it a second time; it answers Uncertain where it cannot.
    finds_out: bool
    # The names `steps.<id>` can have beside `outcome` and `error`, with their JSON Schema types;
    # "any" is a type that is not known, and None says that the names are not.
    results: ClassVar[Mapping[str, str] | None]

    @property
    def outside(self) -> Outside[P] | None:
        """None where nothing outside has a say in it: what it reports follows from the playbook."""
        ...

    def plan(self, parameters: P, call: Call) -> Plan:
        """What `perform` would do."""
        ...

    def foretell(self, parameters: P) -> Report | None:
        """What performing it will report, where that is known beforehand: it has no effect.

        Failed: it is refused, whatever anybody outside would answer.
        """
        ...

    def harmless_to_repeat(self, parameters: P) -> bool:
        """Whether performing it twice has the effect of performing it once."""
        ...

    async def perform(self, parameters: P, call: Call) -> Report:
        """Do it."""
        ...
