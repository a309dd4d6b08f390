"""Whether what is fast is also done: kills under load, and every effect counted outside.

Each press starts a run of three requests that may not be repeated, to a server of ours that counts
them. The engine is killed with -9 while presses come in and runs are under way, and another one goes
on. In the end every acknowledged event is in the database with its run, a run that succeeded has had
each of its effects, and no effect has come twice.
"""

import asyncio
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.figure import Bar, Figure, require
from tests.benchmarks.served import lay_out, serving

CONNECTIONS: Final = 16
PLAYBOOK: Final = """\
trigger: {action: act}
steps:
  - http: {method: POST, url: "{{ config.target }}"}
  - http: {method: POST, url: "{{ config.target }}"}
  - http: {method: POST, url: "{{ config.target }}"}
"""
_UNDER_WAY: Final = "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')"
_UNJUDGED: Final = "SELECT count(*) FROM events WHERE matched IS NULL"
_EVENTS: Final = "SELECT count(*) FROM events"
_KEY: Final = b"Idempotency-Key: "


@contextmanager
def counting(effects: "Counter[str]") -> Iterator[str]:
    """A server that answers 200, and counts by idempotency key: run and step."""
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                effects[head.split(_KEY)[1].split(b"\r\n")[0].decode()] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the engine was killed

    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def measure(*, quick: bool) -> Iterator[Figure]:
    kills, presses = (
        (2, 500) if quick else (8, 1500)
    )  # of one life, somewhere in which it is killed
    chance = random.Random(7)  # noqa: S311 - the same kills each time
    effects: Counter[str] = Counter()
    acknowledged: set[str] = set()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, counting(effects) as target:
        folder = Path(name)
        lay_out(folder, {"act": PLAYBOOK}, target=target)
        for life in range(kills + 1):
            with serving(folder) as engine:
                sending = load.start(
                    *(engine.port, "/flashduty/actions/act"),
                    connections=CONNECTIONS, seconds=60, count=presses, first=1 + life * 10**6,
                )  # fmt: skip
                if life < kills:
                    before = engine.count(_EVENTS)
                    engine.until(_EVENTS, before + chance.randrange(1, presses * 2 // 3))
                    engine.kill()
                numbers = load.finish(sending).acknowledged
                acknowledged.update(map(load.event_id, numbers))
                if life == kills:
                    engine.until(f"SELECT NOT ({_UNJUDGED}) AND NOT ({_UNDER_WAY})", 1)
        with closing(sqlite3.connect(folder / "engine.db")) as db:
            kept = {key for (key,) in db.execute("SELECT key FROM events")}
            runs = dict(db.execute("SELECT id, state FROM runs"))
            events = db.execute("SELECT count(DISTINCT event) FROM runs").fetchone()[0]
    require(len(kept) == len(runs) == events, f"{len(kept)} events and {len(runs)} runs")
    states = Counter(runs.values())
    missing = sum(
        not effects[f"{run}:steps/{step}"]
        for run, state in runs.items()
        for step in range(3)
        if state == "succeeded"
    )
    twice = sum(count > 1 for count in effects.values())
    asked = f"{states['waiting']} ask a person" if states["waiting"] else "none asks a person"
    lost = len(acknowledged - kept)
    yield Figure(
        *("events lost", lost, f"of {len(acknowledged):,}", f"in {kills} kills under load"), Bar(0)
    )
    yield Figure(
        *("effects missing", missing, f"of {3 * states['succeeded']:,}"),
        f"of runs that succeeded; of the others {asked} about a step that was cut",
        Bar(0),
    )
    yield Figure(
        *("effects twice", twice, f"of {len(effects):,}", "requests that may not be repeated"),
        Bar(0),
    )
    yield Figure(*("all of it", time.monotonic() - began, "s", "kills and restarts included"))
