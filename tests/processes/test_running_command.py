"""A command is read to its end, and no faster than what it writes can be put away.

That it is ended with all it started is held by the tests of the shell step.
"""

import asyncio
import sys
from pathlib import Path

from engine.processes.running_command import RunningCommand, close

FLOOD = (
    "import os\nfor n in range(50): os.write(1, b'%05d' % n * 20000), os.write(2, b'y' * 100000)"
)


class Slow:
    """Puts away one piece of a stream at a time."""

    def __init__(self) -> None:
        self.got: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.busy: dict[str, asyncio.Future[None]] = {}

    def write(self, stream: str, data: bytes) -> "asyncio.Future[None]":
        assert stream not in self.busy or self.busy[stream].done(), "the piece before is not away"
        self.got[stream] += data
        loop = asyncio.get_running_loop()
        self.busy[stream] = loop.create_future()
        loop.call_later(0.0005, self.busy[stream].set_result, None)
        return self.busy[stream]


def test_a_stream_is_not_read_on_before_the_last_piece_is_away(tmp_path: Path) -> None:
    slow = Slow()
    groups: list[int] = []

    async def story() -> RunningCommand:
        loop = asyncio.get_running_loop()
        transport, command = await loop.subprocess_exec(
            lambda: RunningCommand(100, groups.append, slow.write),
            *(sys.executable, "-c", FLOOD),
            stdin=asyncio.subprocess.DEVNULL,
            cwd=tmp_path,
        )
        await command.exited.wait()
        await command.read_to_the_end.wait()
        close(transport)
        return command

    command = asyncio.run(story())
    assert slow.got["stdout"] == b"".join(b"%05d" % number * 20000 for number in range(50))
    assert slow.got["stderr"] == b"y" * 5_000_000
    kept = {name: bytes(part) for name, part in command.kept.items()}
    assert kept == {"stdout": b"00000" * 20, "stderr": b"y" * 100}
    assert command.cut == {"stdout", "stderr"}
    assert len(groups) == 1
