"""What people see holds nothing that steers their terminal."""

import json
import re

import pytest

from engine.cli.screen import console, line, mark, print_json, table
from engine.cli.visible import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 头铁 ‹x›", "plain 头铁 ‹x›"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\x07\x00", "a\\x0db\\x07\\x00"),
        ("two\nlines", "two\nlines"),
        ("right\u202eleft", "right\\x202eleft"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_line_is_one_line_of_bounded_length() -> None:
    assert line("a\n  b\tc") == "a b c"
    assert line("x" * 300) == "x" * 197 + "..."


def test_an_outcome_nobody_knows_still_has_a_mark() -> None:
    assert (mark("succeeded").plain, mark("failed").plain, mark("going on").plain) == (
        "✓",
        "✗",
        "…",
    )


def test_in_a_pipe_a_line_is_as_long_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A path that was folded could not be pasted."""
    console().print("kept:", "/x" * 150)

    assert capsys.readouterr().out == "kept: " + "/x" * 150 + "\n"


def test_in_a_pipe_tables_are_wide(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table("a", "b")
    shown.add_row("x" * 90, "y" * 90)
    console().print(shown)

    assert re.search(r"^x{90} +y{90} *$", capsys.readouterr().out, re.MULTILINE)


def test_json_keeps_what_people_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": "头铁"})

    out = capsys.readouterr().out
    assert json.loads(out) == {"title": "头铁"}
    assert "头铁" in out
