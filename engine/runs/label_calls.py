"""Calls for labels: what such a call starts is carried out at once, and its answer waited for.

The caller holds an alert back meanwhile, so nothing else may be in the way: neither the queue, nor
the slots of other runs, nor a second commit between accepting and beginning.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from engine.events.event import Event
from engine.playbooks.units import format_duration
from engine.runs.happening import Happening, RunMoved, Tell, Trouble
from engine.runs.judging import Judged
from engine.runs.ledger import Acceptance, Calls
from engine.runs.run import Run, RunState
from engine.runs.worker import Worker


@dataclass(frozen=True, slots=True)
class NoLabels:
    """Why a call gets none: a code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ends:
    """Tells those who wait for an event's run of its end, whoever carries the run out."""

    _waiting: dict[str, set["asyncio.Future[Run]"]] = field(default_factory=dict)

    def tell(self, happening: Happening) -> None:
        """One happening of a run."""
        if isinstance(happening, RunMoved) and happening.run.state.settled:
            for end in self._waiting.get(happening.run.event_id, ()):
                if not end.done():
                    end.set_result(happening.run)

    @contextmanager
    def of(self, event_id: str) -> Iterator["asyncio.Future[Run]"]:
        """The run of this event, once it has ended, if that comes after now."""
        end: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(event_id, set())
        waiting.add(end)
        try:
            yield end
        finally:
            waiting.discard(end)
            if not waiting:
                self._waiting.pop(event_id, None)


class LabelCalls:
    """Takes the calls for one worker, so many at once. One more is turned away.

    It is not queued: nobody waits for it any more, and while a target hangs such runs would take
    every slot that a press needs.
    """

    def __init__(
        self, *, worker: Worker, ledger: Calls, ends: Ends, tell: Tell, at_once: int, budget: float
    ) -> None:
        self._worker = worker
        self._ledger = ledger
        self._ends = ends
        self._tell = tell
        self._at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._budget = budget  # seconds

    async def answer(self, event: Event, arrived: float) -> Mapping[str, str] | NoLabels:
        """The labels that were asked for and are known. After a LedgerError nothing is kept.

        The budget counts from when the call `arrived`, by the event loop's time. The commit is
        waited for even so, and the run goes on whatever the caller is told.
        """
        acceptance = await self._take(event)
        with self._ends.of(acceptance.event_id) as end:
            run = await self._ledger.run_of(acceptance.event_id)
            if run is None:
                known = acceptance.event_id
                said = f"no playbook has taken this call; `engine events show {known}` says why"
                return NoLabels("no-match", said)
            if not run.state.settled:
                try:
                    async with asyncio.timeout_at(arrived + self._budget):
                        run = await end
                except TimeoutError:
                    budget = format_duration(self._budget)
                    said = f"run {run.id} had not ended after {budget} (limits.answer); it goes on"
                    self._tell(Trouble(f"call {run.event_id}", said))
                    return NoLabels("too-late", said)
        return _labels(run, event.asked)

    async def _take(self, event: Event) -> Acceptance:
        if not self._worker.working:
            acceptance = await self._ledger.accept(event)
            self._worker.wake()
            return acceptance
        judged = self._worker.judge(event)
        if not judged.runs:
            return await self._keep(judged)
        busy = self._worker.paused(judged.runs[0].playbook)
        if busy is None and self._slots.locked():
            busy = f"all places for calls were taken (limits.runs: {self._at_once})"
        if busy is not None:
            return await self._turn_away(judged, busy)
        await self._slots.acquire()
        # One playbook answers. Its run is never queued, or the worker could start it as well.
        run = judged.runs[0].move(RunState.RUNNING, at=judged.at)
        goes_on = False
        try:
            acceptance = await self._keep(replace(judged, runs=(run,)))
            goes_on = not acceptance.duplicate and self._worker.begin(run, self._slots)
        finally:
            if not goes_on:
                self._slots.release()
        return acceptance

    async def _turn_away(self, judged: Judged, busy: str) -> Acceptance:
        acceptance = await self._keep(judged.turned_away(busy))
        if not acceptance.duplicate:
            self._tell(Trouble(f"call {acceptance.event_id}", f"turned away: {busy}"))
        return acceptance

    async def _keep(self, judged: Judged) -> Acceptance:
        acceptance = await self._ledger.accept_judged(
            judged.event, judged.judgements, judged.runs, judged.at, judged.judged_by
        )
        if not acceptance.duplicate:
            self._tell(judged.matched(judged.runs))
        return acceptance


def _labels(run: Run, asked: frozenset[str]) -> Mapping[str, str] | NoLabels:
    if run.state is not RunState.SUCCEEDED:
        said = f"run {run.id} {run.state.value}; `engine runs show {run.id}` says why"
        return NoLabels("no-answer", said)
    labels = {name: value for name, value in (run.answer or {}).items() if name in asked}
    return labels or NoLabels("no-labels", f"run {run.id} knows none of the labels asked for")
