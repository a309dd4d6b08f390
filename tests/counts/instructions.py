"""Counts instructions: `python -m tests.counts.instructions [--update]` prints them, under callgrind.

In seconds a path that has become a tenth dearer is within the mood of the machine; in instructions it
is not, on any. Each figure is how many times the instructions of `reference.py` one piece of work
takes, in the same process. `instructions.json` has what was measured last; `--update` writes it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).with_name("instructions.json")
KEPT: Final = ("PATH", "TMPDIR", "LANG")  # of the environment
REFERENCE: Final = "reference"
NOT_ASKED: Final = 75  # what the charge ends with when valgrind does not hear it
PATIENCE: Final = 600.0  # seconds; it takes half a minute of one core that does nothing else
_TOTAL: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class CountingError(Exception):
    """Nothing could be counted."""


class CannotCountError(CountingError):
    """Nothing can be counted on this machine, whatever the work is."""


@dataclass(frozen=True)
class Count:
    """Of one kind of work."""

    each: float  # instructions
    ratio: float  # to those of the reference


def why_not() -> str | None:
    """Why nothing can be counted here; None where it can."""
    missing = [name for name in ("valgrind", "vgdb") if shutil.which(name) is None]
    return f"no {missing[0]} is installed: apt install valgrind" if missing else None


def counted() -> Mapping[str, Count]:
    """Of each kind of work. Raises CountingError and CannotCountError, with what was said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = subprocess.run(
            [
                *("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"),
                *("--dump-before=getppid", "--dump-line=no"),
                *(f"--callgrind-out-file={folder}/out", f"--vgdb-prefix={folder}/vgdb"),
                *(sys.executable, "-m", "tests.counts.under_callgrind", f"{folder}/vgdb"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={
                "PYTHONHASHSEED": "0",
                **{one: os.environ[one] for one in KEPT if one in os.environ},
            },
            timeout=PATIENCE,
        )
        if done.returncode == NOT_ASKED or done.stderr.startswith("valgrind:"):
            raise CannotCountError(done.stderr.strip())
        if done.returncode:
            raise CountingError(done.stderr)
        times: dict[str, int] = json.loads(done.stdout)
        totals = [_total(folder / f"out.{number + 2}") for number in range(len(times))]
        if (folder / f"out.{len(times) + 2}").exists():
            raise CountingError("the work itself has called getppid")
    each = {name: total / times[name] for name, total in zip(times, totals, strict=True)}
    return {name: Count(found, found / each[REFERENCE]) for name, found in each.items()}


def _total(dump: Path) -> int:
    found = _TOTAL.search(dump.read_text(encoding="utf-8")) if dump.exists() else None
    if found is None:
        raise CountingError(f"callgrind has counted nothing in {dump.name}")
    return int(found[1])


def measured() -> Mapping[str, float]:
    """The ratios that stand in the table."""
    ratios: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8"))
    return ratios


def said(found: Mapping[str, Count], before: Mapping[str, float]) -> list[str]:
    """A line for each kind of work, with how much dearer it is than before."""
    lines = [f"{'':12}{'instructions':>14}{'ratio':>9}{'before':>9}{'change':>9}"]
    for name, count in found.items():
        known = before.get(name)
        change = "" if known is None else f"{known:9.2f}{count.ratio / known - 1:+9.1%}"
        lines.append(f"{name:12}{count.each:14,.0f}{count.ratio:9.2f}{change}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.counts.instructions", description=__doc__
    )
    parser.add_argument("--update", action="store_true", help="write the ratios into the table")
    options = parser.parse_args()
    reason = why_not()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 2
    found = counted()
    print(*said(found, measured()), sep="\n")
    if options.update:
        ratios = {name: round(one.ratio, 2) for name, one in found.items() if name != REFERENCE}
        FILE.write_text(json.dumps(ratios, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
