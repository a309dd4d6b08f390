"""The mark says which attempt at which step of which engine a process belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processes.mark import EngineId, Mark, read_mark

MARK = Mark(EngineId("01J8", 4711, 98765), "01RUN", 2, "steps/3[0]/1")
WORDS = st.text().filter(lambda text: ":" not in text)
NUMBERS = st.integers(min_value=0)


def test_it_is_one_readable_line() -> None:
    assert MARK.text == "01J8:4711.98765:01RUN:2:steps/3[0]/1"


@given(st.builds(Mark, st.builds(EngineId, WORDS, NUMBERS, NUMBERS), WORDS, NUMBERS, st.text()))
def test_it_is_read_as_it_was_written(mark: Mark) -> None:
    assert read_mark(mark.text) == mark


@pytest.mark.parametrize("text", ["", "mine", "a:b:c:1:d", "a:1.2:c:x:d", "a:1:c:1:d", "a:1.2:c:1"])
def test_what_somebody_else_put_there_is_no_mark(text: str) -> None:
    assert read_mark(text) is None
