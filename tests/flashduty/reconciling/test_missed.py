"""Which of the events that were found are new."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events.event import Event
from engine.flashduty.reconciling.missed import unknown
from tests.flashduty.reconciling.laid_out import INCIDENT, a_body, read


def delivered(time: int | None, person: int | None = None, **other: Any) -> Event:
    event = read("incident", b'{"event_id": "k", "event_time": 1}')
    assert event is not None
    payload = {**a_body("i_comm", 0), **({"person": {"person_id": person}} if person else {})}
    key = other.pop("key", f"{time} {person}")
    return replace(event, key=key, type="i_comm", time=time, payload=payload, **other)


def told(time: int, person: int | None = None, **other: Any) -> Event:
    key = f"timeline:i_comm:{time}:{INCIDENT}:{person}"
    return delivered(time, person, key=key, source="reconciled", **other)


def test_an_entry_is_known_by_its_time_nearly() -> None:
    entry = told(10_000)
    for time, new in ((8_000, []), (12_000, []), (7_999, [entry]), (12_001, [entry])):
        assert unknown([entry], [delivered(time)]) == new


def test_of_two_entries_the_one_that_is_most_like_what_arrived_is_known() -> None:
    arrived = delivered(10_500, 7)
    by_time, by_person = told(10_500, 8), told(9_000, 7)
    assert unknown([by_time, by_person], [arrived]) == [by_time]
    near, far = told(10_400, 7), told(10_900, 7)
    assert unknown([far, near], [arrived]) == [far]


def test_what_was_reconciled_before_stands_for_itself_alone() -> None:
    first, second = told(10_000, 7), told(10_100, 7)
    assert unknown([first, second], [first]) == [second]


@pytest.mark.parametrize(
    ("found", "known", "same"),
    [
        (delivered(1, key="a"), delivered(1, key="b"), False),
        (delivered(1, key="a"), delivered(1, key="a"), True),
        (delivered(None, key="a"), delivered(None, key="a"), True),
        (delivered(None, key="a"), told(1), False),
        (told(1), delivered(None, key="a"), False),
        (delivered(1), told(1), True),
        (told(1, action="restart"), delivered(1, action="restart"), True),
        (told(1, action="restart"), delivered(1), False),
        (told(1, action="restart"), delivered(1, action="roll-back"), False),
        # Which button it was is not known: it may be the one that was pressed.
        (told(1), delivered(1, action="restart"), True),
        (delivered(1), told(1, action="restart"), False),
    ],
)
def test_bodies_are_told_apart_by_their_keys_and_presses_by_their_actions(
    found: Event, known: Event, *, same: bool
) -> None:
    assert unknown([found], [known]) == ([] if same else [found])


def test_a_delivery_that_was_tried_twice_is_one_event() -> None:
    assert len(unknown([delivered(1), delivered(1)], [])) == 1


moments = st.tuples(st.integers(0, 5_000), st.sampled_from([7, 8, None]))


@given(st.dictionaries(moments, st.booleans(), max_size=30))
def test_exactly_those_that_did_not_arrive_are_missed_however_close_they_are(
    arrived: dict[tuple[int, int | None], bool],
) -> None:
    entries = [told(time, person) for time, person in arrived]
    known = [delivered(time, person) for (time, person), there in arrived.items() if there]

    missed = unknown(entries, known)

    assert {(event.time, event.person_id) for event in missed} == {
        moment for moment, there in arrived.items() if not there
    }
    assert unknown(entries, [*known, *missed]) == []
