"""Admission: events are judged, and their runs let in, a batch at a time and in their order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.events.event import Event
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError
from engine.rules.match import RECONCILED
from engine.runs.consequences import answers, ends, has_consequences
from engine.runs.control import Order
from engine.runs.happening import RunMoved, Tell
from engine.runs.judging import NOBODY, Judged, Judging
from engine.runs.ledger import Admitted, Ledger, ReadLane
from engine.runs.run import Run
from engine.runs.turns import Turns

BATCH: Final = 200  # events judged in one go
TOGETHER: Final = 20  # of them one after the other, kept by one commit, while a delivery may wait


@dataclass(frozen=True, slots=True)
class Admission:
    """Of one worker. `wake` is called when something was said to runs under way."""

    ledger: Ledger
    turns: Turns
    version: Callable[[Run], Awaitable[Playbook]]  # may raise EngineError
    clock: Callable[[], float]
    tell: Tell
    wake: Callable[[], None]

    async def waiting(self) -> Sequence[Event]:
        """One batch: what it queues can start before the next one, however many events come."""
        return await self.ledger.unmatched(BATCH)

    async def judge(
        self, events: Sequence[Event], judging_now: Callable[[], Judging | None]
    ) -> bool:
        """`judging_now` says by what one is judged, None to leave off. Whether there are more."""
        keeping: list[asyncio.Future[None]] = []
        for event in events:
            judging = judging_now()  # a change while the ledger is asked is for the next event
            if judging is None:
                break
            if event.source == RECONCILED:
                await _all(keeping)  # it looks at the runs of those before it
            judged = judging.judge(event, await self._not_again(event, judging.playbooks))
            if has_consequences(judged.event):
                await _all(keeping)  # so does this one
            keeping.append(asyncio.ensure_future(self._keep(judged)))
            if len(keeping) % TOGETHER == 0:
                await asyncio.sleep(0)  # let the receiver answer in between
        await _all(keeping)
        return len(events) == BATCH

    async def _keep(self, judged: Judged) -> None:
        """The verdicts on an event, with the runs that its lanes let in."""
        said = await self._consequences(judged.event, judged.at)
        at = self.clock()

        def admit(read: ReadLane) -> Admitted:
            admitted = self.turns.admit(judged, at, read)
            return replace(admitted, orders=[*admitted.orders, *said]) if said else admitted

        admitted = await self.ledger.keep_match(
            judged.event, judged.judgements, judged.at, admit, judged.judged_by
        )
        self.tell(judged.matched(admitted.runs))
        for run in admitted.runs:
            if run.state.settled:
                self.tell(RunMoved(run))
        if admitted.orders:
            self.wake()

    async def _consequences(self, event: Event, at: float) -> Sequence[Order]:
        """What is to be said to the runs that are under way for the same incident."""
        if event.incident_id is None or not has_consequences(event):
            return []
        under_way = await self.ledger.under_way(event.incident_id)
        over = [one.run for one in under_way if await self._ends_with_its_incident(one.run)]
        return [*answers(event, under_way, at), *ends(event, over, at)]

    async def _ends_with_its_incident(self, run: Run) -> bool:
        try:
            return (await self.version(run)).ends_with_its_incident
        except EngineError:
            return False  # its own end will say that it cannot be read

    async def _not_again(self, event: Event, playbooks: Sequence[Playbook]) -> Mapping[str, str]:
        """The playbooks that the event, or one like it, had its chance with, and why they stay out.

        Nothing says for sure that what Flashduty tells afterwards is not what arrived before; and a
        delivery may come so late that it was found missing first.
        """
        if event.origin is not None:
            return NOBODY  # a person wants it once more
        if event.known_before:
            asked = (one.name for one in playbooks if one.trigger.reconcile)
            return dict.fromkeys(asked, "the playbook was asked when the event was found missing")
        if event.source != RECONCILED or event.subject is None:
            return NOBODY
        ran = await self.ledger.playbooks_run_for(event.subject, event.type)
        said = "the event was missed, and the playbook ran for one like it before"
        return dict.fromkeys(ran, said)


async def _all(doing: list["asyncio.Future[None]"]) -> None:
    """Wait until all of it is done. Raises what the first one raised that failed."""
    done = await asyncio.gather(*doing, return_exceptions=True)
    doing.clear()
    for one in done:
        if one is not None:
            raise one
