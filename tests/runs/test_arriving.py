"""What gives way to deliveries, and for how long."""

import asyncio
from collections.abc import Callable

import pytest

from engine.runs.arriving import LONGEST, QUIET, SHARE, Arriving


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


def test_without_deliveries_nobody_gives_way(arriving: Arriving, time: Time) -> None:
    assert given_way(arriving, time) == 0
    arriving.began()
    arriving.ended()
    time.now += 2 * QUIET
    assert given_way(arriving, time) == 0


def test_a_single_delivery_is_given_way_to_until_it_is_kept(arriving: Arriving, time: Time) -> None:
    until = time.now + 1.5 * QUIET
    time.meanwhile = lambda: arriving.ended() if time.now > until else None
    arriving.began()
    assert given_way(arriving, time) == pytest.approx(2 * QUIET)
    assert given_way(arriving, time) == 0


def test_who_gives_way_does_so_until_no_other_delivery_follows(
    arriving: Arriving, time: Time
) -> None:
    coming = [arriving.began, arriving.ended, arriving.began, arriving.ended]
    time.meanwhile = lambda: coming.pop(0)() if coming else None
    arriving.began()
    arriving.began()
    arriving.ended()
    arriving.ended()
    assert given_way(arriving, time) == pytest.approx(5.5 * QUIET, abs=0.6 * QUIET)
    assert not coming


def test_deliveries_that_took_long_may_be_followed_by_others_when_they_were_kept(
    arriving: Arriving, time: Time
) -> None:
    arriving.began()
    arriving.began()
    time.now += 10 * QUIET
    arriving.ended()
    arriving.ended()  # and their senders are answered now
    assert 0 < given_way(arriving, time) < 3 * QUIET


def test_nobody_gives_way_for_ever(arriving: Arriving, time: Time) -> None:
    arriving.began()
    assert given_way(arriving, time) == pytest.approx(LONGEST, abs=QUIET)


def test_who_gave_way_has_a_share_of_the_time_in_any_storm(arriving: Arriving, time: Time) -> None:
    arriving.began()
    given_way(arriving, time)
    for worked in (0.0, 0.01, 0.02):
        time.now += worked
        assert given_way(arriving, time) == pytest.approx(SHARE * worked, abs=QUIET)
    time.now += 10
    assert given_way(arriving, time) == pytest.approx(LONGEST, abs=QUIET)
