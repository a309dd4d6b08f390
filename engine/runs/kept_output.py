"""The promise to keep the whole of what a command writes, where its result has room for a part."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptStream:
    """What became of one stream that something was written to."""

    file: str | None  # absolute; None: nothing of it is kept
    size: int  # bytes of it that are kept, masked
    whole: bool
    error: str | None = None  # why no more of it could be kept


class Output(Protocol):
    """The output of one attempt at one step.

    Rules: nothing that must not be seen is kept, not even for a moment; what cannot be kept is
    said at the end and raises nothing; what another attempt left is not overwritten.
    """

    def write(self, stream: str, data: bytes, /) -> "asyncio.Future[None] | None":
        """Keep what came. The next piece of the stream may come when the answer is done, or now."""
        ...

    async def close(self) -> Mapping[str, KeptStream]:
        """No more comes: each stream that something came of, by its name."""
        ...


Keep = Callable[[str, str, int], Output]  # for this run, path and attempt


class _Nothing:
    """Keeps no output."""

    def write(self, *_: object) -> None:
        return None

    async def close(self) -> Mapping[str, KeptStream]:
        return {}


def keep_nothing(*_: object) -> Output:
    """A Keep for an engine that is not to keep output."""
    return _Nothing()
