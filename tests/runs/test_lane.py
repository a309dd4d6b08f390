"""Whether a run may start: the modes, per key, and what each refusal says.

The cases of the modes are those that home automation has been tested with for years: single,
restart, queued and parallel with a largest number, each with something going on and with nothing.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.playbooks.guard import Concurrency, Guard, Rate
from engine.runs.lane import Going, Hold, Lane, Restart, Skip, Start, offered, waiting

NOW = 1_795_000_000.0
SINGLE, QUEUE = Guard(concurrency=Concurrency.SINGLE), Guard(concurrency=Concurrency.QUEUE)
RESTART, PARALLEL = Guard(concurrency=Concurrency.RESTART), Guard()
TWO = Guard(concurrency=Concurrency.PARALLEL, max=2)


def running(*ids: str) -> list[Going]:
    return [Going(id_, NOW - 60, started=True) for id_ in ids]


def queued(*ids: str) -> list[Going]:
    return [Going(id_, NOW - 30, started=False) for id_ in ids]


@pytest.mark.parametrize(
    ("guard", "going", "kind"),
    [
        (SINGLE, [], Start),
        (SINGLE, running("A"), Skip),
        (SINGLE, queued("A"), Skip),
        (QUEUE, [], Start),
        (QUEUE, running("A"), Hold),
        (QUEUE, [*running("A"), *queued("B")], Hold),
        (replace(QUEUE, queue_max=1), [*running("A"), *queued("B")], Skip),
        (replace(QUEUE, queue_max=2), [*running("A"), *queued("B")], Hold),
        (replace(QUEUE, queue_max=0), running("A"), Skip),
        (replace(QUEUE, queue_max=0), [], Start),
        (RESTART, [], Start),
        (RESTART, running("A"), Restart),
        (RESTART, [*running("A"), *queued("B")], Restart),
        (PARALLEL, [], Start),
        (PARALLEL, running("A", "B", "C"), Start),
        (TWO, running("A"), Start),
        (TWO, running("A", "B"), Skip),
        (TWO, [*running("A"), *queued("B")], Skip),
    ],
)
def test_each_mode_lets_in_what_it_is_for(
    guard: Guard, going: list[Going], kind: type[object]
) -> None:
    assert isinstance(offered(guard, Lane(going=going), NOW), kind)


def test_a_refusal_names_the_run_that_is_in_the_way() -> None:
    assert offered(SINGLE, Lane(going=running("A")), NOW) == Skip(
        "single: run A is going on for this key"
    )
    assert offered(TWO, Lane(going=running("A", "B")), NOW) == Skip(
        "parallel: run A, B is going on for this key"
    )
    assert offered(QUEUE, Lane(going=[*running("A"), *queued("B")]), NOW) == Hold(
        "queue: place 2, behind run B"
    )
    assert offered(replace(QUEUE, queue_max=1), Lane(going=[*running("A"), *queued("B")]), NOW) == (
        Skip("queue: 1 runs wait for this key, and `queue_max` is that")
    )
    assert offered(RESTART, Lane(going=running("A", "B")), NOW) == Restart(
        ("A", "B"), "it takes the place of run A, B"
    )


# Cooldown


@pytest.mark.parametrize("guard", [SINGLE, RESTART, PARALLEL])
def test_within_the_cooldown_of_the_last_end_a_run_is_skipped(guard: Guard) -> None:
    cooling = replace(guard, cooldown=600.0)
    ended = "cooldown: the last run for this key ended 0:09:59 ago, and `cooldown` is 0:10:00"
    said = Skip(ended, NOW + 1)
    assert offered(cooling, Lane(last_end=NOW - 599), NOW) == said
    assert offered(cooling, Lane(last_end=NOW - 600), NOW) == Start()
    assert offered(cooling, Lane(last_end=None), NOW) == Start()


def test_a_restart_does_not_get_around_the_cooldown() -> None:
    guard = replace(RESTART, cooldown=600.0)
    assert isinstance(offered(guard, Lane(running("A"), last_end=NOW - 1), NOW), Skip)


def test_a_queue_spaces_its_runs_by_the_cooldown() -> None:
    guard = replace(QUEUE, cooldown=600.0)
    lane = Lane(last_end=NOW - 100)
    held = offered(guard, lane, NOW)
    assert isinstance(held, Hold)
    assert held.until == NOW + 500
    (run,) = queued("A")
    assert waiting(guard, replace(lane, going=[run]), run, NOW) == held
    assert waiting(guard, replace(lane, going=[run]), run, NOW + 500) == Start()


def test_a_clock_that_was_set_back_lets_nothing_in_early() -> None:
    guard = replace(SINGLE, cooldown=600.0)
    assert isinstance(offered(guard, Lane(last_end=NOW + 3600), NOW), Skip)


# Rate and breaker


def test_the_rate_counts_what_was_let_in_within_its_window() -> None:
    guard = Guard(rate=Rate(2, 3600.0))
    assert offered(guard, Lane(admitted=[NOW - 3600, NOW - 3599]), NOW) == Start()
    assert offered(guard, Lane(admitted=[NOW - 3599, NOW - 1]), NOW) == Skip(
        "rate: 2 runs were let in within 1:00:00, and that is all it allows"
    )


def test_the_breaker_is_open_after_so_many_failures_in_a_row() -> None:
    guard = Guard(breaker=3)
    assert offered(guard, Lane(failures=2), NOW) == Start()
    assert offered(guard, Lane(failures=3), NOW) == Skip(
        "the breaker is open after 3 failed runs in a row; `engine resume PLAYBOOK` closes it"
    )


# Waiting in the lane


def test_a_queue_keeps_its_order() -> None:
    first, second = queued("B", "C")
    lane = Lane([*running("A"), first, second])
    assert waiting(QUEUE, lane, first, NOW) == Hold("queue: place 1, behind run A")
    assert waiting(QUEUE, lane, second, NOW) == Hold("queue: place 2, behind run B")
    assert waiting(QUEUE, Lane([first, second]), first, NOW) == Start()
    assert waiting(QUEUE, Lane([first, second]), second, NOW) == Hold(
        "queue: place 1, behind run B"
    )


def test_a_run_that_waited_too_long_is_skipped() -> None:
    (run,) = queued("B")
    lane = Lane([*running("A"), run])
    guard = replace(QUEUE, queue_ttl=60.0)
    assert isinstance(waiting(guard, lane, run, NOW + 29), Hold)
    assert waiting(guard, lane, run, NOW + 30) == Skip(
        "queue: it waited 0:01:00, and `queue_ttl` is 0:01:00"
    )


def test_what_takes_a_place_starts_when_the_others_have_ended() -> None:
    (run,) = queued("B")
    assert isinstance(waiting(RESTART, Lane([*running("A"), run]), run, NOW), Hold)
    assert waiting(RESTART, Lane([run]), run, NOW) == Start()


@given(
    st.sampled_from([SINGLE, QUEUE, RESTART, PARALLEL, TWO]),
    st.lists(st.booleans(), max_size=6),
    st.floats(min_value=0, max_value=600),
)
def test_a_single_or_queued_lane_never_has_two_runs_at_once(
    guard: Guard, ends: list[bool], cooldown: float
) -> None:
    """However runs are offered and end, as the engine goes about it."""
    guard = replace(guard, cooldown=cooldown)
    lane, now = Lane(), NOW
    for number, end in enumerate(ends):
        run = Going(f"R{number}", now, started=False)
        decision = offered(guard, lane, now)
        if isinstance(decision, (Start, Hold, Restart)):
            lane = replace(lane, going=[*lane.going, run])
        if isinstance(decision, Restart):
            gone = [one for one in lane.going if one.id not in decision.cancel]
            lane = replace(lane, going=gone, last_end=None)
        lane = _started(guard, lane, now)
        if end and lane.running:
            gone = [one for one in lane.going if one is not lane.running[0]]
            lane = _started(guard, replace(lane, going=gone, last_end=now), now)
        now += 1
        most = {Concurrency.PARALLEL: guard.max or 99}.get(guard.concurrency, 1)
        assert len(lane.running) <= most


def _started(guard: Guard, lane: Lane, now: float) -> Lane:
    """Every run of the lane that may start, in their order."""
    for run in lane.queued:
        if isinstance(waiting(guard, lane, run, now), Start):
            going = [replace(one, started=one.started or one == run) for one in lane.going]
            lane = replace(lane, going=going)
    return lane
