"""Nothing that a terminal shows can steer it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.visible import clean, clean_json

HOSTILE = [
    ("\x1b[2Jgone", "\\x1b[2Jgone"),
    ("\x1b]8;;http://evil\x1b\\\\link\x1b]8;;\x1b\\\\", "\\x1b]8;;http://evil\\x1b\\\\link\\x1b]8;;\\x1b\\\\"),
    ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
    ("\x9b31mC1\x9d0;t\x9c", "\\x9b31mC1\\x9d0;t\\x9c"),
    ("a\rb\x08c\x7f", "a\\x0db\\x08c\\x7f"),
    ("\u202eevil\u202c\u2066\u200b\ufeff", "\\x202eevil\\x202c\\x2066\\x200b\\xfeff"),
    ("\u2028line\u0085", "\\x2028line\\x85"),
    ("\U000e0041", "\\xe0041"),
    ("\ud800", "\\xd800"),
    ("[red]no[/red] :smile: [link=http://x]y[/link]", "[red]no[/red] :smile: [link=http://x]y[/link]"),
    ("头铁\ntwo", "头铁\ntwo"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_would_steer_a_terminal_is_shown_by_its_number(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text())
def test_of_any_text_only_what_is_seen_is_left(text: str) -> None:
    assert all(char == "\n" or char.isprintable() for char in clean(text))


@given(st.dictionaries(st.text(), st.text()))
def test_json_says_the_same(data: dict[str, str]) -> None:
    for ascii_ in (True, False):
        written = clean_json(json.dumps(data, ensure_ascii=ascii_, indent=2))
        assert json.loads(written) == data
        assert all(char == "\n" or char.isprintable() for char in written)
