"""The worker is woken once for all that was committed together, and never too seldom."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.runs.happening import Recovered, Trouble
from engine.store.locks import Role, sole_use
from engine.store.waking import NO_WORKER, Waking
from tests.runs.fakes import Told

Soon = list[Callable[[], None]]


@pytest.fixture
def woken() -> Iterator[list[int]]:
    """A signal for each time that this process was woken."""
    got: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, _: got.append(number))
    yield got
    signal.signal(signal.SIGURG, before)


def test_all_that_is_told_of_in_one_turn_of_the_loop_wakes_once(
    database: Path, woken: list[int]
) -> None:
    soon: Soon = []
    waking = Waking(database, soon.append, Told())
    with sole_use(database, [Role.WORKER]):
        for turn in (1, 2):
            for _ in range(50):
                waking.wake()
                assert len(woken) == turn, "with the first of them, before that one is answered"
            soon.pop()()
            assert soon == []


def test_where_there_is_no_worker_it_is_told_once_and_that_there_is_one_again(
    database: Path, woken: list[int]
) -> None:
    told = Told()
    waking = Waking(database, lambda call: call(), told)
    missing = Trouble("worker", NO_WORKER)
    waking.wake()
    waking.wake()
    assert told.happenings == [missing]
    with sole_use(database, [Role.WORKER]):
        waking.wake()
        waking.wake()
    assert (len(woken), told.happenings) == (2, [missing, Recovered("worker")])
    waking.wake()
    assert told.happenings == [missing, Recovered("worker"), missing]


def test_a_worker_that_may_not_be_woken_is_as_good_as_none(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    told = Told()
    with sole_use(database, [Role.WORKER]):
        monkeypatch.setattr(os, "kill", refuse)
        Waking(database, lambda call: call(), told).wake()
    assert told.happenings == [Trouble("worker", NO_WORKER)]
