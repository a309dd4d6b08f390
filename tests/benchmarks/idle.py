"""What an engine costs that has nothing to do: CPU time and wakeups, beside a bare app's."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.acknowledge import BARE, PLAYBOOKS
from tests.benchmarks.figure import Bar, Figure
from tests.benchmarks.served import Served, free_port, lay_out, serving, started

SETTLE: Final = 3.0  # seconds after its start
MEASURABLE: Final = 0.5  # percent of one CPU, below which `top` shows 0


def measure(*, quick: bool) -> Iterator[Figure]:
    seconds = 6.0 if quick else 20.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, PLAYBOOKS)
        port = free_port()
        with (
            started([sys.executable, "-c", BARE.format(port=port)], port, folder) as plain,
            serving(folder) as engine,
        ):
            time.sleep(SETTLE)
            before = [_used(one) for one in (plain, engine)]
            time.sleep(seconds)
            after = [_used(one) for one in (plain, engine)]
    (cpu_plain, woken_plain), (cpu, woken) = (
        [(end - begin) / seconds for begin, end in zip(first, last, strict=True)]
        for first, last in zip(before, after, strict=True)
    )
    yield Figure(
        *("CPU of an idle engine", cpu * 100, "%"),
        f"of one CPU, over {seconds:.0f} s, with ten playbooks that it watches",
        Bar(MEASURABLE),
        *(cpu / cpu_plain, f"an idle bare app's {cpu_plain * 100:.2f} %"),
    )
    yield Figure(
        *("wakeups of an idle engine", woken, "/s", "of any of its threads"),
        *(None, woken / woken_plain, f"an idle bare app's {woken_plain:.1f}/s"),
    )


def _used(one: Served) -> tuple[float, float]:
    return one.cpu(), one.wakeups()
