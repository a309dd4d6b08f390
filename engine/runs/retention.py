"""What the ledger forgets: the oldest of what is over, by age and by size, a little at a time.

It never touches an event that is not judged yet, one with a run that has not ended, or one that
Flashduty may still deliver again.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, Protocol

from engine.playbooks.units import format_size
from engine.runs.happening import Pruned, Tell, Trouble
from engine.runs.ledger import LedgerError

EVERY: Final = 3600.0  # seconds between two rounds
PAUSE: Final = 0.05  # seconds between two batches, in which others commit
# Seconds in which a delivery may come again. Its key has to be known so long, whatever the size.
YOUNGEST: Final = 86400.0
LONG_LOG: Final = 4 * 64 * 1024 * 1024  # bytes: who keeps a write-ahead log from being cut is told


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction deleted, and the place in the order to go on behind; None: no more."""

    events: int
    runs: int
    steps: int
    after: int | None
    output: int = 0  # bytes of files that went with the runs


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: of what is kept, of what is free inside the file, and of the write-ahead log.

    `output` is what the files with the output of steps take beside it.
    """

    used: int
    free: int
    log: int
    output: int = 0


class Prunable(Protocol):
    """What has to be asked of a ledger to keep it in bounds. Every method may raise LedgerError."""

    async def usage(self) -> Usage:
        """How large it is."""
        ...

    async def prune(self, before: float, after: int, size: int | None) -> Batch:
        """Delete a few of the oldest events behind this place that were over before this time.

        With them go their runs, the steps of these, and then the files with their output. An event
        is over when it is judged and its runs have ended. With a `size`, no more go than have to
        for the file to keep no more than that, less what their output took.
        """
        ...

    async def prune_playbooks(self, loaded: Collection[str], since: float) -> int:
        """Delete texts that no run goes by and no event was judged by, except for the loaded ones.

        None goes while a run is not over that was there before `since`, when those were loaded.
        Answers how many went.
        """
        ...

    async def sweep(self, before: float) -> str | None:
        """Delete files of runs that are not there any more, if nothing came to them since a time.

        A crash leaves some. Answers why some could not be deleted.
        """
        ...

    async def give_back(self) -> bool:
        """Make the file a little smaller where much of it is free; False: as small as it gets."""
        ...


class Retention:
    """Keeps one ledger in bounds."""

    def __init__(
        self,
        ledger: Prunable,
        *,
        age: float | None,  # seconds; None: whatever its age
        size: int | None,  # bytes; None: whatever its size
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        tell: Tell,
        loaded: Collection[str] | None,  # versions of playbooks; None: not known, no text goes
    ) -> None:
        self._ledger = ledger
        self._age = age
        self._size = size
        self._clock = clock
        self._sleep = sleep
        self._tell = tell
        self._loaded = loaded
        self._since = clock()

    async def keep_pruning(self) -> None:
        """A round now and every hour, until cancelled. A ledger that refuses is asked again."""
        while True:
            try:
                await self.prune()
            except LedgerError as error:
                self._tell(Trouble("retention", f"nothing more could be pruned: {error}"))
            await self._sleep(EVERY)

    async def prune(self) -> Pruned:
        """One round. Tells what went, and what cannot be helped. Raises LedgerError."""
        now = self._clock()
        pruned = Pruned(0, 0, 0, 0)
        if self._age is not None:
            pruned = await self._prune(pruned, now - max(self._age, YOUNGEST), None)
        if self._size is not None:
            pruned = await self._prune(pruned, now - YOUNGEST, self._size)
        if self._loaded is not None:
            texts = await self._ledger.prune_playbooks(self._loaded, self._since)
            pruned = replace(pruned, playbooks=texts)
        left = await self._ledger.sweep(now - YOUNGEST)
        if left is not None:
            self._tell(Trouble("retention", f"output of steps could not be deleted: {left}"))
        while await self._ledger.give_back():
            await self._sleep(PAUSE)
        if pruned.events or pruned.playbooks:
            self._tell(pruned)
        await self._complain()
        return pruned

    async def _prune(self, pruned: Pruned, before: float, size: int | None) -> Pruned:
        after: int | None = 0
        if size is not None:
            size -= (await self._ledger.usage()).output
        while after is not None:
            batch = await self._ledger.prune(before, after, size)
            if size is not None:
                size += batch.output
            pruned = Pruned(
                pruned.events + batch.events,
                pruned.runs + batch.runs,
                pruned.steps + batch.steps,
                pruned.playbooks,
                pruned.output + batch.output,
            )
            after = batch.after
            if after is not None:
                await self._sleep(PAUSE)
        return pruned

    async def _complain(self) -> None:
        usage = await self._ledger.usage()
        held = usage.used + usage.output
        if self._size is not None and held > self._size:
            output = (
                f", {format_size(usage.output)} of it output of steps," if usage.output else ","
            )
            said = (
                f"the ledger holds {format_size(held)}{output} more than retention.size "
                f"({format_size(self._size)}), and nothing more may go: the rest is not over, or "
                "younger than a day"
            )
            self._tell(Trouble("retention", said))
        if usage.log > LONG_LOG:
            said = (
                f"the write-ahead log has grown to {format_size(usage.log)}: a program keeps "
                "reading the database, and has to be ended"
            )
            self._tell(Trouble("retention", said))
