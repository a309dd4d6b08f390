"""What a start finds unfinished is taken up: many runs are read at once, not each by itself.

The first of them to come reads for those behind it, which wait for their turns meanwhile. Nobody
else changes a run, so what was read still holds when its turn has come.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.runs.ledger import Ledger, LedgerError, Past
from engine.runs.run import Run

AT_ONCE: Final = 100  # runs, whose events are held until they come for them


class TakingUp:
    """Of the runs that one start found."""

    def __init__(self, ledger: Ledger, runs: Sequence[Run]) -> None:
        self._ledger = ledger
        self._batches: dict[str, _Batch] = {}  # by the id of a run that has not come yet
        for start in range(0, len(runs), AT_ONCE):
            batch = _Batch([run.id for run in runs[start : start + AT_ONCE]])
            self._batches.update(dict.fromkeys(batch.runs, batch))

    async def past(self, run: Run) -> Past:
        """What one of them was left with, once. Raises LedgerError and NotInLedgerError."""
        batch = self._batches.pop(run.id)
        async with batch.reading:
            if batch.pasts is None:
                batch.pasts = dict(await self._read(batch.runs))
        past = batch.pasts.pop(run.id, None)
        if past is not None:
            return past
        return Past(await self._ledger.event(run.event_id), await self._ledger.history(run.id))

    async def _read(self, runs: Sequence[str]) -> Mapping[str, Past]:
        try:
            return await self._ledger.pasts(runs)
        except LedgerError:  # one of them cannot be read: each by itself, then
            return {}


@dataclass(slots=True)
class _Batch:
    runs: Sequence[str]
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    pasts: dict[str, Past] | None = None  # None: not read yet
