"""How many runs of three steps a second go through the worker, every step in the ledger.

    python -m tests.benchmarks.runs [--runs 5000] [--json] [--profile]

The steps do no I/O, so what is measured is the engine: matching, the flow, templates, commits with
`synchronous=FULL`. Beside it, in the same run: one commit after another in a bare SQLite file of the
same settings, which is what each step's start and outcome would cost if they were not gathered.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.runs.happening import Happening, RunMoved
from engine.runs.run import RunState
from engine.store.records import open_records
from engine.store.sqlite import open_ledger
from tests.runs.fakes import Stage, a_playbook, an_event
from tests.runs.test_worker import a_worker

PLAYBOOK: Final = """
steps:
  - {id: a, set: {host: "{{ labels.resource }}"}}
  - {id: b, when: vars.host, set: {text: "restart {{ vars.host }} for {{ title }}"}}
  - {id: c, set: {all: "{{ steps.a.host }} {{ steps.b.text }}"}}
"""
COMMITS: Final = 300


def measured(folder: Path, runs: int) -> float:
    """Seconds from the first to the last of so many runs, whose events are in the ledger before."""
    with open_ledger(folder / "engine.db") as ledger:
        stage = Stage(ledger)

        async def accept() -> None:
            events = [replace(an_event(f"E{number}"), key=f"K{number}") for number in range(runs)]
            for start in range(0, runs, 500):
                await asyncio.gather(*(ledger.accept(one) for one in events[start : start + 500]))

        async def work() -> float:
            left, over = runs, asyncio.Event()

            def hear(happening: Happening) -> None:
                nonlocal left
                if isinstance(happening, RunMoved) and happening.run.state.settled:
                    left -= 1
                    if not left:
                        over.set()

            stage.told.listeners.append(hear)
            worker = a_worker(stage, a_playbook(PLAYBOOK), at_once=50, starts=10**9)
            began = time.perf_counter()
            working = asyncio.ensure_future(worker.work())
            await over.wait()
            took = time.perf_counter() - began
            worker.stop()
            await working
            return took

        asyncio.run(accept())
        took = asyncio.run(work())
    with open_records(folder / "engine.db") as records:
        for run in records.runs(runs + 1, None, None, None).items:
            steps = records.run(run.id).steps
            assert run.state is RunState.SUCCEEDED, run
            assert [step.path for step in steps] == ["steps/0", "steps/1", "steps/2"]
    return took


def bare_commits(folder: Path) -> float:
    """Commits a second, one row each."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE steps (seq INTEGER PRIMARY KEY, text TEXT)")
        began = time.perf_counter()
        for number in range(COMMITS):
            db.execute("INSERT INTO steps (text) VALUES (?)", (f"steps/{number}",))
        return COMMITS / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        profile = cProfile.Profile()
        if arguments.profile:
            profile.enable()
        took = measured(Path(name), arguments.runs)
        profile.disable()
        commits = bare_commits(Path(name))
    if arguments.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    per_second = arguments.runs / took
    figures = {
        "runs": arguments.runs,
        "runs_per_second": round(per_second),
        "bare_commits_per_second": round(commits),
        # Three starts, three outcomes, a beginning and an end.
        "times_as_fast_as_a_commit_each": round(8 * per_second / commits, 2),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for what, figure in figures.items():
        print(f"{figure:>12} {what.replace('_', ' ')}")


if __name__ == "__main__":
    main()
