"""What is in the ledger alone is read for many runs at once, and ahead of them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import cast

import pytest

from engine.runs.change import Change
from engine.runs.fact import Began
from engine.runs.happening import Happening, TakenUp, tell_nobody
from engine.runs.ledger import Ledger, LedgerError, Past
from engine.runs.run import Run
from engine.runs.taking_up import AHEAD, AT_ONCE, taken_up
from tests.runs.fakes import PATIENCE, a_playbook, a_run, an_event

PLAYBOOK = a_playbook("steps: [{probe: a}]")
COUNT = (AHEAD + 3) * AT_ONCE + 7
RUNS = [a_run(f"RUN{number}", PLAYBOOK, an_event(f"E{number}")) for number in range(COUNT)]


class Books:
    """A ledger of unfinished runs, that says what it was asked."""

    def __init__(self, *, unreadable: str = "") -> None:
        self.read: list[Sequence[str]] = []
        self.unreadable = unreadable
        self.writing = asyncio.Event()
        self.writing.set()

    async def keep(self, changes: Sequence[Change]) -> None:
        assert changes == []
        await self.writing.wait()

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        self.read.append(runs)
        await asyncio.sleep(0)
        if self.unreadable in runs:
            raise LedgerError("malformed JSON")
        return {run: past_of(run) for run in runs if run != "RUN1"}


def past_of(run_id: str) -> Past:
    number = run_id.removeprefix("RUN")
    return Past(an_event(f"E{number}"), [Began(float(number))])


async def a_few_turns() -> None:
    """Time to read what must not be read."""
    for _ in range(10 * AHEAD):
        await asyncio.sleep(0)


def test_each_comes_with_what_it_was_left_with_and_a_hundred_are_read_at_once() -> None:
    books, told = Books(), list[Happening]()

    async def story() -> list[tuple[Run, Past | None]]:
        async with asyncio.timeout(PATIENCE):
            return [one async for one in taken_up(cast("Ledger", books), RUNS, told.append)]

    found = asyncio.run(story())
    assert [run for run, _ in found] == RUNS
    # What is not in the ledger is for whoever asks for it alone to find out.
    assert [past for _, past in found] == [
        None if run.id == "RUN1" else past_of(run.id) for run in RUNS
    ]
    assert [len(runs) for runs in books.read] == [AT_ONCE] * (AHEAD + 3) + [7]
    assert [run for runs in books.read for run in runs] == [run.id for run in RUNS]
    assert told[-1] == TakenUp(COUNT, 0)
    assert [one for one in told if isinstance(one, TakenUp) and not one.left] == told[-1:]


def test_no_more_is_read_than_those_who_come_next_need() -> None:
    books = Books()

    async def story() -> None:
        async with aclosing(taken_up(cast("Ledger", books), RUNS, tell_nobody)) as found:
            for number in range(2 * AT_ONCE):
                await anext(found)
                await a_few_turns()
                assert len(books.read) == AHEAD + number // AT_ONCE

    asyncio.run(story())


def test_nothing_is_read_before_what_others_wait_for_is_kept() -> None:
    books = Books()

    async def story() -> None:
        books.writing.clear()
        async with aclosing(taken_up(cast("Ledger", books), RUNS, tell_nobody)) as found:
            coming = asyncio.ensure_future(anext(found))
            await a_few_turns()
            assert books.read == []
            books.writing.set()
            run, _ = await coming
        assert run == RUNS[0]

    asyncio.run(story())


def test_those_that_were_read_with_one_that_cannot_be_read_come_without_a_past() -> None:
    books = Books(unreadable="RUN5")

    async def story() -> list[Past | None]:
        async with asyncio.timeout(PATIENCE):
            return [past async for _, past in taken_up(cast("Ledger", books), RUNS, tell_nobody)]

    pasts = asyncio.run(story())
    assert pasts[:AT_ONCE] == [None] * AT_ONCE
    assert pasts[AT_ONCE:] == [past_of(run.id) for run in RUNS[AT_ONCE:]]


def test_of_a_start_that_finds_nothing_unfinished_nothing_is_told() -> None:
    async def story() -> None:
        with pytest.raises(StopAsyncIteration):
            await anext(taken_up(cast("Ledger", Books()), [], told.append))

    told: list[Happening] = []
    asyncio.run(story())
    assert told == []


def test_whoever_stops_leaves_nothing_behind_that_is_still_read() -> None:
    books = Books()

    async def story() -> None:
        async with aclosing(taken_up(cast("Ledger", books), RUNS, tell_nobody)) as found:
            await anext(found)
            books.writing.clear()
        await a_few_turns()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())
