"""Looks, at the start and every few minutes, for what happened and was not delivered.

Flashduty repeats no delivery that was refused or not answered. How far it has been looked is kept
in the ledger, and moves on only when all before it was looked at: an outage of the API, or a kill
in the middle, makes the next look longer and loses nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from engine.events.event import Event
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.deliveries import Deliveries
from engine.flashduty.reconciling.missed import SAME_MOMENT, Span, unknown
from engine.flashduty.reconciling.timelines import Timelines
from engine.runs.happening import Reconciled, Tell, Trouble
from engine.runs.ledger import LedgerError, Memory, MissedEvents

SETTLING: Final = 30.0  # seconds: what is younger may be on its way to us
OVERLAP: Final = 300.0  # seconds that are looked at again: Flashduty's own records come late
SOON: Final = 60.0  # seconds until the second look, which finds what was settling at the first
_REMEMBERED: Final = "reconciled-until"
# Refusals that waiting changes nothing about. A wrong key is none of them: it will be put right.
_NOT_FOR_US: Final = ("AccessDenied", "NoLicense", "RouteNotFound", "MethodNotAllowed")


class Store(Memory, MissedEvents, Protocol):
    """Where the watermark and the events are kept."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Timelines are read only for `wanted`: the incident events that a playbook would take."""

    deliveries: Deliveries
    timelines: Timelines
    store: Store
    wanted: Callable[[], frozenset[str]]
    accepted: Callable[[], None]  # told when there is something new to judge
    clock: Callable[[], float]
    tell: Tell
    every: float  # seconds
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def keep_looking(self) -> None:
        """Look, for ever."""
        settled = self.clock() + SETTLING  # all that was missed before the start is to be seen then
        everywhere = True
        pause = min(SOON, self.every)
        while True:
            began = self.clock()
            done = await self._try(look_everywhere=everywhere)
            everywhere = everywhere and not (done and began >= settled)
            await self.sleep(pause)
            pause = self.every if done else min(2 * pause, self.every)

    async def look(self, *, look_everywhere: bool) -> Reconciled | None:
        """Look once; None where nothing can have been missed yet.

        `look_everywhere`: also at incidents that are closed and began long before, as it takes
        after a downtime. Raises FlashdutyError and LedgerError; the same span is looked at again
        then.
        """
        now = self.clock()
        until = now - SETTLING
        watermark = await self.store.recall(_REMEMBERED)
        if not isinstance(watermark, int | float):
            # An engine that was never up has missed nothing.
            await self.store.remember(_REMEMBERED, until)
            return None
        if watermark > now:
            said = (
                "the clock was put back: what was missed longer ago than minutes is not looked for"
            )
            self.tell(Trouble("reconcile", said))
            watermark = until
        elif until <= watermark:
            return None
        span = Span(watermark - OVERLAP, until)
        accepted = 0
        for event in await self._found(span, look_everywhere=look_everywhere):
            if not (await self.store.accept_missed(event)).duplicate:
                accepted += 1
                self.accepted()  # at once: what is kept is judged, whatever becomes of the others
        await self.store.remember(_REMEMBERED, until)
        return Reconciled(span.since, span.until, accepted, after_start=look_everywhere)

    async def _try(self, *, look_everywhere: bool) -> bool:
        try:
            reconciled = await self.look(look_everywhere=look_everywhere)
        except (FlashdutyError, LedgerError) as error:
            self.tell(Trouble("reconcile", f"what was missed could not be looked for: {error}"))
            return False
        if reconciled is not None:
            self.tell(reconciled)
        return True

    async def _found(self, span: Span, *, look_everywhere: bool) -> list[Event]:
        """In the order it happened, so that nothing is stale because of how it was found."""
        timelines = self.timelines.missed(span, self.wanted(), look_everywhere=look_everywhere)
        # The deliveries first: they have the very body, and its event_id.
        delivered = await self._unknown(
            [one async for one in self._read(self.deliveries.missed(span))]
        )
        told = await self._unknown([one async for one in self._read(timelines)], delivered)
        return sorted((*delivered, *told), key=lambda event: event.time or 0)

    async def _unknown(self, found: Iterable[Event], besides: Iterable[Event] = ()) -> list[Event]:
        """What neither the ledger has nor is among the others that were found."""
        found_of, besides_of = _by_subject(found), _by_subject(besides)
        new: list[Event] = []
        for about, events in found_of.items():
            known = besides_of.get(about, [])
            subject, type_ = about
            times = [event.time for event in events if event.time is not None]
            if subject is not None and times:
                around = (min(times) - SAME_MOMENT, max(times) + SAME_MOMENT)
                known = [*known, *await self.store.known(subject, type_, *around)]
            new += unknown(events, known)
        return new

    async def _read(self, source: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """What a source has. One that the app key may not read takes nothing from the other."""
        try:
            async for event in source:
                yield event
        except FlashdutyError as error:
            if error.code not in _NOT_FOR_US:
                raise
            said = (
                f"a part of what was missed cannot be seen: {error}; give the app key's member the "
                "permissions Integrations Read and Incidents Read, or set flashduty.reconcile: off"
            )
            self.tell(Trouble("reconcile", said))


def _by_subject(events: Iterable[Event]) -> dict[tuple[str | None, str], list[Event]]:
    """In groups that can hold the same event: one subject, one type."""
    groups: defaultdict[tuple[str | None, str], list[Event]] = defaultdict(list)
    for event in events:
        groups[event.subject, event.type].append(event)
    return groups
