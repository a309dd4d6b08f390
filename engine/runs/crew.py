"""The worker and who works beside it: together from the start, together to the end."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from engine.runs.happening import Tell, Trouble
from engine.runs.worker import Worker

Companion = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Crew:
    """`companions` go on until the worker ends; what becomes of them does not touch it."""

    worker: Worker
    prepare: Companion  # awaited before the first event is judged; bounded, and raises nothing
    companions: Sequence[Companion]
    tell: Tell

    def joined_by(self, companion: Companion) -> Self:
        """The same with one more companion."""
        return replace(self, companions=(*self.companions, companion))

    async def work(self) -> None:
        """Work until stopped. Cancelling it cuts the steps in flight."""
        await self._guarded(self.prepare)
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(self._guarded(one)) for one in self.companions]
            await self.worker.work()
            for task in beside:
                task.cancel()

    def stop(self) -> None:
        """Start nothing more; `work` returns when the steps in flight are done."""
        self.worker.stop()

    async def _guarded(self, companion: Companion) -> None:
        try:
            await companion()
        except Exception:  # noqa: BLE001 - a fault of theirs must not keep runs from going on
            self.tell(Trouble("companion", traceback.format_exc()))
