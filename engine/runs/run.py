"""A run: one playbook carried out for one event; and the table of its legal moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Self


class RunState(Enum):
    """Where a run stands."""

    QUEUED = "queued"  # waits for its turn
    RUNNING = "running"  # a step is being performed, or about to be
    WAITING = "waiting"  # for a timer, an approval or a person's attention
    SUCCEEDED = "succeeded"  # every step that had to be done was done
    FAILED = "failed"  # a step failed and nothing allowed for it
    CANCELLED = "cancelled"  # a person ended it
    SKIPPED = "skipped"  # its lane did not let it start

    @property
    def settled(self) -> bool:
        """Whether nothing will happen to it any more."""
        return not LEGAL_MOVES[self]


LEGAL_MOVES: Final[Mapping[RunState, frozenset[RunState]]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.SKIPPED}),
    RunState.RUNNING: frozenset(
        {RunState.WAITING, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.WAITING: frozenset(
        {RunState.RUNNING, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
    RunState.SKIPPED: frozenset(),
}


class Outcome(Enum):
    """How a step ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # it was started, and nobody knows whether it took effect


class Asking(Enum):
    """Why a step waits for a person."""

    APPROVAL = "approval"  # the playbook says that somebody has to agree
    ATTENTION = "attention"  # nobody knows whether it took effect: retry, skip or fail?


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. Times are Unix seconds."""

    kind: Asking
    text: str
    at: float
    until: float | None = None  # None: for as long as it takes
    otherwise: bool = False  # whether silence is consent


@dataclass(frozen=True, slots=True)
class Handed:
    """What a called playbook goes on with, whatever the config becomes."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One playbook for one event. Times are Unix seconds by the engine's clock."""

    id: str
    playbook: str
    version: str  # of the playbook's text, kept in the ledger
    event_id: str
    state: RunState
    created: float
    lane: str | None = None  # what the guard's key says it acts on; None: it has no lane
    reason: str | None = None
    started: float | None = None
    ended: float | None = None
    answer: Mapping[str, str] | None = None  # the labels for the call that waits for this run
    origin: str | None = None  # the run that a person had repeated by this one

    def move(self, state: RunState, *, at: float, reason: str | None = None) -> Self:
        """The run in its next state. Raises ValueError for a move that the table does not have."""
        if state is self.state:
            return replace(self, reason=reason)
        if state not in LEGAL_MOVES[self.state]:
            raise ValueError(f"a {self.state.value} run cannot become {state.value}")
        started = at if self.started is None and state is RunState.RUNNING else self.started
        # Named one by one: `replace` takes several times as long.
        return type(self)(
            id=self.id,
            playbook=self.playbook,
            version=self.version,
            event_id=self.event_id,
            state=state,
            created=self.created,
            lane=self.lane,
            reason=reason,
            started=started,
            ended=at if state.settled else None,
            answer=self.answer,
            origin=self.origin,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What the ledger keeps of one attempt at one step. `outcome` is None while it is going on."""

    path: str
    attempt: int
    type: str
    id: str | None = None
    name: str | None = None
    started: float | None = None  # None: it never began (skipped, or it could not be rendered)
    ended: float | None = None
    outcome: Outcome | None = None
    result: Any = None
    error: str | None = None
    retryable: bool = True
    variables: Mapping[str, Any] | None = None
    stops: bool = False  # the step ends its section
    handed: Handed | None = None  # it carries out another playbook
    wake: float | None = None  # it is done when this time has come
    question: Question | None = None  # what a person has to say
    again: bool = False  # a person said: another attempt
    by: str | None = None  # the person who settled it
    plan: str | None = None  # one line: what went out, masked
    request: Mapping[str, Any] | None = None  # the same as data
    repeats: int = 0  # how often it was performed again after a restart
