"""What an event and a run cost, in counts: they are the same on every machine, however busy it is.

A bound that is passed says that something became dearer for everybody: make it cheap again, or say in
the commit why it is worth it and write the new count here. One that is far above its count is to be
lowered. `test_instructions.py` has the instructions, `python -m tests.benchmarks` the seconds.
"""

import asyncio
import cProfile
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from engine.events.event import Event
from engine.runs.happening import Happening, RunMoved
from engine.runs.run import RunState
from tests.benchmarks.match import EVENT, judging_of, playbooks
from tests.benchmarks.runs import PLAYBOOK
from tests.counts.counted import Cost, Counted, calls_in, calls_of, counting
from tests.runs.fakes import Stage, a_playbook, an_event
from tests.runs.test_worker import a_worker

# An event is one INSERT, in one commit: who sent it waits for that flush of the disk.
EVENT_WRITES: Final = 1
EVENT_FLUSHES: Final = 1
# The row, a place in each of the indexes, and what SQLite writes with each page.
EVENT_LOG: Final = 28_000
# In a group the pages are shared: what is left is the row itself, and its part of the indexes.
EVENT_LOG_IN_A_GROUP: Final = 1_000
HUNDRED_EVENTS_WRITES: Final = 2  # a statement takes as many as it has parameters for

# The event; its verdicts and the run that is let in; and, once that has ended, the run and each step.
RUN_WRITES: Final = 7
# Of those, what the run does without waiting for anything is one: alone, each waits for the disk.
RUN_FLUSHES: Final = 3
RUN_LOG: Final = 115_000
# The event, what people said, what is paused, whose turn it is: once before, and once behind it. And
# what people said once more: an event that comes then was not among those that were read before it.
RUN_READS: Final = 11
# Fifty at a time share the flushes, and what says how things stand is read once for all of them.
RUN_FLUSHES_TOGETHER: Final = 0.3
RUN_LOG_TOGETHER: Final = 15_000
RUN_READS_TOGETHER: Final = 1
RUN_WRITES_TOGETHER: Final = 1
# Of functions, C's included, in the thread of the event loop; Python 3.12 counts the most.
RUN_CALLS: Final = 4_300

# Of the conditions of two triggers, and of parts of the one that cannot tell: why it cannot.
EVALUATIONS: Final = 4
JUDGE_CALLS: Final = 750

HELP_MODULES: Final = 150
# What is needed for more than to say what there is.
NOT_FOR_HELP: Final = {
    *("aiohttp", "asyncio", "jinja2", "jmespath", "prometheus_client", "pydantic", "rich"),
    *("sqlite3", "starlette", "structlog", "uvicorn", "watchfiles", "yaml"),
}


PRESSED: Final = "trigger: {action: press}\n"
RESTING: Final = "trigger: {action: rest}\nsteps: [{wait: 1h}]\n"
OVER: Final = (RunState.SUCCEEDED, RunState.WAITING)


def numbered(number: int, action: str = "press") -> Event:
    return replace(an_event(f"E{number}", action=action), key=f"K{number}")


def cost_of(path: Path, work: Callable[[Counted], Coroutine[Any, Any, Cost]]) -> Cost:
    with counting(path) as counted:
        return asyncio.run(work(counted))


def test_an_event_is_one_statement_and_one_flush(database: Path) -> None:
    async def work(counted: Counted) -> Cost:
        await counted.ledger.accept(numbered(0))  # makes the first pages
        before = counted.cost()
        await counted.ledger.accept(numbered(1))
        return counted.cost().since(before)

    cost = cost_of(database, work)
    assert (cost.reads, cost.writes, cost.flushes) == (0, EVENT_WRITES, EVENT_FLUSHES)
    assert 0 < cost.log <= EVENT_LOG


def test_a_hundred_events_that_wait_share_one_flush(database: Path) -> None:
    async def work(counted: Counted) -> Cost:
        await counted.ledger.accept(numbered(0))
        before = counted.cost()
        events = [numbered(number) for number in range(1, 101)]
        await counted.in_one_group(*(partial(counted.ledger.accept, event) for event in events))
        return counted.cost().since(before)

    cost = cost_of(database, work)
    assert (cost.reads, cost.writes, cost.flushes) == (0, HUNDRED_EVENTS_WRITES, 1)
    assert 0 < cost.log / 100 <= EVENT_LOG_IN_A_GROUP


