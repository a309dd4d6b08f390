"""How soon an event is acknowledged while everything else is busy.

At 64 connections, while 200 shell steps run and 10,000 runs queue; beside the same engine before that.
The events are of an action that starts nothing, sent as fast as they are answered. In the end it is
killed with -9, and every event whose 200 came back has to be in the database.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.acknowledge import kept
from tests.benchmarks.figure import Bar, Figure, quantile, require
from tests.benchmarks.served import lay_out, serving

CONNECTIONS: Final = 64
STEPS: Final = 200
NOTHING: Final = "/flashduty/actions/nothing"
# Each wakes up once a second, starts a process, and says something.
PLAYBOOK: Final = """\
trigger: {action: work}
steps:
  - shell: {script: 'while sleep 1; do echo still at work; done'}
    timeout: 1h
"""
WAITER: Final = "trigger: {action: rest}\nsteps: [{wait: 1h}]\n"
_GOING: Final = "SELECT count(*) FROM steps WHERE outcome IS NULL AND started IS NOT NULL"
_QUEUED: Final = "SELECT count(*) FROM runs WHERE state = 'queued'"
_WAITING: Final = "SELECT count(*) FROM runs WHERE state = 'waiting'"


def measure(*, quick: bool) -> Iterator[Figure]:
    seconds, waiting = (4.0, 2000) if quick else (15.0, 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, {"work": PLAYBOOK}, runs=STEPS)
        with serving(folder) as engine:
            idle = load.load(engine.port, NOTHING, connections=CONNECTIONS, seconds=seconds / 3)
            work = load.load(
                *(engine.port, "/flashduty/actions/work"),
                connections=CONNECTIONS, count=STEPS + waiting, first=10**7,
            )  # fmt: skip
            engine.until(_GOING, STEPS)
            engine.until(_QUEUED, waiting)
            busy = load.load(
                *(engine.port, NOTHING), connections=CONNECTIONS, seconds=seconds, first=10**8
            )
            require(not busy.cut, "the engine closed its connections")
            going, queued = engine.count(_GOING), engine.count(_QUEUED)
            require(going == STEPS, f"{going} steps were going on")
            require(queued == waiting, f"{queued} runs were queued")
            alive = len(engine.children())
            require(alive >= STEPS, f"{alive} processes were there")
            engine.kill()
        taken = {number for one in (idle, work, busy) for number in one.acknowledged}
        require(taken <= kept(folder), "acknowledged events are not in the database")
    before = quantile(idle.times, 0.99) * 1000
    p99, worst = quantile(busy.times, 0.99) * 1000, max(busy.times) * 1000
    yield Figure(
        *("p99 of an answer, busy", p99, "ms"),
        f"{CONNECTIONS} connections, {STEPS} shell steps at work, {queued:,} runs queued",
        Bar(100),
        *(p99 / before, f"the idle engine's {before:.1f} ms"),
    )
    yield Figure(
        *("the slowest answer, busy", worst, "ms"),
        f"of {len(busy.times):,}; Flashduty gives up after 2,000 ms",
        Bar(1000),
        *(worst / (max(idle.times) * 1000), f"the idle engine's {max(idle.times) * 1000:.0f} ms"),
    )
    yield Figure(
        *("acknowledgements, busy", busy.per_second, "/s"),
        "the same, as a rate",
        *(None, busy.per_second / idle.per_second, f"the idle engine's {idle.per_second:,.0f}/s"),
    )
    times, times_before = beside_waiting(waiting, seconds / 2)
    yield Figure(
        *(f"p99 of an answer, {waiting:,} wait", quantile(times, 0.99) * 1000, "ms"),
        "as many runs wait for their time, and nothing else is done",
        *(None, quantile(times, 0.99) / quantile(times_before, 0.99), "the same engine before"),
    )


def beside_waiting(waiting: int, seconds: float) -> tuple[list[float], list[float]]:
    """How long answers take beside so many runs that wait, and how long they took before."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, {"rest": WAITER})
        with serving(folder) as engine:
            idle = load.load(engine.port, NOTHING, connections=CONNECTIONS, seconds=seconds)
            rest = "/flashduty/actions/rest"
            load.load(engine.port, rest, connections=16, count=waiting, first=10**7)
            engine.until(_WAITING, waiting)
            busy = load.load(
                *(engine.port, NOTHING), connections=CONNECTIONS, seconds=seconds, first=10**8
            )
            require(engine.count(_WAITING) == waiting, "some of the runs have gone on")
    return busy.times, idle.times
