"""The journal of one run: what happened to it and is not in the ledger yet.

It is written, all of it in one commit, before anything takes effect or is waited for. So what lies
between two effects costs one commit, and what a crash takes with it had no effect.
"""

from collections.abc import Callable
from typing import Final

from engine.runs.change import Change, RunMove
from engine.runs.happening import Happening, RunMoved, Tell
from engine.runs.ledger import Ledger
from engine.runs.run import Run, RunState

MOST: Final = 50  # changes in one commit: a long `foreach` must not keep the others from their turn


class Journal:
    """Of one run under way. Nothing of it is told before the ledger has it."""

    def __init__(self, ledger: Ledger, tell: Tell, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._tell = tell
        self._clock = clock
        self._changes: list[Change] = []
        self._happenings: list[Happening] = []

    @property
    def full(self) -> bool:
        """Whether it is to be written although nothing takes effect yet."""
        return len(self._changes) >= MOST

    def note(self, change: Change, happening: Happening | None = None) -> None:
        """What is to be kept, and told once it is."""
        self._changes.append(change)
        if happening is not None:
            self._happenings.append(happening)

    def move(self, run: Run, state: RunState, reason: str | None = None) -> Run:
        """The run in another state, which is noted."""
        if state is run.state and reason == run.reason:
            return run
        moved = run.move(state, at=self._clock(), reason=reason)
        self.note(RunMove(moved), RunMoved(moved))
        return moved

    async def write(self) -> None:
        """Keep what was noted, and tell of it. Raises LedgerError; nothing of it is noted then."""
        if not self._changes:
            return
        changes, happenings = self._changes, self._happenings
        # Before the ledger has it: whatever comes of this, it must not be written a second time.
        self._changes, self._happenings = [], []
        await self._ledger.keep(changes)
        for happening in happenings:
            self._tell(happening)
