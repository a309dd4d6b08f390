"""Throws bytes at the receiver: whole requests and bodies, mutated, through the real connection.

    python -m tests.fuzz.receiver [--inputs 200000] [--seed 1]

The connection, the application, the sources and the ledger are the real ones; between them and the
bytes there is no socket, so that it makes thousands a second. Whatever comes is answered with a
4xx and a sentence, or kept; nothing is answered 5xx, nothing reaches the ledger without the token.
"""

import argparse
import asyncio
import itertools
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from typing_extensions import override
from uvicorn.server import ServerState

from engine.cli.serving import server
from engine.events.event import Event
from engine.events.json_body import BodyLimits
from engine.events.kept import HEADERS, Kept
from engine.events.senders import Senders
from engine.runs.arriving import Arriving
from engine.runs.label_calls import NoLabels
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    IncidentWebhookSource,
    LabelMappingSource,
)
from engine.store.sqlite import SqliteLedger, open_ledger
from engine.web.app import create_app
from engine.web.connection import Connection
from engine.web.failures import Failures
from engine.web.labels import answering
from engine.web.metrics import Metrics
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver, committing

TOKEN: Final = "fuzz-token-5c1e"
FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
PATHS: Final = {
    "custom-action": "/flashduty/actions/restart-host",
    "incident-webhook": "/flashduty/incidents",
    "alert-webhook": "/flashduty/alerts",
    "label-mapping": "/flashduty/labels/add-labels",
}
TOKENS: Final = [
    b"NaN", b"Infinity", b"-0", b"1e400", b"1" + b"0" * 400, b"1e-400", b"18446744073709551616",
    b"\\u0000", b"\\ud800", b"\\udfff\\ud800", b"\\u003a", b"\\\\u003a", b"\x00", b"\xff", b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b"\r\n\r\n", b"\n", b"{", b"}", b"[", b"]", b'"', b"\\",
    b":", b",", b'{"a":', b"[[[[[[[[", b"[" * 300, b'{"a":' * 120, b'"event_id":', b'"incident":{}',
    b"null", b"true", b"{{ 7*7 }}", b"\x1b[2J", b"../../etc/passwd", b"' OR 1=1 --", b"%00", b"%2f",
    b"%2e%2e", b"//", b"http://x/", b"HTTP/1.0", b"HTTP/9.9", b"Content-Length: 0\r\n",
    b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Content-Encoding: gzip\r\n", b"X-Forwarded-For: ::1\r\n",
    b"X-Engine-Token: \r\n", b"Host: x/y?z\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"a" * 5000, b"GET ",
    b"CONNECT ", b"/healthz", b"/metrics", b"?token=", b"#", b"*", b" ", b"\t", b"\x7f", b"\xe2\x80\xae",
]  # fmt: skip


@dataclass
class Found:
    """What came of it."""

    inputs: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds of the processor for one input
    wrong: list[tuple[str, bytes]] = field(default_factory=list)
    grown: int = 0  # KiB of resident memory since a tenth of the inputs


class Wire(asyncio.Transport):
    """What uvicorn takes for a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 5000) if name == "peername" else default

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def close(self) -> None:
        self.closed = True

    abort = close

    @override
    def pause_reading(self) -> None: ...

    @override
    def resume_reading(self) -> None: ...


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The same with some of it flipped, cut, repeated, or replaced by what is known to hurt."""
    made = bytearray(data)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(made) + 1)
        end = min(len(made), at + chance.choice((0, 1, 2, 8, 64)))
        match chance.randrange(6):
            case 0:
                made[at:at] = chance.choice(TOKENS)
            case 1:
                made[at:end] = chance.choice(TOKENS)
            case 2:
                made[at:end] = b""
            case 3:
                made[at:at] = made[at:end] * chance.choice((1, 2, 50))
            case 4 if at < len(made):
                made[at] = chance.randrange(256)
            case _:
                made[at:end] = chance.randbytes(end - at)
    return bytes(made)


def request(chance: random.Random, name: str, body: bytes, token: str | None) -> bytes:
    """A sound request, in one of the forms that HTTP has for it."""
    path = PATHS[name] + chance.choice(("", "", "?dc=nj", "?a=b&a=c"))
    shown = "" if token is None else f"X-Engine-Token: {token}\r\n"
    if chance.random() < 0.2:
        framing = "Transfer-Encoding: chunked\r\n"
        cut = chance.randrange(len(body) + 1)
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        framing = f"Content-Length: {len(body)}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n"
    return (head + shown + framing + "\r\n").encode() + body


