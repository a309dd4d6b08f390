"""Turns: which run is let in, which queued run is next, and which ones wait for what.

The lane decides, from rows that are read each time. What is kept here is only where to look next,
and a restart finds it again in the queued rows.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.events.event import Event
from engine.playbooks.guard import Concurrency, Guard
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError
from engine.runs.change import RunMove
from engine.runs.control import EVERYTHING, Order, Verb
from engine.runs.happening import RunMoved, StartsLimited, Tell
from engine.runs.judging import Judged
from engine.runs.lane import Decision, Hold, Lane, Restart, Skip, Start, offered, waiting
from engine.runs.ledger import Admitted, Ledger, LedgerError, ReadLane
from engine.runs.run import Run, RunState

MINUTE: Final = 60.0  # seconds
AHEAD: Final = 100  # queued runs that are read at once

LaneName = tuple[str, str | None]  # of a playbook's runs without a lane: None


class Turns:
    """Of one worker, which is the only one that starts runs."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        version: Callable[[Run], Awaitable[Playbook]],
        clock: Callable[[], float],
        tell: Tell,
        starts: int,
    ) -> None:
        self._ledger = ledger
        self._version = version  # may raise EngineError
        self._clock = clock
        self._tell = tell
        self._most = starts  # runs that may be started within a minute
        self._paused: Mapping[str, str] = {}
        self._taken = 0  # the place of the last queued run that was read
        self._ahead: deque[Run] = deque()  # those that were read and are not looked at yet
        self._events: dict[str, Event] = {}  # of those, by the run's id
        self._given: set[str] = set()  # runs whose turn it is, and which have not ended
        self._held: dict[LaneName, deque[Run]] = {}
        self._look: dict[LaneName, None] = {}  # the held ones that something has changed for
        self._times: dict[LaneName, float] = {}  # when to look without that
        self._starts: deque[float] | None = None  # None: the ledger was not asked yet
        self._limited: float | None = None  # when some last had to wait for its minute to be over

    # Being let in ---------------------------------------------------------------------------

    def admit(self, judged: Judged, at: float, read: ReadLane) -> Admitted:
        """What their lanes make of the runs of an event, and what is to be said to other runs."""
        runs: list[Run] = []
        orders: list[Order] = []
        for run in judged.runs:
            if run.state.settled:  # nobody can tell what it acts on
                runs.append(run)
                continue
            match self._offered(run, judged.guards, at, read):
                case Start():
                    runs.append(run)
                case Hold(reason):
                    runs.append(replace(run, reason=reason))
                case Skip(reason):
                    runs.append(run.move(RunState.SKIPPED, at=judged.at, reason=reason))
                case Restart(cancel, reason):
                    runs.append(replace(run, reason=reason))
                    by = f"run {run.id}, which takes its place"
                    orders += [Order(0, other, Verb.CANCEL, by, judged.at) for other in cancel]
        return Admitted(runs, orders)

    def _offered(
        self, run: Run, guards: Mapping[str, Guard], at: float, read: ReadLane
    ) -> Decision:
        paused = self.paused(run.playbook)
        if paused is not None:
            return Skip(paused)
        if run.lane is None:
            return Start()
        guard = guards[run.playbook]
        return offered(guard, read(run, guard, at), at)

    # Whose turn it is -----------------------------------------------------------------------

    async def next(self) -> Run | None:
        """The run whose turn it is; None while there is none. `ended` has to be told of it."""
        if EVERYTHING in self._paused:
            return None
        if await self._too_many():
            await self._tell_of_those_who_wait()
            return None
        for lane in [lane for lane, time in self._times.items() if time <= self._clock()]:
            self._look[lane] = None
        while True:
            run = await self._held_one() or await self._queued_one()
            if run is None:
                return None
            if isinstance(run, Run):
                self._given.add(run.id)
                if self._starts is not None:
                    self._starts.append(self._clock())
                return run

    def event(self, run: Run) -> Event | None:
        """The event of a run whose turn it is, if it was read together with others; once."""
        return self._events.pop(run.id, None)

    def ended(self, run: Run) -> None:
        """It has ended, or rests."""
        self._given.discard(run.id)
        self._change((run.playbook, run.lane))

    def taken_out(self, run: Run) -> None:
        """It was ended before its turn came."""
        self._ahead = deque(one for one in self._ahead if one.id != run.id)
        self.ended(run)

    def is_given(self, run_id: str) -> bool:
        """Whether it is this run's turn."""
        return run_id in self._given

    def pause(self, paused: Mapping[str, str]) -> bool:
        """Why these playbooks start nothing; the name of all is empty. Whether that has changed."""
        if paused == self._paused:
            return False
        self._paused = dict(paused)
        for lane in self._held:
            self._change(lane)
        return True

    def paused(self, playbook: str) -> str | None:
        """Why a playbook starts nothing; None when it may."""
        return self._paused.get(EVERYTHING) or self._paused.get(playbook)

    @property
    def due(self) -> float | None:
        """When to look again although nothing has changed. Unix seconds."""
        if EVERYTHING in self._paused:
            return None
        if self._starts is not None and len(self._starts) >= self._most:
            return self._starts[0] + MINUTE
        return min(self._times.values(), default=None)

    async def _too_many(self) -> bool:
        """Whether no more may be started within this minute."""
        now = self._clock()
        if self._starts is None:
            self._starts = deque(await self._ledger.starts(now - MINUTE))
        # A clock that was set back leaves times that are still to come: they say nothing.
        while self._starts and not now - MINUTE < self._starts[0] <= now:
            self._starts.popleft()
        return len(self._starts) >= self._most

    async def _tell_of_those_who_wait(self) -> None:
        """Once a storm: it is another one when nobody had to wait for a minute."""
        if not self._ahead and not await self._ledger.queued(self._taken, 1):
            return
        now = self._clock()
        if self._limited is None or now - self._limited > MINUTE:
            self._tell(StartsLimited(self._most))
        self._limited = now

    async def _queued_one(self) -> Run | bool | None:
        """The next one of the queue; True when it was not its turn, None at the queue's end."""
        if not self._ahead:
            queued = await self._ledger.queued(self._taken, AHEAD)
            if not queued:
                return None
            self._taken = queued[-1][0]
            self._ahead.extend(run for _, run in queued)
            self._events = await self._read_events([run.id for _, run in queued])
        run = self._ahead.popleft()
        lane = (run.playbook, run.lane)
        decision = await self._decide(run)
        if isinstance(decision, Start):
            return run
        if isinstance(decision, Skip):
            await self._skip(run, decision.reason)
        elif decision is not None:
            self._held.setdefault(lane, deque()).append(run)
            self._change(lane)
        return True

    async def _read_events(self, runs: Sequence[str]) -> dict[str, Event]:
        """Of many runs at once. Where one cannot be read, each is to be read by itself."""
        try:
            pasts = await self._ledger.pasts(runs)
        except LedgerError:
            return {}
        return {run: past.event for run, past in pasts.items()}

    async def _held_one(self) -> Run | bool | None:
        """The first of a lane where something has changed; True when it has to wait on."""
        if not self._look:
            return None
        lane = next(iter(self._look))
        # Before the ledger is asked: its answer may know nothing of what changes until it comes.
        del self._look[lane]
        run = self._held[lane][0]
        known = await self._ledger.run(run.id)
        decision = await self._decide(run) if known.state is RunState.QUEUED else None
        if isinstance(decision, Hold):
            await self._wait(lane, run, decision.until)
            return True
        self._held[lane].popleft()
        if self._held[lane]:
            self._look[lane] = None  # for the next one there
        else:
            del self._held[lane]
            self._look.pop(lane, None)
            self._times.pop(lane, None)
        if isinstance(decision, Skip):
            await self._skip(run, decision.reason)
        return run if isinstance(decision, Start) else True

    async def _decide(self, run: Run) -> Decision | None:
        """What becomes of a queued run now; None for one that has ended meanwhile."""
        decision = await self._by_lane(run)
        paused = self.paused(run.playbook)
        if paused is not None and isinstance(decision, (Start, Hold)):
            return Hold(paused)
        return decision

    async def _by_lane(self, run: Run) -> Decision | None:
        guard = await self._guard_of(run)
        if guard is None or run.lane is None:
            return Start()
        now = self._clock()
        lane = await self._ledger.lane(run, guard, now)
        mine = next((going for going in lane.going if going.id == run.id), None)
        return None if mine is None else waiting(guard, self._with_given(lane), mine, now)

    async def _guard_of(self, run: Run) -> Guard | None:
        """None where there is no lane, or the version cannot be read: its end will say that."""
        if run.lane is None:
            return None
        try:
            return (await self._version(run)).guard
        except EngineError:
            return None

    def _with_given(self, lane: Lane) -> Lane:
        """With those as started whose turn it is, and which have not said so in their rows yet."""
        going = [replace(one, started=one.started or one.id in self._given) for one in lane.going]
        return replace(lane, going=going)

    async def _wait(self, lane: LaneName, run: Run, until: float | None) -> None:
        """Look again when the first one there has waited long enough, one way or the other."""
        times = [] if until is None else [until]
        guard = await self._guard_of(run)
        if guard is not None and guard.concurrency is Concurrency.QUEUE:
            times.append(run.created + guard.queue_ttl)
        if times:
            self._times[lane] = min(times)
        else:
            self._times.pop(lane, None)

    async def _skip(self, run: Run, reason: str) -> None:
        moved = run.move(RunState.SKIPPED, at=self._clock(), reason=reason)
        await self._ledger.keep([RunMove(moved)])
        self._tell(RunMoved(moved))

    def _change(self, lane: LaneName) -> None:
        if lane in self._held:
            self._look[lane] = None
