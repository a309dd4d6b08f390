"""A receiver and a worker in two processes, beside the same engine in one.

Many runs are to be carried out; meanwhile events of an action that starts nothing are sent as fast as
they are answered. The client has its part of the machine's processors, too.
"""

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.figure import Bar, Figure, quantile, require
from tests.benchmarks.served import lay_out, serving, working

CONNECTIONS: Final = 64
PLAYBOOK: Final = """\
trigger: {action: work}
steps: [{set: {a: 1}}, {set: {b: 2}}, {set: {c: 3}}]
"""
_BEGUN: Final = "SELECT count(*) FROM runs"
_DONE: Final = "SELECT count(*) FROM runs WHERE state = 'succeeded'"


@dataclass(frozen=True)
class _Found:
    p99: float  # milliseconds
    answers: float  # per second
    runs: float  # that ended, per second


def measure(*, quick: bool) -> Iterator[Figure]:
    seconds, waiting = (3.0, 4000) if quick else (8.0, 10_000)
    split = _measured(seconds, waiting, apart=True)
    whole = _measured(seconds, waiting, apart=False)
    yield Figure(
        *("p99 of an answer, two processes", split.p99, "ms"),
        f"{CONNECTIONS} connections, while {waiting:,} three-step runs are carried out",
        Bar(100),
        *(split.p99 / whole.p99, f"one process, {whole.p99:.0f} ms"),
    )
    yield Figure(
        *("acknowledgements, two processes", split.answers, "/s", "the same, as a rate"),
        *(None, split.answers / whole.answers, f"one process, {whole.answers:,.0f}/s"),
    )
    yield Figure(
        *("runs meanwhile, two processes", split.runs, "/s", "that ended while these were sent"),
        *(None, split.runs / whole.runs, f"one process, {whole.runs:,.0f}/s"),
    )


def _measured(seconds: float, waiting: int, *, apart: bool) -> _Found:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, {"work": PLAYBOOK})
        with serving(folder, "--no-worker") as receiver:
            work = "/flashduty/actions/work"
            load.load(receiver.port, work, connections=CONNECTIONS, count=waiting)
        with (
            serving(folder, *(["--no-worker"] if apart else [])) as engine,
            working(folder) if apart else nullcontext(),
        ):
            engine.until(_BEGUN, 1)
            before = engine.count(_DONE)
            nothing = "/flashduty/actions/nothing"
            sent = load.load(
                *(engine.port, nothing), connections=CONNECTIONS, seconds=seconds, first=10**7
            )
            done = engine.count(_DONE) - before
            require(not sent.cut, "the engine closed its connections")
            require(before + done < waiting, "there was nothing more to carry out")
            require(done > 0, "nothing was carried out meanwhile")
        p99 = quantile(sent.times, 0.99) * 1000
        return _Found(p99, sent.per_second, done / sent.seconds)
