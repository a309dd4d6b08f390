"""How fast the receiver answers: beside a bare app, idle, and with fifty shell steps asleep.

    python -m tests.benchmarks.acknowledge [--json]

Everything is measured in one run on one machine, by a client in a process of its own, and every
acknowledged event is looked up in the database after the engine was killed.
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.real_engine import TOKEN, Place

BODY: Final = Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json"
SLEEPERS: Final = 50
PLAYBOOK: Final = "name: sleeper\ntrigger: {action: sleep}\nsteps: [{shell: [sleep, '30']}]\n"


@dataclass(frozen=True)
class Figure:
    """One measurement. Times are milliseconds."""

    name: str
    connections: int
    per_second: float
    p50: float
    p99: float
    worst: float


def measure(name: str, port: int, path: str, *, connections: int, count: int, first: int) -> Figure:
    """Run the client against a port."""
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.benchmarks.load", "--port", str(port), "--path", path,
            "--body", str(BODY), "--token", TOKEN, "--connections", str(connections),
            "--count", str(count), "--first", str(first),
        ],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    result = json.loads(done.stdout)
    times = sorted(seconds * 1000 for seconds in result["times"])
    return Figure(
        name,
        connections,
        len(times) / result["seconds"],
        statistics.median(times),
        times[int(len(times) * 0.99)],
        times[-1],
    )


async def _answer(request: Request) -> Response:
    await request.body()
    return JSONResponse({"event": "0" * 26, "duplicate": False})


bare = Starlette(routes=[Route("/{path:path}", _answer, methods=["POST"])])


def measure_bare() -> list[Figure]:
    """A Starlette app that reads the body and answers 200, served as the engine is."""
    program = (
        "import asyncio; from engine.cli.serving import bind, server; "
        "from engine.cli.running import port_of; from tests.benchmarks.acknowledge import bare; "
        "s = bind('127.0.0.1', 0); print(port_of(s), flush=True); "
        "asyncio.run(server(bare).serve([s]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        return [
            measure("bare app", port, "/x", connections=1, count=1000, first=1),
            measure("bare app", port, "/x", connections=64, count=12_800, first=1),
        ]
    finally:
        process.kill()
        process.wait()


def measure_engine(folder: Path) -> list[Figure]:
    """The engine, idle and then busy; and whether all it acknowledged is really there."""
    place = Place(folder)
    place.write(
        "config.yaml",
        "listen: 127.0.0.1:0\nflashduty: {app_key: k, webhook_token: '${E2E_TOKEN}'}\n",
    )
    place.write("playbooks/sleeper.yaml", PLAYBOOK)
    engine = place.start()
    path = "/flashduty/actions/nothing"
    try:
        figures = [
            measure("engine, idle", engine.port, path, connections=1, count=1000, first=1),
            measure("engine, idle", engine.port, path, connections=64, count=12_800, first=10**6),
        ]
        measure("", engine.port, "/flashduty/actions/sleep", connections=1, count=SLEEPERS,
                first=10**7)  # fmt: skip
        for _ in range(SLEEPERS):
            engine.wait_for("step_started", playbook="sleeper")
        busy = f"engine, {SLEEPERS} shell steps"
        figures += [
            measure(busy, engine.port, path, connections=1, count=1000, first=2 * 10**7),
            measure(busy, engine.port, path, connections=64, count=12_800, first=3 * 10**7),
        ]
        going = [
            child
            for child in Path("/proc").glob("[0-9]*/cmdline")
            if _reads(child) == b"sleep\x0030\x00"
        ]
        assert len(going) >= SLEEPERS, f"only {len(going)} were asleep while it was measured"
    finally:
        engine.close()
    with sqlite3.connect(folder / "engine.db") as database:
        [(kept,)] = database.execute("SELECT count(*) FROM events").fetchall()
    database.close()
    sent = 2 * (1000 + 12_800) + SLEEPERS
    assert kept == sent, f"{sent} events were acknowledged, and {kept} are in the database"
    return figures


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = [*measure_bare(), *measure_engine(Path(folder))]
    if options.json:
        print(json.dumps([vars(figure) for figure in figures], indent=2))
        return
    base = {figure.connections: figure for figure in figures if figure.name == "bare app"}
    print(
        f"{'':28}{'connections':>12}{'per second':>12}{'of bare':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"
    )
    for figure in figures:
        ratio = figure.per_second / base[figure.connections].per_second
        print(
            f"{figure.name:28}{figure.connections:>12}{figure.per_second:>12.0f}{ratio:>9.2f}"
            f"{figure.p50:>9.2f}{figure.p99:>9.2f}{figure.worst:>9.2f}"
        )


if __name__ == "__main__":
    main()
