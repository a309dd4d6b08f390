"""How soon a command answers: `engine --help` and its like, beside a Python that does nothing.

Each is a process of its own, several times, in turn; of each the quickest counts.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Bar, Figure
from tests.benchmarks.filled import fill
from tests.benchmarks.served import as_installed

ROOT: Final = Path(__file__).parents[2]
NOTHING: Final = "a Python that does nothing"
PRESS: Final = "tests/fixtures/custom-action.vendor-page.json"
COMMANDS: Final = {
    NOTHING: ["-c", "pass"],
    "engine --help": ["-m", "engine", "--help"],
    "engine runs list": ["-m", "engine", "runs", "list"],
    "engine lint FILE": ["-m", "engine", "lint", "playbooks/restart-host.yaml"],
    "engine dry-run": [
        *("-m", "engine", "dry-run", "playbooks", "--action", "restart-host", "--event", PRESS),
    ],
    "engine test": ["-m", "engine", "test", "playbooks"],
}
BARS: Final = {"engine --help": Bar(200)}
RUNS: Final = 1000  # in the ledger that is listed


def seconds(arguments: list[str], config: Path) -> float:
    """Of one process, which has to end well."""
    environ = {**as_installed(), "ENGINE_CONFIG": str(config)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT, env=environ
    )
    return time.perf_counter() - began


def measure(*, quick: bool) -> Iterator[Figure]:
    best = dict.fromkeys(COMMANDS, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_bytes((ROOT / "config.yaml").read_bytes())
        fill(config.with_name("engine.db"), RUNS)
        for _ in range(3 if quick else 10):
            for name, command in COMMANDS.items():
                best[name] = min(best[name], seconds(command, config))
    nothing = best[NOTHING]
    for name, took in best.items():
        if name != NOTHING:
            yield Figure(
                *(name, took * 1000, "ms", "a process of its own, the quickest of several"),
                BARS.get(name),
                *(took / nothing, f"a Python that does nothing, {nothing * 1000:.0f} ms"),
            )
