"""What people see: tables, times, outcomes. Nothing an event holds may steer the terminal."""

import json
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.cli.visible import clean, clean_json

REQUEST_IN_SUMMARY: Final = ("method", "url", "argv", "call", "duration")  # shown there already
MARKS: Final = {
    "succeeded": ("✓", "green"),
    "performed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("✗", "yellow"),
    "skipped": ("-", "dim"),
    "unknown": ("?", "yellow"),
    "yes": ("✓", "green"),
    "no": ("-", "dim"),
    "cannot tell": ("?", "yellow"),
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
}


def line(text: object, limit: int = 200) -> str:
    """The text on one line, cut at `limit`."""
    flat = clean(" ".join(str(text).split()))
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def value_line(value: object, limit: int = 500) -> str:
    """A value on one line: texts as they are, everything else as JSON."""
    return line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), limit)


def styled(text: object, style: str = "") -> Text:
    """Text that rich shows as it is."""
    return Text(clean(text), style=style)


def mark(outcome: str) -> Text:
    """One character for how something ended."""
    shown, style = MARKS.get(outcome, ("…", "cyan"))
    return Text(shown, style=style)


def table(*columns: str) -> Table:
    """A table with no lines, as wide as its words."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def console(*, stderr: bool = False) -> Console:
    """For a person when there is one; plain text in a pipe, never cut at the width of none."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = 200  # of tables; what is no table is as long as it is
    return made


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(clean_json(json.dumps(value, ensure_ascii=False, indent=2, default=str)))
