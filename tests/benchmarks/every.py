"""Every benchmark by its name, and how one is measured."""

import cProfile
import multiprocessing
import pstats
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final, Protocol

from tests.benchmarks import (
    acknowledge,
    busy,
    first_step,
    honesty,
    idle,
    lint,
    match,
    memory,
    pages,
    recovery,
    runs,
    split,
    start,
)
from tests.benchmarks.figure import Figure
from tests.benchmarks.table import Result


class Measure(Protocol):
    """What each benchmark has."""

    def __call__(self, *, quick: bool) -> Iterator[Figure]:
        """Its figures. Raises DishonestError where what was measured was not done."""
        ...


BENCHMARKS: Final[Mapping[str, Measure]] = {
    "acknowledge": acknowledge.measure,
    "busy": busy.measure,
    "split": split.measure,
    "match": match.measure,
    "first-step": first_step.measure,
    "runs": runs.measure,
    "recovery": recovery.measure,
    "start": start.measure,
    "lint": lint.measure,
    "memory": memory.measure,
    "idle": idle.measure,
    "pages": pages.measure,
    "honesty": honesty.measure,
}


def measured(name: str, quick: bool) -> list[Figure]:
    """In the process that is called."""
    return list(BENCHMARKS[name](quick=quick))


def alone(name: str, quick: bool) -> list[Figure]:
    """In a process of its own, that nothing before it has touched."""
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as pool:
        return pool.submit(measured, name, quick).result()


def profiled(name: str, quick: bool) -> list[Figure]:
    """Here, and what of this process took the longest."""
    with cProfile.Profile() as profile:
        figures = measured(name, quick)
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(35)
    return figures


def result_of(name: str, quick: bool, how: Callable[[str, bool], list[Figure]]) -> Result:
    began = time.monotonic()
    try:
        figures, failure = how(name, quick), None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the others are measured all the same
        figures, failure = [], f"{type(error).__name__}: {error}"
    return Result(name, time.monotonic() - began, figures, failure)
