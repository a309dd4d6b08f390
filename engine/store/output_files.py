"""Writes what commands write into files, masked while it comes, in a thread of its own.

A disk that is slow holds up the command and nobody else; one that is full costs the rest of its
output, and is told once.
"""

import asyncio
import codecs
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from engine.playbooks.units import format_size
from engine.runs.happening import Tell, Trouble
from engine.runs.kept_output import Keep, KeptStream, Output, keep_nothing
from engine.runs.redaction import Masking, Redactor
from engine.store.output_folder import OutputFolder

# Bytes of the disk that are left to the ledger: without room for that no event could be taken.
RESERVE: Final = 256 * 1024**2


class OutputFiles:
    """Keeps up to `limit` bytes of each stream of each attempt."""

    def __init__(
        self,
        folder: OutputFolder,
        limit: int,
        redactor: Redactor,
        tell: Tell,
        reserve: int = RESERVE,
    ) -> None:
        self.folder = folder
        self.limit = limit
        self.redactor = redactor
        self.reserve = reserve
        self.thread = ThreadPoolExecutor(1, "output-writer")
        self._tell = tell
        self._failing = False

    def keep(self, run_id: str, path: str, attempt: int) -> Output:
        """A Keep."""
        return _Files(self, run_id, path, attempt)

    def note(self, file: Path, error: str | None) -> None:
        """How it went with one more attempt: the first of several that fail is told."""
        if error is not None and not self._failing:
            said = f"{file}: {error}; not all that shell steps write is kept"
            self._tell(Trouble("output", said))
        self._failing = error is not None

    def close(self) -> None:
        """Write what is waiting."""
        self.thread.shutdown()


@contextmanager
def kept_output(
    database: Path, limit: int | None, redactor: Redactor, tell: Tell
) -> Iterator[Keep]:
    """In files beside a database, up to `limit` bytes of each stream; None: nothing is kept."""
    if limit is None:
        yield keep_nothing
        return
    files = OutputFiles(OutputFolder.beside(database), limit, redactor, tell)
    try:
        yield files.keep
    finally:
        files.close()


class _Files:
    """Those of one attempt, made when something comes for them."""

    def __init__(self, keeper: OutputFiles, run_id: str, path: str, attempt: int) -> None:
        self._keeper = keeper
        self._key = run_id, path, attempt
        self._stem: str | None = None
        self._streams: dict[str, _File] = {}

    def write(self, stream: str, data: bytes) -> "asyncio.Future[None] | None":
        file = self._streams.get(stream)
        if file is None:
            keeper = self._keeper
            masking = keeper.redactor.stream()
            make = partial(self._make, stream)
            file = self._streams[stream] = _File(make, masking, keeper.limit, keeper.reserve)
        if file.ended:
            return None
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._keeper.thread, file.write, data)

    async def close(self) -> Mapping[str, KeptStream]:
        if not self._streams:
            return {}
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(self._keeper.thread, self._close)
        closing.add_done_callback(lambda _: self._report())
        await asyncio.shield(closing)  # what was held back is written whoever is in a hurry
        return {name: file.kept for name, file in self._streams.items()}

    def _make(self, stream: str) -> Path:
        run_id, path, attempt = self._key
        folder = self._keeper.folder.make_for(run_id)
        if self._stem is None:
            self._stem = self._keeper.folder.unused_stem(run_id, path, attempt)
        return folder / f"{self._stem}.{stream}"

    def _close(self) -> None:
        for file in self._streams.values():
            file.close()

    def _report(self) -> None:
        folder = self._keeper.folder.path / self._key[0]
        failed = [file for file in self._streams.values() if file.error is not None]
        first = failed[0] if failed else None
        where = folder if first is None or first.path is None else first.path
        self._keeper.note(where, None if first is None else first.error)


class _File:
    """One stream. Used by the thread that writes; the others only look."""

    def __init__(
        self, make: Callable[[], Path], masking: Masking, limit: int, reserve: int
    ) -> None:
        self.path: Path | None = None
        self.error: str | None = None
        self.ended = False  # nothing more is written
        self._make = make
        self._masking = masking
        # Every byte comes out again as it went in, whatever it is the text of.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._limit = limit
        self._reserve = reserve
        self._handle: int | None = None
        self._size = 0
        self._whole = True

    @property
    def kept(self) -> KeptStream:
        file = None if self.path is None else str(self.path)
        return KeptStream(file, self._size, self._whole, self.error)

    def write(self, data: bytes) -> None:
        if not self.ended:
            self._put(data, final=False)

    def close(self) -> None:
        if not self.ended:
            self._put(b"", final=True)
        if self._handle is None:
            return
        try:
            if self.error is None and os.fstat(self._handle).st_nlink == 0:
                self._failed("it was deleted while it was written")
            os.close(self._handle)
        except OSError as error:  # a disk may say only now that it has no room
            self._failed(error.strerror or str(error))

    def _put(self, data: bytes, *, final: bool) -> None:
        text = self._masking.add(self._decoder.decode(data, final))
        if final:
            text += self._masking.end()
        masked = text.encode("utf-8", "surrogateescape")
        room = self._limit - self._size
        try:
            if self._handle is None:
                self.path, self._handle = self._open()
            self._write(self._handle, masked[:room])
        except OSError as error:
            self._failed(error.strerror or str(error))
        if final or len(masked) > room:
            self._whole = self._whole and len(masked) <= room
            self.ended = True

    def _open(self) -> tuple[Path, int]:
        path = self._make()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        return path, os.open(path, flags, 0o600)

    def _write(self, handle: int, data: bytes) -> None:
        disk = os.fstatvfs(handle)
        if data and disk.f_bavail * disk.f_frsize - len(data) < self._reserve:
            left = f"the last {format_size(self._reserve)} of the disk are left to the ledger"
            raise OSError(errno.ENOSPC, left)
        while data:
            written = os.write(handle, data)
            self._size += written
            data = data[written:]

    def _failed(self, error: str) -> None:
        self.error, self._whole, self.ended = error, False, True
