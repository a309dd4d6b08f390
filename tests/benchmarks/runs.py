"""How many runs of three steps a second go through the worker, every step in the ledger.

The steps do no I/O, so what is measured is the engine: matching, the flow, templates, commits with
`synchronous=FULL`. Beside it, in the same run: one commit after another in a bare SQLite file of the
same settings, which is what each step's start and outcome would cost if they were not gathered.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.cli.serving import collecting_seldom
from engine.runs.happening import Happening, RunMoved
from engine.runs.run import Outcome, RunState
from engine.store.records import open_records
from engine.store.sqlite import open_ledger
from tests.benchmarks.figure import Bar, Figure, require
from tests.benchmarks.machine import commits_a_second
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
            done = [step.path for step in steps if step.outcome is Outcome.SUCCEEDED]
            require(run.state is RunState.SUCCEEDED, f"run {run.id} is {run.state.value}")
            require(done == ["steps/0", "steps/1", "steps/2"], f"run {run.id} has done {done}")
    return took


def measure(*, quick: bool) -> Iterator[Figure]:
    runs, rounds = (1500, 2) if quick else (5000, 3)
    rates, commits = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name, collecting_seldom():  # as `serve` does
            rates.append(runs / measured(Path(name), runs))
        commits.append(commits_a_second())
    yield Figure(
        *("three-step runs", max(rates), "/s"),
        "judged, rendered, each step's start and outcome in the ledger; steps that do no I/O",
        Bar(2000, 4000, at_least=True),
        # Three starts, three outcomes, a beginning and an end.
        *(8 * max(rates) / max(commits), f"8 commits each, at {max(commits):,.0f} bare commits/s"),
    )
