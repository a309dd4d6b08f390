"""A slot is given back once, whatever becomes of the run that had it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.runs.run import Run
from engine.runs.slot import LONG, Slot
from tests.runs.fakes import NOW, a_playbook, a_run, an_event

RUN = a_run("RUN1", a_playbook("steps: [{probe: a}]"), an_event("E1"))


class Slots:
    """One slot, which a run has, and what is told of it."""

    def __init__(self) -> None:
        self.all = asyncio.Semaphore(0)
        self.laid_down: list[tuple[Run, float | None]] = []
        self.given_back = 0
        self.of_run = Slot(self.all, lambda: NOW, self._lay_down, self._gave_back)

    def _lay_down(self, run: Run, until: float | None) -> None:
        self.laid_down.append((run, until))

    def _gave_back(self) -> None:
        self.given_back += 1

    def free(self) -> int:
        return self.all._value  # noqa: SLF001 - nothing public says it without taking one


def run_story(story: Callable[[Slots], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        await story(Slots())

    asyncio.run(told())


def test_it_is_given_back_while_the_run_waits_and_at_its_end_and_once_each_time() -> None:
    async def story(slots: Slots) -> None:
        slots.of_run.give_back()
        slots.of_run.give_back()
        assert (slots.free(), slots.given_back) == (1, 1)
        await slots.of_run.take()
        assert slots.free() == 0
        slots.of_run.give_back()
        assert (slots.free(), slots.given_back) == (1, 2)

    run_story(story)


def test_a_run_that_is_cut_as_it_waits_for_its_turn_gives_back_what_it_does_not_have() -> None:
    async def story(slots: Slots) -> None:
        slots.of_run.give_back()
        await slots.all.acquire()  # another run has it
        waiting = asyncio.ensure_future(slots.of_run.take())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        slots.of_run.give_back()
        assert (slots.free(), slots.given_back) == (0, 1)

    run_story(story)


@pytest.mark.parametrize(
    ("until", "rests"), [(NOW + LONG - 0.001, False), (NOW + LONG, True), (None, True)]
)
def test_only_a_run_that_waits_for_long_is_laid_down(until: float | None, *, rests: bool) -> None:
    async def story(slots: Slots) -> None:
        assert slots.of_run.rests(RUN, until) is rests
        assert slots.laid_down == ([(RUN, until)] if rests else [])

    run_story(story)
