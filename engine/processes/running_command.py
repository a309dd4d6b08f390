"""A command as it runs: read to its end, and ended with everything it left in its process group."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from typing_extensions import override

PATIENCE: Final = 5.0  # seconds between TERM and KILL
STREAMS: Final = {1: "stdout", 2: "stderr"}

Write = Callable[[str, bytes], "asyncio.Future[None] | None"]


class RunningCommand(asyncio.SubprocessProtocol):
    """A command as it runs: when it ended, and the first bytes of what it wrote.

    All it writes is read, so that it never blocks. Its end and the end of its output are two
    events: asyncio's own streams wait for both (until Python 3.12.4), and somebody who left the
    command's process group may keep its output open for ever.
    """

    def __init__(self, limit: int, begun: Callable[[int], None], write: Write) -> None:
        """`begun` is told the process group as soon as there is one.

        `write` gets all of a stream: a command is not read faster than that can be written.
        """
        self.exited = asyncio.Event()
        self.read_to_the_end = asyncio.Event()
        self._limit = limit
        self._begun = begun
        self._write = write
        self._transport: Any = None
        self.kept = {name: bytearray() for name in STREAMS.values()}
        self.cut: set[str] = set()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._begun(self._transport.get_pid())

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        name = STREAMS[fd]
        room = self._limit - len(self.kept[name])
        self.kept[name] += data[:room]
        if len(data) > room:
            self.cut.add(name)
        written = self._write(name, data)
        if written is not None:
            pipe = self._transport.get_pipe_transport(fd)
            pipe.pause_reading()
            written.add_done_callback(lambda _: pipe.resume_reading())

    @override
    def process_exited(self) -> None:
        self.exited.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.read_to_the_end.set()


async def started(
    starting: Coroutine[Any, Any, tuple[asyncio.SubprocessTransport, RunningCommand]],
    end: Callable[[int, RunningCommand], Awaitable[object]],
) -> tuple[asyncio.SubprocessTransport, RunningCommand]:
    """Starts a command. A cut has to wait until it has started, and ends it then.

    Left to itself asyncio would kill the command alone, and wait for the children it has by then.
    """
    task = asyncio.ensure_future(starting)
    cut: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cut = error
    if cut is None:
        return task.result()
    if task.exception() is None:
        transport, command = task.result()
        try:
            await end(transport.get_pid(), command)
        finally:
            close(transport)
    raise cut


async def end_group(group: int, command: RunningCommand) -> None:
    """TERM, then KILL, to everything the command started and left in its group."""
    if not _signal_group(group, signal.SIGTERM):
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await command.exited.wait()
            while _signal_group(group, 0):  # noqa: ASYNC110 - nobody tells when it is empty
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    finally:
        _signal_group(group, signal.SIGKILL)
    await within_patience(command.exited)  # another user's process, as sudo's, does not obey us


async def within_patience(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await event.wait()
    except TimeoutError:
        return


def close(transport: asyncio.SubprocessTransport) -> None:
    try:
        transport.close()
    except PermissionError:
        return  # it kills what still runs, and that is not ours to kill


def _signal_group(group: int, number: int) -> bool:
    """False when nobody is left in the group."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody is there whom we may not signal
    return True
