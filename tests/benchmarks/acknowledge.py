"""Durable acknowledgements a second, beside a bare Starlette app that reads the body and answers 200.

Both are served by the same uvicorn, get the vendor's example from the same client, and are measured
in turn. While many events come in the engine judges few of them: what it computes for one, and how
many it can take for ever, is measured until the last of them is judged. It is killed with -9 while
the last events come in, and every event whose 200 came back has to be in the database.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.benchmarks import load
from tests.benchmarks.figure import Bar, Figure, quantile, require
from tests.benchmarks.served import Served, free_port, lay_out, serving, started

CONNECTIONS: Final = 64
WARM: Final = 0.5  # seconds before anything is measured
CUT_AFTER: Final = 1000  # events, of the load that the kill cuts
JUDGED: Final = "SELECT NOT EXISTS (SELECT 1 FROM events WHERE matched IS NULL)"
EVENTS: Final = "SELECT count(*) FROM events"
PATH: Final = "/flashduty/actions/nothing"
# Ten that are asked about each event, or found not to be concerned.
PLAYBOOKS: Final = {
    f"other-{number}": f"trigger: {{when: \"labels.check == 'c{number}'\"}}\nsteps: [{{wait: 1s}}]\n"
    for number in range(10)
}
BARE: Final = (
    "import asyncio; from engine.cli.serving import bind, server; "
    "from tests.benchmarks.acknowledge import bare; "
    "asyncio.run(server(bare).serve([bind('127.0.0.1', {port})]))"
)


async def _answer(request: Request) -> Response:
    await request.body()
    return JSONResponse({"event": "0" * 26, "duplicate": False})


bare = Starlette(routes=[Route("/{path:path}", _answer, methods=["POST"])])


@dataclass(frozen=True)
class _Taken:
    """One load, and what the server made of it once it was done with it."""

    answered: load.Answered
    cpu: float  # microseconds that the server computed for each
    sustained: float  # a second, until it was done


def _taken(
    server: Served, seconds: float, first: int, done: Callable[[Served], None] | None = None
) -> _Taken:
    """`done` waits until the server has nothing left to do for what it has answered."""
    before = server.cpu()
    answered = load.load(server.port, PATH, connections=CONNECTIONS, seconds=seconds, first=first)
    require(not answered.cut, "the server closed its connections")
    count, took = len(answered.times), answered.seconds
    if done is not None:
        done(server)
        took = time.perf_counter() - answered.began
    return _Taken(answered, (server.cpu() - before) / count * 1e6, count / took)


def _judged(engine: Served) -> None:
    """All that was taken; it would take its part of the other one's time, too."""
    engine.until(JUDGED, 1)


def measure(*, quick: bool) -> Iterator[Figure]:
    rounds, seconds = (3, 1.5) if quick else (5, 3.0)
    of_bare: list[_Taken] = []
    of_engine: list[_Taken] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, PLAYBOOKS)
        port = free_port()
        with (
            started([sys.executable, "-c", BARE.format(port=port)], port, folder) as plain,
            serving(folder) as engine,
        ):
            _taken(plain, WARM, 1)
            acknowledged = set(_taken(engine, WARM, 1, _judged).answered.acknowledged)
            for number in range(1, rounds + 1):
                of_bare.append(_taken(plain, seconds, number * 10**7))
                of_engine.append(_taken(engine, seconds, number * 10**7, _judged))
                acknowledged.update(of_engine[-1].answered.acknowledged)
            cut = load.start(
                *(engine.port, PATH), connections=CONNECTIONS, seconds=60, count=10**6, first=10**9
            )
            engine.until(EVENTS, engine.count(EVENTS) + CUT_AFTER)
            engine.kill()
            acknowledged.update(load.finish(cut).acknowledged)
        lost = acknowledged - kept(folder)
    yield Figure(
        *("events lost", len(lost), f"of {len(acknowledged)}"),
        "acknowledged, and not in the database after a kill -9 under load",
        Bar(0),
    )
    rates = [one.answered.per_second for one in of_engine]
    bares = [one.answered.per_second for one in of_bare]
    yield Figure(
        *("durable acknowledgements", statistics.median(rates), "/s"),
        "parsed, checked, committed with synchronous=FULL; most are judged when there is time",
        Bar(0.35, 0.5, of="ratio", at_least=True),
        *_beside(rates, bares),
    )
    sustained = [one.sustained for one in of_engine]
    yield Figure(
        *("acknowledged and judged", statistics.median(sustained), "/s"),
        "the same, until the last of them is judged by ten playbooks: what it can take for ever",
        None,
        *_beside(sustained, bares),
    )
    cpu = statistics.median(one.cpu for one in of_engine)
    cpu_bare = statistics.median(one.cpu for one in of_bare)
    yield Figure(
        *("CPU time for one", cpu, "us"),
        "of all threads of the engine, judging included; says the same on a busy machine",
        *(None, cpu / cpu_bare, f"a bare app's {cpu_bare:,.0f} us"),
    )
    times = [taken * 1000 for one in of_engine for taken in one.answered.times]
    times_bare = [taken * 1000 for one in of_bare for taken in one.answered.times]
    p99, p99_bare = quantile(times, 0.99), quantile(times_bare, 0.99)
    yield Figure(
        *("p99 of an answer", p99, "ms"),
        f"at {CONNECTIONS} connections that send as fast as they are answered",
        *(None, p99 / p99_bare, f"a bare app's {p99_bare:.1f} ms"),
    )


def _beside(rates: list[float], bares: list[float]) -> tuple[float, str]:
    """Each beside the one that was measured before it."""
    ratio = statistics.median(one / other for one, other in zip(rates, bares, strict=True))
    return ratio, f"a bare app's {statistics.median(bares):,.0f}/s"


def kept(folder: Path) -> set[int]:
    """The numbers of the presses that are in the ledger."""
    with closing(sqlite3.connect(folder / "engine.db")) as db:
        return {int(key, 16) for (key,) in db.execute("SELECT key FROM events")}
