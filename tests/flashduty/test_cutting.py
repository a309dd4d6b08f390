"""A text that is cut ends where a reader sees a character end, and says that it was cut."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flashduty.cutting import MARK, cut_text

# Each is one character to a reader, and none joins with what follows it here.
CHARACTERS: Final = (
    "a",
    " ",
    "é",
    "e\u0301",  # e and an accent of its own
    "\u0e01\u0e33",  # Thai: a consonant and a vowel sign
    "한",
    "\U0001f469\u200d\U0001f4bb",  # a woman and a laptop, joined
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
    "\U0001f44d\U0001f3fd",  # a thumb and its skin tone
    "\u2764\ufe0f",  # a heart and the selector that colours it
    "\U0001f1e9\U0001f1ea",  # a flag of two letters
    "1\ufe0f\u20e3",  # a keycap
    "\r\n",
)
texts = st.lists(st.sampled_from(CHARACTERS), max_size=40)


@given(texts, st.integers(1, 60))
def test_a_cut_text_is_whole_characters_and_the_mark_and_as_long_as_it_may_be(
    characters: list[str], most: int
) -> None:
    text = "".join(characters)
    cut = cut_text(text, most)
    if len(text) <= most:
        assert cut == text
        return
    kept: list[str] = []
    while len("".join([*kept, characters[len(kept)]])) + len(MARK) <= most:
        kept.append(characters[len(kept)])
    assert cut == "".join(kept) + MARK
    assert len(cut) <= most


@given(st.text(max_size=80), st.integers(1, 60))
def test_no_text_is_longer_than_the_limit_and_cutting_twice_changes_nothing(
    text: str, most: int
) -> None:
    cut = cut_text(text, most)
    assert len(cut) <= most
    assert cut_text(cut, most) == cut
    assert cut == text or text.startswith(cut.removesuffix(MARK))


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("restarted", 9, "restarted"),
        ("restarted", 8, "restart…"),
        ("restarted", 1, "…"),
        ("cafe\u0301s", 5, "caf…"),
        ("e" + "\u0301" * 20, 10, "…"),
        ("", 1, ""),
    ],
)
def test_the_mark_counts(text: str, most: int, cut: str) -> None:
    assert cut_text(text, most) == cut
