"""A loop whose time stands still while there is something to do, and then jumps to what is next.

Whoever waits on it for an hour waits for a moment, and nothing is late. What comes over sockets has
to come from the same loop, which then has it at once; of other threads it knows nothing.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")
MOMENT = 0.05  # real seconds in which the system hands over what was sent


class _Jumping(selectors.DefaultSelector):
    """Waits for no longer than a moment: where it would, its time goes on by as much."""

    now = 0.0

    @override
    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(None if timeout is None else min(timeout, MOMENT))
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now


def run(story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(story)
