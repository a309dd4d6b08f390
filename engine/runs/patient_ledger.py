"""A ledger that is asked until it answers: a full disk passes, a lost outcome does not."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

from engine.events.event import Event
from engine.playbooks.guard import Guard
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.runs.change import Change, StepSettle
from engine.runs.consequences import UnderWay
from engine.runs.control import Order, Pause
from engine.runs.fact import Fact
from engine.runs.happening import Recovered, Tell, Trouble
from engine.runs.lane import Lane
from engine.runs.ledger import Acceptance, Admit, Admitted, Judgement, Ledger, LedgerError, Past
from engine.runs.run import Run

RETRY_AFTER: Final = 1.0  # seconds until the ledger is asked again after it refused

T = TypeVar("T")


class PatientLedger:
    """Keeps the ledger's promise for the worker, who has nobody to pass a refusal on to.

    Once `stopping` is set a refusal is final: nothing has happened yet that the next start could
    not do. Only an outcome is insisted on to the last, because its effect has happened.

    Whoever waits is refused each second for as long as a disk is full: it is told once, and then
    that it is over.
    """

    def __init__(self, ledger: Ledger, tell: Tell, stopping: asyncio.Event) -> None:
        self._ledger = ledger
        self._tell = tell
        self._stopping = stopping
        self._refusal: str | None = None  # that was told, and is not over yet

    async def accept(self, event: Event) -> Acceptance:
        return await self._insist(lambda: self._ledger.accept(event))

    async def unmatched(self, limit: int) -> Sequence[Event]:
        return await self._insist(lambda: self._ledger.unmatched(limit))

    async def keep_match(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        at: float,
        admit: Admit,
        judged_by: int | None = None,
    ) -> Admitted:
        return await self._insist(
            lambda: self._ledger.keep_match(event, judgements, at, admit, judged_by)
        )

    async def playbooks_run_for(self, subject: str, type_: str) -> frozenset[str]:
        return await self._insist(lambda: self._ledger.playbooks_run_for(subject, type_))

    async def keep_playbook(self, playbook: Playbook, commit: str | None = None) -> None:
        await self._insist(lambda: self._ledger.keep_playbook(playbook, commit))

    async def put_in_force(self, versions: Collection[str], at: float) -> int:
        return await self._insist(lambda: self._ledger.put_in_force(versions, at))

    async def playbook_text(self, version: str) -> PlaybookText:
        return await self._insist(lambda: self._ledger.playbook_text(version))

    async def event(self, event_id: str) -> Event:
        return await self._insist(lambda: self._ledger.event(event_id))

    async def run(self, run_id: str) -> Run:
        return await self._insist(lambda: self._ledger.run(run_id))

    async def queued(self, after: int, limit: int) -> Sequence[tuple[int, Run]]:
        return await self._insist(lambda: self._ledger.queued(after, limit))

    async def lane(self, run: Run, guard: Guard, now: float) -> Lane:
        return await self._insist(lambda: self._ledger.lane(run, guard, now))

    async def starts(self, since: float) -> Sequence[float]:
        return await self._insist(lambda: self._ledger.starts(since))

    async def under_way(self, incident: str) -> Sequence[UnderWay]:
        return await self._insist(lambda: self._ledger.under_way(incident))

    async def unfinished(self) -> Sequence[Run]:
        return await self._insist(self._ledger.unfinished)

    async def history(self, run_id: str) -> Sequence[Fact]:
        return await self._insist(lambda: self._ledger.history(run_id))

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        """Asked once: what is wrong with one of the runs must not keep the others waiting."""
        return await self._ledger.pasts(runs)

    async def keep(self, changes: Sequence[Change]) -> None:
        to_the_last = any(isinstance(change, StepSettle) for change in changes)
        await self._insist(lambda: self._ledger.keep(changes), to_the_last=to_the_last)

    async def orders(self, after: int) -> Sequence[Order]:
        return await self._insist(lambda: self._ledger.orders(after))

    async def pauses(self) -> Mapping[str, Pause]:
        return await self._insist(self._ledger.pauses)

    async def _insist(self, ask: Callable[[], Awaitable[T]], *, to_the_last: bool = False) -> T:
        refused = False
        while True:
            try:
                answer = await ask()
            except LedgerError as error:
                if self._stopping.is_set() and not to_the_last:
                    raise
                refused = True
                self._refused(str(error))
                await asyncio.sleep(RETRY_AFTER)
            else:
                if refused:
                    self._answered()
                return answer

    def _refused(self, why: str) -> None:
        if why != self._refusal:
            self._refusal = why
            self._tell(Trouble("ledger", why))

    def _answered(self) -> None:
        if self._refusal is not None:
            self._refusal = None
            self._tell(Recovered("ledger"))
