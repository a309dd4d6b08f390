"""What a start finds unfinished is read for many runs at once, and ahead of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from engine.events.event import Event
from engine.runs.fact import Began, Fact
from engine.runs.happening import Happening, TakenUp
from engine.runs.ledger import Ledger, LedgerError, NotInLedgerError, Past
from engine.runs.run import Run
from engine.runs.taking_up import AHEAD, AT_ONCE, TakingUp
from tests.runs.fakes import PATIENCE, a_playbook, a_run, an_event

PLAYBOOK = a_playbook("steps: [{probe: a}]")
COUNT = 3 * AT_ONCE + 7
RUNS = [a_run(f"RUN{number}", PLAYBOOK, an_event(f"E{number}")) for number in range(COUNT)]


class Books:
    """A ledger of unfinished runs, that says what it was asked."""

    def __init__(self, *, unreadable: str = "") -> None:
        self.read: list[Sequence[str]] = []  # many at once
        self.alone: list[str] = []
        self.unreadable = unreadable

    async def pasts(self, runs: Sequence[str]) -> Mapping[str, Past]:
        self.read.append(runs)
        await asyncio.sleep(0)
        if self.unreadable in runs:
            raise LedgerError("malformed JSON")
        return {run: past_of(run) for run in runs if run != "RUN1"}

    async def event(self, event_id: str) -> Event:
        if event_id == "E1":
            raise NotInLedgerError("there is no event E1")
        return an_event(event_id)

    async def history(self, run_id: str) -> Sequence[Fact]:
        self.alone.append(run_id)
        if run_id == self.unreadable:
            raise LedgerError("malformed JSON")
        return past_of(run_id).history


def past_of(run_id: str) -> Past:
    number = run_id.removeprefix("RUN")
    return Past(an_event(f"E{number}"), [Began(float(number))])


async def come(taking_up: TakingUp, runs: Sequence[Run]) -> list[Past | BaseException]:
    return await asyncio.gather(*map(taking_up.past, runs), return_exceptions=True)


async def read_ahead(books: Books) -> None:
    """As far as it goes without anybody who comes."""
    before = -1
    while len(books.read) > before:
        before = len(books.read)
        for _ in range(5):
            await asyncio.sleep(0)


def test_each_has_what_it_was_left_with_and_they_are_read_a_hundred_at_once() -> None:
    books, told = Books(), list[Happening]()

    async def story() -> None:
        taking_up = TakingUp(cast("Ledger", books), RUNS, told.append)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(taking_up.read())
            pasts = await come(taking_up, RUNS)
        assert isinstance(pasts[1], NotInLedgerError)  # the event is gone: that is said of it alone
        assert [*pasts[:1], *pasts[2:]] == [past_of(run.id) for run in RUNS if run.id != "RUN1"]

    asyncio.run(story())
    assert [len(runs) for runs in books.read] == [AT_ONCE, AT_ONCE, AT_ONCE, 7]
    assert {run for runs in books.read for run in runs} == {run.id for run in RUNS}
    assert books.alone == []
    assert told[-1] == TakenUp(COUNT, 0)
    assert [one for one in told if isinstance(one, TakenUp) and not one.left] == told[-1:]


def test_no_more_is_read_than_those_who_come_next_need() -> None:
    books = Books()

    async def story() -> None:
        taking_up = TakingUp(cast("Ledger", books), RUNS, lambda _: None)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(taking_up.read())
            await read_ahead(books)
            assert len(books.read) == AHEAD
            await come(taking_up, RUNS[: AT_ONCE - 1])
            await read_ahead(books)
            assert len(books.read) == AHEAD
            await come(taking_up, RUNS[AT_ONCE - 1 : AT_ONCE])
            await read_ahead(books)
            assert len(books.read) == AHEAD + 1
            await come(taking_up, RUNS[AT_ONCE:])

    asyncio.run(story())


def test_where_one_cannot_be_read_the_others_are_read_each_by_itself() -> None:
    books = Books(unreadable="RUN5")

    async def story() -> None:
        taking_up = TakingUp(cast("Ledger", books), RUNS, lambda _: None)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(taking_up.read())
            pasts = await come(taking_up, RUNS[5:])
            assert isinstance(pasts[0], LedgerError)
            assert pasts[1:] == [past_of(run.id) for run in RUNS[6:]]
            await come(taking_up, RUNS[:5])

    asyncio.run(story())
    assert books.alone == [f"RUN{number}" for number in (*range(5, AT_ONCE), 0, 2, 3, 4)]


def test_of_a_start_that_finds_nothing_unfinished_nothing_is_told() -> None:
    told: list[Happening] = []
    asyncio.run(TakingUp(cast("Ledger", Books()), [], told.append).read())
    assert told == []


@pytest.mark.parametrize("again", [0, AT_ONCE])
def test_what_was_come_for_is_not_kept(again: int) -> None:
    async def story() -> None:
        taking_up = TakingUp(cast("Ledger", Books()), RUNS, lambda _: None)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(taking_up.read())
            await come(taking_up, RUNS)
            with pytest.raises(KeyError):
                await taking_up.past(RUNS[again])

    asyncio.run(story())
