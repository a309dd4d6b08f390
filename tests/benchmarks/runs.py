"""How many runs of three steps a second go through the worker, every step in the ledger.

The steps do no I/O, so what is measured is the engine: matching, the flow, templates, commits with
`synchronous=FULL`. Beside it, in the same run: one commit after another in a bare SQLite file of the
same settings, which is what each step's start and outcome would cost if they were not gathered.

And the same by `engine serve`, which also writes a log, counts for Prometheus, watches its playbooks
and listens: from the first run to the last, by the times in its ledger.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.cli.serving import collecting_seldom
from engine.runs.happening import Happening, RunMoved
from engine.runs.run import Outcome, RunState
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger, open_ledger
from engine.wiring.clocks import now
from tests.benchmarks.figure import Bar, Figure, require
from tests.benchmarks.machine import commits_a_second
from tests.benchmarks.served import lay_out, serving, wait_until
from tests.runs.fakes import Stage, a_playbook, an_event
from tests.runs.test_worker import a_worker

PLAYBOOK: Final = """
steps:
  - {id: a, set: {host: "{{ labels.resource }}"}}
  - {id: b, when: vars.host, set: {text: "restart {{ vars.host }} for {{ title }}"}}
  - {id: c, set: {all: "{{ steps.a.host }} {{ steps.b.text }}"}}
"""


def measured(folder: Path, runs: int) -> float:
    """Seconds from the first to the last of so many runs, whose events are in the ledger before."""
    with open_ledger(folder / "engine.db") as ledger:
        stage = Stage(ledger)

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

        asyncio.run(_accept(ledger, runs))
        took = asyncio.run(work())
    _check(folder, runs)
    return took


def by_serve(folder: Path, runs: int) -> float:
    """The same seconds, of an engine as people have it."""
    lay_out(folder, {"p": f"trigger: {{}}\n{PLAYBOOK}"}, runs=50)
    with open_ledger(folder / "engine.db") as ledger:
        asyncio.run(_accept(ledger, runs))
    with serving(folder) as engine:

        def over() -> bool:
            time.sleep(0.05)  # looked for seldom, as that costs the machine time
            return engine.count("SELECT count(*) FROM runs WHERE ended IS NOT NULL") >= runs

        wait_until(over, f"{runs} runs that ended", engine)
    _check(folder, runs)
    with closing(sqlite3.connect(folder / "engine.db")) as db:
        took: float = db.execute("SELECT max(ended) - min(created) FROM runs").fetchone()[0]
    return took


async def _accept(ledger: SqliteLedger, runs: int) -> None:
    made = replace(an_event(), received=now())
    events = [replace(made, id=f"E{number}", key=f"K{number}") for number in range(runs)]
    for start in range(0, runs, 500):
        await asyncio.gather(*(ledger.accept(one) for one in events[start : start + 500]))


def _check(folder: Path, runs: int) -> None:
    with open_records(folder / "engine.db") as records:
        found = records.runs(runs + 1, None, None, None).items
        require(len(found) == runs, f"{len(found)} runs are there")
        for run in found:
            steps = records.run(run.id).steps
            done = [step.path for step in steps if step.outcome is Outcome.SUCCEEDED]
            require(run.state is RunState.SUCCEEDED, f"run {run.id} is {run.state.value}")
            require(done == ["steps/0", "steps/1", "steps/2"], f"run {run.id} has done {done}")


def measure(*, quick: bool) -> Iterator[Figure]:
    runs, rounds = (1500, 2) if quick else (5000, 3)
    rates, served, commits = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name, collecting_seldom():  # as `serve` does
            rates.append(runs / measured(Path(name), runs))
        with tempfile.TemporaryDirectory() as name:
            served.append(runs / by_serve(Path(name), runs))
        commits.append(commits_a_second())
    yield Figure(
        *("three-step runs", max(rates), "/s"),
        "judged, rendered, each step's start and outcome in the ledger; steps that do no I/O",
        Bar(2000, 4000, at_least=True),
        # Three starts, three outcomes, a beginning and an end.
        *(8 * max(rates) / max(commits), f"8 commits each, at {max(commits):,.0f} bare commits/s"),
    )
    yield Figure(
        *("three-step runs by `engine serve`", max(served), "/s"),
        "with its log, its metrics and its endpoints, which nobody uses meanwhile",
        None,
        *(max(served) / max(rates), f"{max(rates):,.0f}/s of the worker alone"),
    )
