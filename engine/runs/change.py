"""What can change in a run's rows, as values: what the ledger is given to keep.

Which of them are named tuples, and why: see `fact`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from engine.runs.control import Order
from engine.runs.fact import Asked, Began, Cancelled, Paused, Settled
from engine.runs.run import Handed, Run


class Named(Protocol):
    """What a step is known by: the step itself, or its record."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...


class Beginning(Named, Protocol):
    """What is kept of an attempt when it begins; of a `StepRecord`, what is known by then."""

    @property
    def path(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def started(self) -> float | None: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def request(self) -> Mapping[str, Any] | None: ...
    @property
    def handed(self) -> Handed | None: ...
    @property
    def wake(self) -> float | None: ...


class Begun(NamedTuple):
    """The same, of an attempt that begins now."""

    path: str
    attempt: int
    type: str
    id: str | None
    name: str | None
    started: float
    plan: str
    request: Mapping[str, Any]
    handed: Handed | None = None
    wake: float | None = None


@dataclass(frozen=True, slots=True)
class RunMove:
    """The run's state. A settled run never changes again."""

    run: Run


@dataclass(frozen=True, slots=True)
class RunBegin:
    """The run's state, and the `vars` it goes on with whatever the config becomes."""

    run: Run
    fact: Began


@dataclass(frozen=True, slots=True)
class RunCancel:
    """The run is to end. The first one stands."""

    run_id: str
    fact: Cancelled


class StepStart(NamedTuple):
    """An attempt is about to take effect. The same attempt again counts as a repeat."""

    run_id: str
    record: Beginning


@dataclass(frozen=True, slots=True)
class StepPause:
    """The started attempt is done at a time to come."""

    run_id: str
    fact: Paused


@dataclass(frozen=True, slots=True)
class StepAsk:
    """The started attempt waits for a person."""

    run_id: str
    fact: Asked


class StepSettle(NamedTuple):
    """The outcome of an attempt. An outcome that is there is never replaced."""

    run_id: str
    step: Named
    fact: Settled


@dataclass(frozen=True, slots=True)
class OrderObeyed:
    """What a person said has been looked at, and is not said again."""

    order: Order


Change = RunMove | RunBegin | RunCancel | StepStart | StepPause | StepAsk | StepSettle | OrderObeyed
