"""The same events through other engines, as far as they are installed: python -m tests.benchmarks.peers

adnanh/webhook is a Debian package, `webhook`. ansible-rulebook comes from PyPI and needs Java 17; give
its path as ANSIBLE_RULEBOOK where it is in an environment of its own:

    apt install webhook default-jre-headless
    python3 -m venv rulebook && rulebook/bin/pip install ansible-rulebook ansible-core
    ANSIBLE_RULEBOOK=rulebook/bin/ansible-rulebook python -m tests.benchmarks.peers

Each gets events that none of ten rules is about; then events of which each has one effect, which has
to be there once; and then it is killed with -9 amid such events, started again, and whatever it has
answered 200 for and does not do any more is counted.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.every import result_of
from tests.benchmarks.figure import Bar, Figure, quantile, require
from tests.benchmarks.machine import the_machine
from tests.benchmarks.peer import PEERS, Peer
from tests.benchmarks.served import Served, wait_until
from tests.benchmarks.table import Result, print_table, write_json

CONNECTIONS: Final = 16
REST: Final = 0.5  # seconds


def measure(peer: Peer, *, quick: bool) -> Iterator[Figure]:
    """What one of them does."""
    seconds, count = (2.0, 300) if quick else (6.0, 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with peer.serve(folder) as served:
            load.load(served.port, peer.nothing, connections=CONNECTIONS, seconds=1)
            _quiet(served)
            cpu = served.cpu()
            taken = load.load(
                *(served.port, peer.nothing),
                connections=CONNECTIONS, seconds=seconds, first=10**7,
            )  # fmt: skip
            _quiet(served)
            each = (served.cpu() - cpu) / len(taken.times) * 1e6
            resident = served.resident()
            began = time.monotonic()
            acted = load.load(
                *(served.port, peer.act), connections=CONNECTIONS, count=count, first=10**8
            )
            wait_until(lambda: len(peer.done(folder)) >= count, f"{count} effects", served)
            took = time.monotonic() - began
            _quiet(served, lambda: len(peer.done(folder)))
        wanted = sorted(map(load.event_id, acted.acknowledged))
        require(sorted(peer.done(folder)) == wanted, "the effects are not those of the events")
    yield Figure(*("answers", taken.per_second, "/s"), f"200 for an event, {peer.keeps}")
    yield Figure(
        *("p99 of an answer", quantile(taken.times, 0.99) * 1000, "ms"),
        f"at {CONNECTIONS} connections that send as fast as they are answered",
    )
    yield Figure(*("CPU time for one", each, "us", "parsed, checked, held against ten rules"))
    yield Figure(*("resident", resident, "MiB", "after that"))
    yield Figure(
        *("effects", count / took, "/s"),
        f"from the first event to the last of {count} effects, each there once",
    )
    lost, of = _lost(peer, count)
    yield Figure(
        *("lost in a kill -9", lost, f"of {of}"),
        "answered 200, and without effect also once it was started again",
        Bar(0) if peer is PEERS[0] else None,
    )


def _lost(peer: Peer, count: int) -> tuple[int, int]:
    """How many events that were answered 200 have no effect after a kill amid them; of how many."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with peer.serve(folder) as served:
            cut = load.start(
                *(served.port, peer.act),
                connections=CONNECTIONS, seconds=60, count=2 * count, first=1,
            )  # fmt: skip
            wait_until(lambda: len(peer.done(folder)) >= count // 2, "effects", served)
            served.kill()
            answered = set(map(load.event_id, load.finish(cut).acknowledged))
        with peer.serve(folder) as served:
            _quiet(served, lambda: len(peer.done(folder)))
        return len(answered - set(peer.done(folder))), len(answered)


def _quiet(served: Served, effects: Callable[[], int] = lambda: 0) -> None:
    """Until it has nothing left to do: what it answers first and judges later counts.

    Also where it waits for the disk, and computes next to nothing between two effects.
    """

    def quiet() -> bool:
        cpu, there = served.cpu(), effects()
        time.sleep(REST)
        return served.cpu() - cpu < REST / 10 and effects() == there

    wait_until(quiet, "moments in which it rests", served)


def _beside(one: Result, engine: Result) -> Result:
    """With what each figure is of the engine's."""
    if one is engine:
        return one
    pairs = zip(one.figures, engine.figures, strict=False)
    figures = [
        replace(figure, ratio=figure.value / ours.value, against="the engine")
        if ours.value
        else figure
        for figure, ours in pairs
    ]
    return replace(one, figures=figures)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="smaller, within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    machine, began = the_machine(), time.monotonic()
    results: list[Result] = []
    for peer in PEERS:
        missing = peer.missing()
        if missing is not None:
            results.append(Result(peer.name, 0, [], missing))
            continue
        print(f"{peer.name} ...", file=sys.stderr)
        machine[peer.name] = peer.version()

        def measured(_: str, quick: bool, peer: Peer = peer) -> list[Figure]:
            return list(measure(peer, quick=quick))

        results.append(result_of(peer.name, options.quick, measured))
    results = [_beside(one, results[0]) for one in results]
    print_table(results, machine)
    if options.json is not None:
        took = round(time.monotonic() - began)
        write_json(options.json, results, machine, quick=options.quick, seconds=took)
    return 0


if __name__ == "__main__":
    sys.exit(main())
