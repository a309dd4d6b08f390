"""The promise of the ledger: the durable record of events, runs and steps.

Every method that writes answers only after its row is committed and would survive the loss of the
process and of the machine's power. Methods of one ledger may be called at the same time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.events.event import Event
from engine.playbooks.guard import Guard
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.rules.condition import Verdict
from engine.runs.change import Change
from engine.runs.consequences import UnderWay
from engine.runs.control import Order, Pause
from engine.runs.fact import Fact
from engine.runs.lane import Lane
from engine.runs.run import Run, RunState


class LedgerError(Exception):
    """The ledger could not keep what it was given; nothing of it is half-written."""


class NotInLedgerError(LookupError):
    """What was asked for by its id is not there, and will not be."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a delivery: the id of its event, and whether it was there before."""

    event_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """One playbook's verdict on an event."""

    playbook: str
    version: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Admitted:
    """The runs of an event as their lanes let them in, and what is to be said to other runs."""

    runs: Sequence[Run]
    orders: Sequence[Order] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is still to be done, and how many pauses keep some of it from beginning."""

    unjudged: int  # events
    unfinished: Mapping[RunState, int]  # runs, by state; a state in which there is none may lack
    pauses: int


@dataclass(frozen=True, slots=True)
class Past:
    """What a run goes on from: what it is carried out for, and all that happened to it."""

    event: Event
    history: Sequence[Fact]


ReadLane = Callable[[Run, Guard, float], Lane]  # of a run that has one; the time is now
Admit = Callable[[ReadLane], Admitted]  # decides, and does nothing else


class Ledger(Protocol):
    """What the receiver and the worker need kept. Every method may raise LedgerError."""

    async def accept(self, event: Event) -> Acceptance:
        """Keep an event, once: (source, action, key) is unique, also for two at the same moment.

        What is kept says whether it is stale: older than the newest event of its subject.
        """
        ...

    async def unmatched(self, limit: int) -> Sequence[Event]:
        """The oldest events that no playbook has judged yet; `known_before` says so of each."""
        ...

    async def keep_match(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        at: float,
        admit: Admit,
        judged_by: int | None = None,
    ) -> Admitted:
        """The event is judged, and what `admit` makes of the lanes at that moment is kept with it.

        All of it or none; `event.own` too. A playbook has at most one run for an event, however
        often this is called. `judged_by` is the set of playbooks, as `put_in_force` has it: those
        of which there is no judgement said no. None: there is one of each.
        """
        ...

    async def playbooks_run_for(self, subject: str, type_: str) -> frozenset[str]:
        """The playbooks that have a run, whatever became of it, for an event like this."""
        ...

    async def keep_playbook(self, playbook: Playbook, commit: str | None = None) -> None:
        """Keep a version, and those it calls, so that a run can go on with it after any change.

        `commit` is the state of git that has it; the first one stands unless it was `-dirty`.
        """
        ...

    async def put_in_force(self, versions: Collection[str], at: float) -> int:
        """Events are judged by these versions, which were kept, from now on; the set's number.

        What an event was judged by is known, with its text, for as long as there is the event.
        """
        ...

    async def playbook_text(self, version: str) -> PlaybookText:
        """A version that was kept. Raises NotInLedgerError."""
        ...

    async def event(self, event_id: str) -> Event:
        """An accepted event. Raises NotInLedgerError."""
        ...

    async def run(self, run_id: str) -> Run:
        """A run as it stands. Raises NotInLedgerError."""
        ...

    async def queued(self, after: int, limit: int) -> Sequence[tuple[int, Run]]:
        """The oldest queued runs behind a place in the order, each with its own place."""
        ...

    async def lane(self, run: Run, guard: Guard, now: float) -> Lane:
        """What the rows say about a run's lane, and its playbook as far as the guard asks."""
        ...

    async def starts(self, since: float) -> Sequence[float]:
        """When runs were started after a time, oldest first. Unix seconds."""
        ...

    async def under_way(self, incident: str) -> Sequence[UnderWay]:
        """The runs for an incident that have not ended, queued ones too, oldest first."""
        ...

    async def unfinished(self) -> Sequence[Run]:
        """Runs that began and did not end: running or waiting, oldest first."""
        ...

    async def history(self, run_id: str) -> Sequence[Fact]:
        """Everything that happened to a run, in order; empty for one that has not begun."""
        ...

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        """The events and the histories of these runs, by their ids; of those that there are."""
        ...

    async def keep(self, changes: Sequence[Change]) -> None:
        """Changes of one run, in their order: all of them or none.

        The next ones of the same run come when these are kept.
        """
        ...

    async def orders(self, after: int) -> Sequence[Order]:
        """What people said behind a place in the order, and was not looked at yet."""
        ...

    async def pauses(self) -> Mapping[str, Pause]:
        """The playbooks of which nothing more may begin, by their names."""
        ...


class Calls(Protocol):
    """Takes events whose sender waits for what a run answers. May raise LedgerError."""

    async def accept(self, event: Event) -> Acceptance:
        """As the ledger's own."""
        ...

    async def accept_judged(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        runs: Sequence[Run],
        at: float,
        judged_by: int | None = None,
    ) -> Acceptance:
        """Keep an event, its verdicts and its runs as they stand: all of it, once, or none.

        Nothing of it is kept for a duplicate. `judged_by` is as in `keep_match`.
        """
        ...

    async def run_of(self, event_id: str) -> Run | None:
        """The first run that an event started; None while there is none."""
        ...


class Memory(Protocol):
    """What the engine has to know again after a restart. Every method may raise LedgerError."""

    async def remember(self, name: str, value: Any) -> None:
        """Keep one thing that JSON can hold, in the place of what had this name."""
        ...

    async def recall(self, name: str) -> Any:
        """What was kept under this name; None for nothing."""
        ...


class MissedEvents(Protocol):
    """Takes what Flashduty says happened while nobody listened. May raise LedgerError."""

    async def known(self, subject: str, type_: str, since: int, until: int) -> Sequence[Event]:
        """The events of this type about this subject between two times, Unix milliseconds.

        Whatever they came by: a delivery, or an earlier reconciling.
        """
        ...

    async def accept_missed(self, event: Event) -> Acceptance:
        """Keep a reconciled event unless one has its key, whatever that one came by."""
        ...
