"""Figures as one table and as JSON, with the machine they were measured on."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from tests.benchmarks.figure import Figure

WIDE: Final = 200  # columns where there is no terminal


@dataclass(frozen=True)
class Result:
    """Of one benchmark."""

    benchmark: str
    seconds: float
    figures: list[Figure]
    failure: str | None = None


def print_table(results: list[Result], machine: Mapping[str, str]) -> None:
    """On standard output."""
    screen = Console() if sys.stdout.isatty() else Console(width=WIDE)
    screen.print(table_of(results))
    for what, said in machine.items():
        screen.print(f"{what}: {said}", highlight=False)


def write_json(
    file: Path, results: list[Result], machine: Mapping[str, str], *, quick: bool, seconds: int
) -> None:
    """Stable keys: `machine` in words, `quick`, `seconds` for all of it, `figures` as Figure has them,
    each with its `benchmark`, and `failures`: why a benchmark has none.
    """
    told = {
        "machine": machine,
        "quick": quick,
        "seconds": seconds,
        "figures": [
            {"benchmark": result.benchmark, **figure.as_json()}
            for result in results
            for figure in result.figures
        ],
        "failures": {one.benchmark: one.failure for one in results if one.failure is not None},
    }
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table_of(results: list[Result]) -> Table:
    """A line for each figure."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for title in ("benchmark", "what", "figure", "ratio", "against", "bar", "aim", "", "means"):
        right = title in ("figure", "ratio", "bar", "aim")
        folds = title == "means"
        table.add_column(title, justify="right" if right else "left", no_wrap=not folds)
    for result in results:
        name = result.benchmark
        if result.failure is not None:
            table.add_row(name, "not measured", "", "", "", "", "", "✗", result.failure)
        for figure in result.figures:
            bar = figure.bar
            table.add_row(
                name,
                figure.name,
                f"{_number(figure.value)} {figure.unit}",
                "" if figure.ratio is None else f"{figure.ratio:.2f} x",
                figure.against,
                bar.said(bar.bound) if bar else "",
                bar.said(bar.aim) if bar else "",
                {True: "✓", False: "✗", None: ""}[figure.held],
                figure.means,
            )
            name = ""
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
