"""Sends presses over kept-alive connections and times each answer. Run as a process of its own.

One loop over plain sockets: whatever the client costs is taken from what it measures, as the engine
has one core and this has the other.
"""

import argparse
import json
import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.real_engine import TOKEN

ROOT: Final = Path(__file__).parents[2]
BODY: Final = ROOT / "tests/fixtures/custom-action.vendor-page.json"
PLACE: Final = b"fac0599a2a25529ba2362c0c184b6cfb"  # the event_id of the vendor's example
PATIENCE: Final = 60.0  # seconds without any answer, after which the load is over
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answered:
    """What became of a load. Times are seconds, in the order of the answers."""

    began: float  # by time.perf_counter, which is the same in every process of a machine
    seconds: float
    times: list[float]
    acknowledged: list[int]  # the numbers whose 200 came back
    cut: bool  # the other side went away

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds


def event_id(number: int) -> str:
    """Of the press with this number."""
    return f"{number:032x}"


def load(
    port: int,
    path: str,
    *,
    connections: int,
    seconds: float = 3600,
    count: int = sys.maxsize,
    first: int = 1,
) -> Answered:
    """Presses, for so long or so many, by another process."""
    started = start(port, path, connections=connections, seconds=seconds, count=count, first=first)
    return finish(started)


def start(port: int, path: str, **options: float) -> "subprocess.Popen[str]":
    """The same, for who has something else to do meanwhile; `finish` waits for it."""
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load", f"--port={port}", f"--path={path}", *given],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def finish(process: "subprocess.Popen[str]") -> Answered:
    """What a load found; its failure is ours."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the load could not be sent")
    return Answered(**json.loads(said))


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    number: int = 0
    began: float = 0.0
    got: bytes = b""


@dataclass
class _Client:
    head: bytes
    before: bytes
    after: bytes
    first: int
    most: int
    until: float
    times: list[float] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    sent: int = 0

    def send(self, one: _Connection) -> bool:
        """The next press; False when there are no more."""
        if self.sent >= self.most or time.perf_counter() >= self.until:
            return False
        one.number, one.got = self.first + self.sent, b""
        self.sent += 1
        press = self.head + self.before + event_id(one.number).encode() + self.after
        one.began = time.perf_counter()
        if one.socket.send(press) != len(press):
            raise SystemExit("a press did not fit into the socket's buffer")
        return True

    def take(self, one: _Connection) -> bool:
        """What came; False when there is more to come."""
        came = one.socket.recv(65536)
        if not came:
            raise ConnectionResetError
        one.got += came
        end = one.got.find(b"\r\n\r\n")
        length = _LENGTH.search(one.got, 0, end) if end > 0 else None
        if length is None or len(one.got) < end + 4 + int(length[1]):
            return False
        self.times.append(time.perf_counter() - one.began)
        if not one.got.startswith(b"HTTP/1.1 200"):
            raise SystemExit(one.got.decode(errors="replace"))
        self.acknowledged.append(one.number)
        return True


def _sent(port: int, connections: int, client: _Client) -> bool:
    """Whether it was cut before its end."""
    going: dict[int, _Connection] = {}
    poll = select.epoll()
    try:
        for _ in range(connections):
            one = _Connection(socket.create_connection(("127.0.0.1", port)))
            one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if client.send(one):
                going[one.socket.fileno()] = one
                poll.register(one.socket, select.EPOLLIN)
        while going:
            ready = poll.poll(PATIENCE)
            if not ready:
                return True
            for handle, _ in ready:
                if client.take(going[handle]) and not client.send(going[handle]):
                    poll.unregister(handle)
                    going.pop(handle).socket.close()
    except OSError:
        return True
    finally:
        for one in going.values():
            one.socket.close()
    return False


def main() -> None:
    """Print what an Answered is made of."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    options = parser.parse_args()
    before, after = BODY.read_bytes().split(PLACE)
    length = len(before) + len(PLACE) + len(after)
    head = (
        f"POST {options.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Engine-Token: {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    )
    began = time.perf_counter()
    until = began + options.seconds
    client = _Client(head.encode(), before, after, options.first, options.count, until)
    cut = _sent(options.port, options.connections, client)
    answered: dict[str, Any] = {
        "began": began,
        "seconds": time.perf_counter() - began,
        "times": client.times,
        "acknowledged": client.acknowledged,
        "cut": cut,
    }
    print(json.dumps(answered))


if __name__ == "__main__":
    main()
