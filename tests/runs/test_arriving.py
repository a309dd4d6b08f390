"""What gives way to deliveries, and for how long."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from engine.runs.arriving import FEW, LONGEST, QUIET, SHARE, Arriving


class Time:
    """A clock that only sleeping moves on, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.meanwhile: Callable[[], object] = lambda: None

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def arriving(time: Time) -> Arriving:
    return Arriving(time.clock, time.sleep)


def given_way(arriving: Arriving, time: Time) -> float:
    """For how long somebody does so now."""
    began = time.now
    asyncio.run(arriving.give_way())
    return time.now - began


def begin(arriving: Arriving, deliveries: int) -> None:
    for _ in range(deliveries):
        arriving.began()


def end(arriving: Arriving, deliveries: int) -> None:
    for _ in range(deliveries):
        arriving.ended()


def test_beside_a_few_deliveries_nobody_gives_way(arriving: Arriving, time: Time) -> None:
    assert given_way(arriving, time) == 0
    begin(arriving, FEW)
    assert given_way(arriving, time) == 0
    end(arriving, FEW)
    assert given_way(arriving, time) == 0


def test_who_gives_way_does_so_until_no_other_delivery_follows(
    arriving: Arriving, time: Time
) -> None:
    coming = [partial(end, arriving), partial(begin, arriving), partial(end, arriving)]
    time.meanwhile = lambda: coming.pop(0)(FEW + 1) if coming else None
    begin(arriving, FEW + 1)
    assert given_way(arriving, time) == pytest.approx(4.5 * QUIET, abs=0.6 * QUIET)
    assert not coming


def test_between_the_deliveries_of_a_storm_nobody_begins(arriving: Arriving, time: Time) -> None:
    begin(arriving, FEW + 1)
    time.now += 10 * QUIET  # until they are committed
    end(arriving, FEW + 1)  # and their senders are answered now, to send the next ones
    assert 0 < given_way(arriving, time) < 3 * QUIET
    time.now += QUIET
    assert given_way(arriving, time) == 0


def test_nobody_gives_way_for_ever(arriving: Arriving, time: Time) -> None:
    begin(arriving, FEW + 1)
    assert given_way(arriving, time) == pytest.approx(LONGEST, abs=QUIET)


def test_who_gave_way_has_a_share_of_the_time_in_any_storm(arriving: Arriving, time: Time) -> None:
    begin(arriving, FEW + 1)
    given_way(arriving, time)
    for worked in (0.0, 0.01, 0.02):
        time.now += worked
        assert given_way(arriving, time) == pytest.approx(SHARE * worked, abs=QUIET)
    time.now += 10
    assert given_way(arriving, time) == pytest.approx(LONGEST, abs=QUIET)
