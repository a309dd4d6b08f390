"""How soon a command answers: `engine --help` and its like, beside a Python that does nothing.

Each is a process of its own, several times, in turn; of each the quickest counts.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Bar, Figure

ROOT: Final = Path(__file__).parents[2]
NOTHING: Final = "a Python that does nothing"
PRESS: Final = "tests/fixtures/custom-action.vendor-page.json"
COMMANDS: Final = {
    NOTHING: ["-c", "pass"],
    "engine --help": ["-m", "engine", "--help"],
    "engine lint FILE": ["-m", "engine", "lint", "playbooks/restart-host.yaml"],
    "engine dry-run": [
        *("-m", "engine", "dry-run", "playbooks", "--action", "restart-host", "--event", PRESS),
    ],
    "engine test": ["-m", "engine", "test", "playbooks"],
}
BARS: Final = {"engine --help": Bar(200)}


def seconds(arguments: list[str]) -> float:
    """Of one process, which has to end well."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


def measure(*, quick: bool) -> Iterator[Figure]:
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(3 if quick else 10):
        for name, command in COMMANDS.items():
            best[name] = min(best[name], seconds(command))
    nothing = best[NOTHING]
    for name, took in best.items():
        if name != NOTHING:
            yield Figure(
                *(name, took * 1000, "ms", "a process of its own, the quickest of several"),
                BARS.get(name),
                *(took / nothing, f"a Python that does nothing, {nothing * 1000:.0f} ms"),
            )