class Running:
    """A worker on a counting ledger, whose runs can be waited for."""

    def __init__(self, counted: Counted) -> None:
        self.counted = counted
        self.over = asyncio.Semaphore(0)  # of a run that ended, or that waits
        stage = Stage(counted.ledger)
        stage.told.listeners.append(self._hear)
        playbooks = (a_playbook(PRESSED + PLAYBOOK), a_playbook(RESTING, "rest", "rest.yaml"))
        self.worker = a_worker(stage, *playbooks, at_once=50, starts=10**9)

    def _hear(self, happening: Happening) -> None:
        if isinstance(happening, RunMoved) and happening.run.state in OVER:
            self.over.release()

    async def run(self, *numbers: int, action: str = "press") -> None:
        """The events come together; until the last of their runs has ended, or waits."""
        events = [numbered(number, action) for number in numbers]
        await asyncio.gather(*(self.counted.ledger.accept(event) for event in events))
        self.worker.wake()
        for _ in numbers:
            await self.over.acquire()

    async def cost_of(self, *batches: list[int]) -> Cost:
        """Of all of it, once a first run has made whatever is made once."""
        working = asyncio.ensure_future(self.worker.work())
        await self.run(0)
        before = self.counted.cost()
        for batch in batches:
            await self.run(*batch)
        cost = self.counted.cost().since(before)
        self.worker.stop()
        await working
        return cost


def test_a_run_of_three_steps_alone(database: Path) -> None:
    runs = 20
    alone = [[number] for number in range(1, runs + 1)]
    found: list[Cost] = []

    async def work(counted: Counted) -> Cost:
        return await Running(counted).cost_of(*alone)

    calls = calls_of(lambda: found.append(cost_of(database, work)))
    (cost,) = found
    assert cost.flushes <= RUN_FLUSHES * runs
    assert cost.writes <= RUN_WRITES * runs
    assert cost.reads <= RUN_READS * runs
    assert cost.log <= RUN_LOG * runs
    assert calls.total() <= RUN_CALLS * (runs + 1)


def test_fifty_runs_at_once_share_their_flushes(database: Path) -> None:
    runs = 100
    together = [list(range(1, 51)), list(range(51, runs + 1))]
    cost = cost_of(database, lambda counted: Running(counted).cost_of(*together))
    assert cost.flushes <= RUN_FLUSHES_TOGETHER * runs
    assert cost.writes <= RUN_WRITES_TOGETHER * runs
    assert cost.reads <= RUN_READS_TOGETHER * runs
    assert cost.log <= RUN_LOG_TOGETHER * runs


def test_a_run_costs_the_same_however_many_others_wait(database: Path) -> None:
    """They may wait for days: nothing that is done may look at each of them."""

    async def calls_beside(waiting: int, counted: Counted) -> int:
        running = Running(counted)
        working = asyncio.ensure_future(running.worker.work())
        await running.run(*range(waiting), action="rest")
        with cProfile.Profile() as profile:
            for number in range(waiting, waiting + 10):
                await running.run(number)
        running.worker.stop()
        await working
        return calls_in(profile).total()

    found = []
    for waiting in (1, 500):
        with counting(database.with_name(f"{waiting}.db")) as counted:
            found.append(asyncio.run(calls_beside(waiting, counted)))
    beside_one, beside_many = found
    assert beside_many <= 1.2 * beside_one


def test_an_event_costs_no_more_among_a_thousand_playbooks_than_among_ten() -> None:
    few, many = (judging_of(playbooks(count)) for count in (10, 1000))
    few.judge(EVENT)  # what is prepared once
    among_few, among_many = (calls_of(partial(one.judge, EVENT)) for one in (few, many))
    assert 0 < among_many["condition.py:evaluate"] <= among_few["condition.py:evaluate"]
    assert among_few["condition.py:evaluate"] <= EVALUATIONS
    assert among_many.total() <= among_few.total() <= JUDGE_CALLS


def test_help_loads_next_to_nothing() -> None:
    program = (
        "import json, sys; from engine.cli.main import run; run(['--help']); "
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stderr)
    assert {name.partition(".")[0] for name in modules} & NOT_FOR_HELP == set()
    assert len(modules) <= HELP_MODULES