class Fuzzer:
    """One engine's web side, and what is thrown at it."""

    def __init__(self, ledger: SqliteLedger, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - it has to be repeatable
        self.found = Found()
        self.ledger = ledger
        self.faults: list[Exception] = []
        self.arriving = Arriving(time.monotonic, asyncio.sleep)
        self.bodies = {name: (FIXTURES / f"{name}.vendor-page.json").read_bytes() for name in PATHS}
        self.config = server(self._app()).config
        self.state = ServerState()

    def _app(self) -> Starlette:
        ids = itertools.count(1)
        metrics = Metrics.create()
        senders, kept = Senders((TOKEN,)), Kept.of(HEADERS, (TOKEN,))
        limits = BodyLimits(items=2000)

        async def no_labels(_: Event, __: float) -> NoLabels:
            return NoLabels("no-labels", "nothing is known")

        sources = {
            "/flashduty/actions/{action}": CustomActionSource(senders, kept, limits),
            "/flashduty/incidents": IncidentWebhookSource(senders, kept, limits),
            "/flashduty/alerts": AlertWebhookSource(senders, kept, limits),
            "/flashduty/labels/{action}": LabelMappingSource(senders, kept, limits),
        }
        return create_app(
            receivers={
                path: Receiver(
                    source=source,
                    take=answering(no_labels)
                    if "labels" in path
                    else committing(self.ledger.accept, lambda: None, self.arriving),
                    count=metrics.count_delivery,
                    refused=lambda *_: None,
                    new_id=lambda: f"E{next(ids)}",
                    clock=time.time,  # noqa: TID251 - as the engine's
                    max_body=64 * 1024,
                    failures=Failures(time.monotonic),
                )
                for path, source in sources.items()
            },
            check=self.ledger.check,
            state=dict,
            metrics=lambda: metrics.text(self.ledger.backlog),
            monitor=Monitor(Failures(time.monotonic)),
            fault=self.faults.append,
        )

    async def throw(self, sent: bytes, pieces: int) -> bytes:
        """What is answered."""
        wire = Wire()
        connection = Connection(self.config, self.state, {})
        connection.connection_made(wire)
        cuts = sorted(self.chance.randrange(len(sent) + 1) for _ in range(pieces - 1))
        for start, end in itertools.pairwise([0, *cuts, len(sent)]):
            if wire.closed:
                break
            connection.data_received(sent[start:end])
            await asyncio.sleep(0)
        # The tasks are uvicorn's, and tell nobody when they are done.
        while connection.tasks and not _starved(connection):  # noqa: ASYNC110
            await asyncio.sleep(0)
        connection.connection_lost(None)
        # Who waited for the rest of a body hears that it never comes.
        while connection.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
        return bytes(wire.written)

    async def one(self) -> None:
        """Throw one input, and look at what came of it."""
        chance = self.chance
        name = chance.choice(list(PATHS))
        body = self.bodies[name]
        stranger = chance.random() < 0.3
        token = None if stranger else TOKEN
        if chance.random() < 0.5:
            sent = request(chance, name, mutated(chance, body), token)
        else:
            sent = mutated(chance, request(chance, name, body, token))
        began = time.process_time()
        written = await self.throw(sent, chance.choice((1, 1, 2, 5)))
        self.found.slowest = max(self.found.slowest, time.process_time() - began)
        self.found.inputs += 1
        for said in _complaints(written, self.found.answers):
            self.found.wrong.append((said, sent))
        if stranger and b'{"event":' in written:
            self.found.wrong.append(("a stranger was let in", sent))
        if self.faults:
            self.found.wrong.append((f"a fault: {self.faults.pop()!r}", sent))


def _starved(connection: Connection) -> bool:
    """Whether it waits for bytes that do not come."""
    cycle = connection.cycle
    return cycle.more_body and not cycle.response_complete and not cycle.message_event.is_set()


def _complaints(written: bytes, answers: Counter[str]) -> Sequence[str]:
    """What is wrong with the answers, which are counted."""
    wrong = []
    if not written:
        answers["none"] += 1
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = lines[0].split(" ")[1]
        if status == "100":
            written = rest
            continue
        answers[status] += 1
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers["content-length"])
        body, written = rest[:length], rest[length:]
        if status.startswith("5"):
            wrong.append(f"answered {status}: {body[:200]!r}")
        elif headers["content-type"] == "application/json":
            answer = json.loads(body) if body else {}
            if status != "200" and not answer.get("error", {}).get("message"):
                wrong.append(f"answered {status} without a sentence")
        if TOKEN.encode() in head + body:
            wrong.append("the token was answered")
    return wrong


async def fuzz(folder: Path, inputs: int, seed: int, tell: Callable[[Found], None]) -> Found:
    """Throw so many, and say what was found."""
    with open_ledger(folder / "fuzz.db") as ledger:
        fuzzer = Fuzzer(ledger, seed)
        settled = 0
        for number in range(inputs):
            await fuzzer.one()
            if number == inputs // 10:
                settled = _resident()
            if number % 10_000 == 9_999:
                tell(fuzzer.found)
            if len(fuzzer.found.wrong) > 20:
                break
        fuzzer.found.grown = _resident() - settled
    return fuzzer.found


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    """Throw, print what was found; 1 if anything was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def tell(found: Found) -> None:
        print(found.inputs, dict(found.answers), f"slowest {found.slowest:.3f} s", flush=True)

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(fuzz(Path(folder), options.inputs, options.seed, tell))
    tell(found)
    print(f"{time.monotonic() - began:.0f} s, resident memory grew by {found.grown} KiB")
    for said, sent in found.wrong:
        print(said, sent)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
