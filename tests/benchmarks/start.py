"""How soon a command answers: `engine --help` and its like, beside a Python that does nothing.

    python -m tests.benchmarks.start [--json]

Each is a process of its own, several times, in turn; of each the quickest counts.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROUNDS: Final = 15
PRESS: Final = "tests/fixtures/custom-action.vendor-page.json"
COMMANDS: Final = {
    "a Python that does nothing": ["-c", "pass"],
    "engine --help": ["-m", "engine", "--help"],
    "engine lint FILE": ["-m", "engine", "lint", "playbooks/restart-host.yaml"],
    "engine dry-run": [
        *("-m", "engine", "dry-run", "playbooks", "--action", "restart-host", "--event", PRESS),
    ],
    "engine test": ["-m", "engine", "test", "playbooks"],
}


def seconds(arguments: list[str]) -> float:
    """Of one process, which has to end well."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            best[name] = min(best[name], seconds(command))
    nothing = best["a Python that does nothing"]
    if arguments.json:
        print(json.dumps({name: round(1000 * took) for name, took in best.items()}))
        return
    for name, took in best.items():
        print(f"{1000 * took:6.0f} ms  {took / nothing:5.1f} times nothing  {name}")


if __name__ == "__main__":
    main()
