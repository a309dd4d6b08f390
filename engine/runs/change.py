"""What can change in a run's rows, as values: what the ledger is given to keep."""

from dataclasses import dataclass
from typing import Protocol

from engine.runs.control import Order
from engine.runs.fact import Asked, Began, Cancelled, Paused, Settled
from engine.runs.run import Run, StepRecord


class Named(Protocol):
    """What a step is known by: the step itself, or its record."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...


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


@dataclass(frozen=True, slots=True)
class StepStart:
    """An attempt is about to take effect. The same attempt again counts as a repeat."""

    run_id: str
    record: StepRecord


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


@dataclass(frozen=True, slots=True)
class StepSettle:
    """The outcome of an attempt. An outcome that is there is never replaced."""

    run_id: str
    step: Named
    fact: Settled


@dataclass(frozen=True, slots=True)
class OrderObeyed:
    """What a person said has been looked at, and is not said again."""

    order: Order


Change = RunMove | RunBegin | RunCancel | StepStart | StepPause | StepAsk | StepSettle | OrderObeyed
