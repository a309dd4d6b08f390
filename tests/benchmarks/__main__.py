"""Every benchmark, one after another: `python -m tests.benchmarks [NAME..] [--quick] [--json FILE]`.

Each is measured by a process of its own, and says what its figures have to hold (DESIGN.md, section
10). Seconds mean something on a machine that does nothing else; ratios, counts and CPU time mostly do
on any. The exit code is 1 where a figure does not hold its bar or a benchmark could not be measured.
`TMPDIR` says where the ledgers are written: on the disk that is meant.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from tests.benchmarks.every import BENCHMARKS, Result, alone, profiled, result_of
from tests.benchmarks.machine import the_machine

WIDE: Final = 200  # columns where there is no terminal


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *BENCHMARKS],
                        help=f"one of: {', '.join(BENCHMARKS)}; all of them without")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="smaller, within two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--profile", action="store_true", help="say what takes the time, on stderr")
    options = parser.parse_args()
    machine, began = the_machine(), time.monotonic()
    results: list[Result] = []
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", end="", file=sys.stderr, flush=True)
        results.append(result_of(name, options.quick, profiled if options.profile else alone))
        print(f" {results[-1].seconds:.0f} s", file=sys.stderr)
    screen = Console() if sys.stdout.isatty() else Console(width=WIDE)
    screen.print(table_of(results))
    for what, said in machine.items():
        screen.print(f"{what}: {said}", highlight=False)
    took = round(time.monotonic() - began)
    screen.print(f"took: {took} s{', --quick' if options.quick else ''}", highlight=False)
    if options.json is not None:
        told = {
            "machine": machine,
            "quick": options.quick,
            "seconds": took,
            "figures": [
                {"benchmark": result.benchmark, **figure.as_json()}
                for result in results
                for figure in result.figures
            ],
            "failures": {one.benchmark: one.failure for one in results if one.failure is not None},
        }
        options.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    bad = any(one.failure or any(each.held is False for each in one.figures) for one in results)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
