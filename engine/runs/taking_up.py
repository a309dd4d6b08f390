"""Runs that are in the ledger alone are taken up: many are read at once, not each by itself.

They are read ahead of those who come for them. Nobody else changes an unfinished run, so what was
read still holds when its turn has come.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from engine.runs.happening import TakenUp, Tell
from engine.runs.ledger import Ledger, LedgerError, Past
from engine.runs.run import Run

AT_ONCE: Final = 100  # runs
AHEAD: Final = 8  # times as many are read, for which nobody has come yet


async def taken_up(
    ledger: Ledger, runs: Sequence[Run], tell: Tell
) -> AsyncGenerator[tuple[Run, Past | None], None]:
    """Each with what it was left with, in their order.

    None for one that could not be read, or was read with one that could not: each is to be read by
    itself, then.
    """
    coming = deque(runs[at : at + AT_ONCE] for at in range(0, len(runs), AT_ONCE))
    reading: deque[tuple[Sequence[Run], asyncio.Future[dict[str, Past]]]] = deque()
    left = len(runs)
    try:
        while coming or reading:
            while coming and len(reading) < AHEAD:
                batch = coming.popleft()
                reading.append((batch, _beside(ledger, batch)))
            batch, read = reading.popleft()
            pasts = await read
            for run in batch:
                yield run, pasts.pop(run.id, None)
            left -= len(batch)
            tell(TakenUp(len(runs), left))
    finally:
        for _, read in reading:
            read.cancel()


def _beside(ledger: Ledger, runs: Sequence[Run]) -> "asyncio.Future[dict[str, Past]]":
    return asyncio.ensure_future(_read(ledger, [run.id for run in runs]))


async def _read(ledger: Ledger, runs: Sequence[str]) -> dict[str, Past]:
    try:
        # After all that waits to be kept: those who wait for it are still in memory with all that
        # they work with, and the ones that are read here would come on top of them.
        await ledger.keep([])
        found: Mapping[str, Past] = await ledger.pasts(runs)
    except LedgerError:
        return {}
    return dict(found)
