"""A page of every list that people have, out of 1,000,000 runs, beside the same out of 1,000.

Every choice of state and playbook, at the newest rows and behind a cursor in the middle. Each page is
read on a connection of its own, as a command does, from a file that the system has in memory; the
slowest of all is what has to hold the bar.
"""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from engine.runs.run import RunState
from engine.store.records import Page, Records, open_records
from tests.benchmarks.figure import Bar, Figure, require
from tests.benchmarks.filled import RARE, fill

SIZE: Final = 20  # what a list shows unless it is told otherwise
FEW: Final = 1000
ROUNDS: Final = 5
Read = Callable[[Records], object]


def lists(runs: int) -> Iterator[tuple[str, Read]]:
    """By what a person would type."""
    states: list[str | None] = [None, *(state.value for state in RunState)]
    for state, playbook, before in itertools.product(
        states, (None, "p0", "p1", "p7"), (None, str(runs // 2))
    ):
        for skipped in (False, True) if state is None else (True,):
            words = [
                "runs list",
                *([f"--state {state}"] if state else []),
                *([f"--playbook {playbook}"] if playbook else []),
                *(["--skipped"] if skipped and state is None else []),
                *(["--before HALF"] if before else []),
            ]
            yield " ".join(words), partial(_runs, state, playbook, before, skipped)
    yield "events list", lambda records: records.events(SIZE, None)
    yield "events list --before HALF", lambda records: records.events(SIZE, str(runs // 2))


def _runs(
    state: str | None, playbook: str | None, before: str | None, skipped: bool, records: Records
) -> Page:
    return records.runs(SIZE, before, state, playbook, skipped=skipped)


def slowest(path: Path, read: Read) -> float:
    """Milliseconds, of the best of a few rounds: what is left is not the machine's mood."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with open_records(path) as records:
            read(records)
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


def measure(*, quick: bool) -> Iterator[Figure]:
    many = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        small, large = (Path(name) / f"{count}.db" for count in (FEW, many))
        fill(small, FEW)
        began = time.perf_counter()
        fill(large, many)
        filled = time.perf_counter() - began
        times_small = {what: slowest(small, read) for what, read in lists(FEW)}
        times = {what: slowest(large, read) for what, read in lists(many)}
        with open_records(large) as records:
            found = records.runs(SIZE, None, "cancelled", "p1").items
            require(len(found) == min(SIZE, RARE), "what is rare was not found")
            end = records.runs(1, None, None, None).items[0].id[-6:]
        by_end = slowest(large, lambda records: records.run(end))
    worst, ms = max(times.items(), key=lambda item: item[1])
    few = times_small[worst]
    yield Figure(
        *(f"the slowest page out of {many:,}", ms, "ms"),
        f"of {len(times)} lists: engine {worst}",
        Bar(50),
        *(ms / few, f"the same out of {FEW:,}, {few:.1f} ms"),
    )
    plain, little = times["runs list"], times_small["runs list"]
    yield Figure(
        *("engine runs list", plain, "ms", "the newest that are not skipped"),
        *(None, plain / little, f"the same out of {FEW:,}, {little:.1f} ms"),
    )
    yield Figure(*("a run by the end of its id", by_end, "ms", "engine runs show, of six letters"))
    yield Figure(*("the ledger filled", filled, "s", f"with {many:,} events and runs, to measure"))
