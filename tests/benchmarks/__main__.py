"""Every benchmark, one after another: `python -m tests.benchmarks [NAME..] [--quick] [--json FILE]`.

Each is measured by a process of its own, and says what its figures have to hold (DESIGN.md, section
10). Seconds mean something on a machine that does nothing else; ratios, counts and CPU time mostly do
on any. The exit code is 1 where a figure does not hold its bar or a benchmark could not be measured.
`TMPDIR` says where the ledgers are written: on the disk that is meant. The keys of the JSON stay what
they are; `write_json` in table.py and `as_json` in figure.py say what each has.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.benchmarks.every import BENCHMARKS, alone, profiled, result_of
from tests.benchmarks.machine import the_machine
from tests.benchmarks.table import Result, print_table, write_json


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
    took = round(time.monotonic() - began)
    print_table(results, {**machine, "took": f"{took} s{', --quick' if options.quick else ''}"})
    if options.json is not None:
        write_json(options.json, results, machine, quick=options.quick, seconds=took)
    bad = any(one.failure or any(each.held is False for each in one.figures) for one in results)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
