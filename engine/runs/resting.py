"""The runs that rest: in the ledger alone, until their time has come or somebody says something."""

import heapq
from collections.abc import Sequence

from engine.runs.run import Run


class Resting:
    """Of one worker. Times are Unix seconds."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._times: list[tuple[float, str]] = []  # a heap; some have been called by now
        self._called: list[Run] = []

    def lay_down(self, run: Run, until: float | None) -> None:
        """It rests until then; None: until it is called."""
        self._runs[run.id] = run
        if until is not None:
            heapq.heappush(self._times, (until, run.id))

    def call(self, run_id: str) -> None:
        """Something was said to it, if it rests."""
        if run_id in self._runs:
            self._called.append(self._runs.pop(run_id))

    def up(self, now: float) -> Sequence[Run]:
        """Those that have to be gone on with, each once."""
        while self._times and self._times[0][0] <= now:
            self.call(heapq.heappop(self._times)[1])
        called, self._called = self._called, []
        return called

    @property
    def due(self) -> float | None:
        """When the next one is; a little early where that one was called."""
        return self._times[0][0] if self._times else None
