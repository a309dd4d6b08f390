"""Never more than the account allows in any window, and every run has its turn."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flashduty.limiter import Limiter, Line
from tests import jumping_time

PATIENCE: Final = 60.0

WINDOWS: Final = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([0.1, 1.0, 7.0])), min_size=1, max_size=3
).map(tuple)
# What happens next: somebody comes, somebody gives up, time passes.
COMES: Final = st.tuples(st.just("comes"), st.sampled_from("abcd"))
GIVES_UP: Final = st.tuples(st.just("gives up"), st.integers(0, 30))
PASSES: Final = st.tuples(st.just("passes"), st.floats(0.0, 3.0))
EVENTS: Final = st.lists(st.one_of(COMES, COMES, GIVES_UP, PASSES), max_size=60)

Ticket = tuple[str, int]


@dataclass
class Counter:
    """Serves a line as the limiter does, at a time of its own."""

    line: Line[Ticket]
    now: float = 100.0
    passed: list[tuple[float, Ticket]] = field(default_factory=list)

    def serve(self) -> None:
        while not self.line.is_empty and self.line.opens <= self.now:
            ticket = self.line.next()
            assert ticket is not None
            self.line.passed(self.now)
            self.passed.append((self.now, ticket))

    def let_time_pass(self, seconds: float) -> None:
        """As the limiter's timer does: look whenever the line opens."""
        end = self.now + seconds
        while not self.line.is_empty and self.line.opens <= end:
            self.now = max(self.now, self.line.opens)
            self.serve()
        self.now = end

    def serve_all(self) -> None:
        self.let_time_pass(10_000.0)


def played(
    windows: tuple[tuple[int, float], ...], events: Sequence[tuple[str, object]]
) -> tuple[Counter, list[Ticket], set[Ticket]]:
    """The counter after all of it; who came, in order; and who gave up in time."""
    counter = Counter(Line(windows))
    came: list[Ticket] = []
    gave_up: set[Ticket] = set()
    for kind, what in events:
        if kind == "comes":
            ticket = (str(what), len(came))
            came.append(ticket)
            counter.line.join(ticket[0], ticket)
            counter.serve()
        elif kind == "gives up" and isinstance(what, int) and what < len(came):
            ticket = came[what]
            counter.line.leave(ticket[0], ticket)
            if ticket not in {one for _, one in counter.passed}:
                gave_up.add(ticket)
        elif isinstance(what, float):
            counter.let_time_pass(what)
    counter.serve_all()
    return counter, came, gave_up


@given(WINDOWS, EVENTS)
@settings(max_examples=300, deadline=None)
def test_no_window_ever_holds_more_than_its_count(
    windows: tuple[tuple[int, float], ...], events: list[tuple[str, object]]
) -> None:
    counter, _, _ = played(windows, events)
    times = [at for at, _ in counter.passed]
    for count, seconds in windows:
        for earlier, later in zip(times, times[count:], strict=False):
            assert later >= earlier + seconds


@given(WINDOWS, EVENTS)
@settings(max_examples=300, deadline=None)
def test_everybody_is_served_once_but_who_gave_up_and_each_run_in_its_order(
    windows: tuple[tuple[int, float], ...], events: list[tuple[str, object]]
) -> None:
    counter, came, gave_up = played(windows, events)
    served = [ticket for _, ticket in counter.passed]
    assert sorted(served) == sorted(set(came) - gave_up)
    by_run: dict[str, list[int]] = defaultdict(list)
    for run, number in served:
        by_run[run].append(number)
    assert all(numbers == sorted(numbers) for numbers in by_run.values())
    assert counter.line.is_empty


@given(st.lists(st.sampled_from("abcd"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_runs_take_turns(callers: list[str]) -> None:
    """Between two turns of a run, every other one that waits has had one."""
    line: Line[Ticket] = Line(((1, 1.0),))
    for number, caller in enumerate(callers):
        line.join(caller, (caller, number))
    left = {caller: callers.count(caller) for caller in callers}
    since: dict[str, set[str]] = {}
    while (ticket := line.next()) is not None:
        caller = ticket[0]
        waiting = {other for other, count in left.items() if count and other != caller}
        if caller in since:
            assert waiting <= since[caller]
        left[caller] -= 1
        since[caller] = set()
        for others in since.values():
            others.add(caller)
    assert not any(left.values())


def test_a_window_is_as_long_as_it_says() -> None:
    line: Line[int] = Line(((2, 1.0), (3, 60.0)))
    opens = [line.opens]
    for at in (5.0, 5.25, 6.0):
        line.passed(at)
        opens.append(line.opens)
    assert opens == [0.0, 0.0, 6.0, 65.0]


# The waiting itself, on a loop whose time is its own


def test_whoever_finds_room_does_not_wait() -> None:
    async def story() -> tuple[str, ...]:
        limiter = Limiter(per_second=50, per_minute=1000)
        went_round: list[str] = []
        asyncio.get_running_loop().call_soon(went_round.append, "the loop")
        for _ in range(50):
            await limiter.turn("a")
        return tuple(went_round)

    assert jumping_time.run(story()) == ()


def test_a_run_that_asks_for_much_does_not_keep_the_others_waiting() -> None:
    served: list[str] = []

    async def story() -> None:
        limiter = Limiter(per_second=20, per_minute=1000)

        async def ask(run: str) -> None:
            await limiter.turn(run)
            served.append(run)

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            for _ in range(30):
                tasks.create_task(ask("greedy"))
            for run in ("b", "c"):
                tasks.create_task(ask(run))

    jumping_time.run(story())
    assert served[:20] == ["greedy"] * 20, "nobody else was there"
    assert sorted(served[20:23]) == ["b", "c", "greedy"]
    assert served.count("greedy") == 30


def test_whoever_is_cancelled_gives_up_its_place_and_spends_nothing() -> None:
    served: list[str] = []

    async def story() -> None:
        limiter = Limiter(per_second=2, per_minute=3)

        async def ask(run: str) -> None:
            await limiter.turn(run)
            served.append(run)

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            for run in ("a", "b"):
                await ask(run)
            gone = [tasks.create_task(ask("gone")) for _ in range(5)]
            last = tasks.create_task(ask("last"))
            await asyncio.sleep(0)
            for task in gone:
                task.cancel()
            await last

    jumping_time.run(story())
    assert served == ["a", "b", "last"], "the third of the minute was still to be had"


def test_a_limiter_serves_the_next_loop_as_it_served_the_last() -> None:
    limiter = Limiter(per_second=1, per_minute=1000)

    async def gives_up() -> None:
        await limiter.turn("a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await limiter.turn("b")

    async def comes_later() -> None:
        async with asyncio.timeout(PATIENCE):
            await limiter.turn("c")

    jumping_time.run(gives_up())
    jumping_time.run(comes_later())
