"""What a start finds unfinished is taken up: many runs are read at once, not each by itself.

They are read ahead of those who come for them. Nobody else changes an unfinished run, so what was
read still holds when its turn has come.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from engine.runs.happening import TakenUp, Tell
from engine.runs.ledger import Ledger, LedgerError, Past
from engine.runs.run import Run

AT_ONCE: Final = 100  # runs
AHEAD: Final = 2  # times as many, for which nobody has come yet


class TakingUp:
    """Of the runs that one start found. They come for what was read in their order."""

    def __init__(self, ledger: Ledger, runs: Sequence[Run], tell: Tell) -> None:
        self._ledger = ledger
        self._tell = tell
        self._runs = self._left = len(runs)
        starts = range(0, len(runs), AT_ONCE)
        self._batches = [_Batch([run.id for run in runs[at : at + AT_ONCE]]) for at in starts]
        self._batch_of = {run: batch for batch in self._batches for run in batch.missing}
        self._room = asyncio.Semaphore(AHEAD)

    async def read(self) -> None:
        """Read all of them, never far ahead; to be done beside those who come."""
        for batch in self._batches:
            await self._room.acquire()
            try:
                batch.pasts = dict(await self._ledger.pasts(list(batch.missing)))
            except LedgerError:
                pass  # one of them cannot be read: each by itself, then
            finally:
                batch.read.set()

    async def past(self, run: Run) -> Past:
        """What one of them was left with, once. Raises LedgerError and NotInLedgerError."""
        batch = self._batch_of.pop(run.id)
        await batch.read.wait()
        batch.missing.discard(run.id)
        self._left -= 1
        if not batch.missing:
            self._room.release()
            self._tell(TakenUp(self._runs - self._left, self._left))
        past = batch.pasts.pop(run.id, None)
        if past is not None:
            return past
        return Past(await self._ledger.event(run.event_id), await self._ledger.history(run.id))


class _Batch:
    def __init__(self, runs: Sequence[str]) -> None:
        self.missing = set(runs)  # those that have not come
        self.pasts: dict[str, Past] = {}  # of those that could be read
        self.read = asyncio.Event()
