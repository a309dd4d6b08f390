"""Resident memory of an engine and of the processes it started: idle, and with 10,000 queued runs."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.figure import Bar, Figure
from tests.benchmarks.load import ROOT
from tests.benchmarks.served import lay_out, serving

PLAYBOOK: Final = """\
trigger: {action: work}
steps:
  - shell: [sleep, 1h]
    timeout: 2h
"""
_QUEUED: Final = "SELECT count(*) FROM runs WHERE state = 'queued'"
_STARTED: Final = "SELECT count(*) FROM in_force"
_PLAIN: Final = (
    "import tests.benchmarks.acknowledge; from pathlib import Path; "
    "print(Path('/proc/self/status').read_text().split('VmRSS:')[1].split()[0])"
)


def measure(*, quick: bool) -> Iterator[Figure]:
    count = 2000 if quick else 10_000
    done = subprocess.run(
        [sys.executable, "-c", _PLAIN], capture_output=True, text=True, check=True, cwd=ROOT
    )
    plain = int(done.stdout) / 1024
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, {"work": PLAYBOOK}, runs=1)
        with serving(folder) as engine:
            engine.until(_STARTED, 1)
            idle = engine.resident()
            path = "/flashduty/actions/work"
            load.load(engine.port, path, connections=16, count=count + 1)
            engine.until(_QUEUED, count)
            queued = engine.resident()
    yield Figure(
        *("resident, idle", idle, "MiB", "after its start, with one playbook"),
        Bar(100),
        *(idle / plain, f"Python with uvicorn and Starlette, {plain:.0f} MiB"),
    )
    yield Figure(
        *(f"resident, {count:,} queued", queued, "MiB"),
        "what is queued is in the ledger",
        Bar(300),
        *(queued / idle, f"idle, {idle:.0f} MiB"),
    )
