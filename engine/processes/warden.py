"""The engine's side of its warden: starts the small process, and talks with it.

The warden is a process of its own because it has to be there when the engine is not: killed, out of
memory, crashed. And because looking through all processes must not hold up the engine's loop.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, Self

from typing_extensions import override

from engine.processes.ending import PATIENCE, Ended
from engine.processes.mark import EngineId, Mark, read_mark
from engine.processes.table import ProcessTable

_ROOT: Final = str(Path(__file__).parents[2])
# Isolated, and without site-packages: it starts in a moment, and stays small.
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); from engine.processes.program import main; main()"
)
_ANSWER: Final = 3 * PATIENCE  # seconds for an answer; the warden itself gives up before

StepKey = tuple[str, str, int]  # run, path, attempt


class Warden:
    """Sees to it that nothing a step starts outlives the step or the engine.

    It is started when it is first needed, and again when it was killed.
    """

    def __init__(self, installation: str, complain: Callable[[str], None]) -> None:
        """`installation` tells this engine's processes from any other's, also after a restart."""
        own = ProcessTable().read(os.getpid())
        self._engine = EngineId(installation, os.getpid(), own.start if own else 0)
        self._complain = complain
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: _Line | None = None
        self._numbers = count()
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of its process, once it was started."""
        return None if self._process is None else self._process.pid

    def mark(self, run_id: str, path: str, attempt: int) -> str:
        """What the environment of this attempt's command says, under mark.VARIABLE."""
        return Mark(self._engine, run_id, attempt, path).text

    async def ready(self) -> None:
        """To be awaited before a command is started. Raises OSError when no warden can be had."""
        await self._there()

    def begun(self, group: int) -> None:
        """A command runs in this process group."""
        self._groups.add(group)
        if self._line is not None:
            self._line.say("begun", str(group))

    async def end(self, group: int, mark: str) -> Sequence[Ended]:
        """The step is over: end what carries its mark. The group itself is ended by now."""
        self._groups.discard(group)
        ended = await self._ask("end", str(group), mark)
        for one in ended:
            if not one.gone:
                self._complain(f"{one.command} (pid {one.pid}) outlives its step: {mark}")
        return ended

    async def end_left_overs(self) -> Mapping[StepKey, Sequence[Ended]]:
        """End what dead engines of this installation left running, by the step that started it.

        To be awaited before unfinished runs are gone on with: a step that is performed again must
        not meet itself. Takes some milliseconds, or twice PATIENCE where processes do not obey.
        """
        by_step: dict[StepKey, list[Ended]] = {}
        for one in await self._ask("left"):
            mark = read_mark(one.mark)
            if mark is not None:
                by_step.setdefault((mark.run_id, mark.path, mark.attempt), []).append(one)
        return by_step

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let it go; it ends what is still there first."""
        if self._line is not None:
            self._line.close()
            self._line = None
        await self._bury()

    async def _ask(self, *words: str) -> Sequence[Ended]:
        """Ask, once more if the warden is killed meanwhile. What went wrong is complained of."""
        number = str(next(self._numbers))
        for attempt in ("first", "last"):
            try:
                line = await self._there()
                async with asyncio.timeout(_ANSWER):
                    return await line.ask(number, words[0], number, *words[1:])
            except OSError as error:  # TimeoutError is one, and so is a lost line
                if attempt == "last" or isinstance(error, TimeoutError):
                    self._complain(f"the warden cannot look for processes left behind: {error!r}")
                    break
        return []

    async def _there(self) -> "_Line":
        async with self._starting:
            if self._line is None or self._line.lost:
                self._line = await self._started()
            return self._line

    async def _started(self) -> "_Line":
        await self._bury()  # one that was killed would stay a zombie
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = self._start(theirs)
            except OSError:
                ours.close()
                raise
        _, line = await asyncio.get_running_loop().create_connection(_Line, sock=ours)
        for group in self._groups:
            line.say("begun", str(group))
        return line

    async def _bury(self) -> None:
        """Its line is closed, so that it ends."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, _ANSWER)

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        """It holds nothing of ours but the line, and hears no signal that is meant for us."""
        library_path = os.environ.get("LD_LIBRARY_PATH")  # some Pythons do not start without
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-c", _PROGRAM, _ROOT, *self._names()],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={} if library_path is None else {"LD_LIBRARY_PATH": library_path},
            cwd="/",
            start_new_session=True,
        )

    def _names(self) -> Sequence[str]:
        engine = self._engine
        return ("engine-warden", engine.installation, str(engine.pid), str(engine.start))


class _Line(asyncio.Protocol):
    """The socket between the two."""

    def __init__(self) -> None:
        self.lost = False
        self._transport: asyncio.WriteTransport | None = None
        self._heard = b""
        self._asked: dict[str, asyncio.Future[Sequence[Ended]]] = {}

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - a socket's always is
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        for one in lines:
            number, *words = one.decode().split("\0")
            asked = self._asked.pop(number, None)
            if asked is not None and not asked.done():
                asked.set_result(_read_ended(words))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionResetError("the warden has ended"))
        self._asked.clear()

    def say(self, *words: str) -> None:
        if self._transport is not None and not self.lost:
            self._transport.write("\0".join(words).encode() + b"\n")

    async def ask(self, number: str, *words: str) -> Sequence[Ended]:
        """What is said goes out before anything is awaited: cutting the wait recalls nothing."""
        asked: asyncio.Future[Sequence[Ended]] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        self.say(*words)
        return await asked

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _read_ended(words: Sequence[str]) -> Sequence[Ended]:
    records = zip(*[iter(words)] * 4, strict=True)
    return [Ended(int(pid), mark, command, gone == "1") for pid, mark, command, gone in records]
