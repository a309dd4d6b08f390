"""Ten thousand unfinished runs after a kill -9: how soon all of them are under way again.

A real engine carries each of them to a step that waits for an hour, and is killed. In the ledger the
hour is over then, and another engine has to go on with every one: the wait has its outcome and the next
step has begun, both committed. From the start of the process to the last of them.
"""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.figure import Bar, Figure, require
from tests.benchmarks.served import Served, lay_out, serving, wait_until

HOUR: Final = 3600
PLAYBOOK: Final = """\
trigger: {action: recover}
steps:
  - set: {mark: "{{ incident.event_id }}"}
  - wait: 1h
  - wait: 1h
"""
_WAITING: Final = "SELECT count(*) FROM runs WHERE state = 'waiting'"
_AT: Final = "SELECT count(*) FROM steps WHERE path = 'steps/{}' AND wake IS NOT NULL"
_AN_HOUR_LATER: Final = (
    "UPDATE steps SET started = started - {0}, wake = wake - {0} WHERE wake IS NOT NULL"
)


def measure(*, quick: bool) -> Iterator[Figure]:
    count = 1000 if quick else 10_000
    took, cpu, resident = recovered(count)
    start, _, alone = recovered(1)
    yield Figure(
        *(f"{count:,} runs under way again", took, "s"),
        "from the start of the process, each with its next step begun and committed",
        Bar(5),
        *(took / start, f"one run, {start:.2f} s"),
    )
    yield Figure(
        *("CPU time for one", cpu / count * 1e6, "us"),
        "of the engine, from its start; says the same on a busy machine",
    )
    yield Figure(
        *(f"resident, {count:,} under way", resident, "MiB", "each waits for its time"),
        Bar(300),
        *(resident / alone, f"one run, {alone:.0f} MiB"),
    )


def recovered(count: int) -> tuple[float, float, float]:
    """Seconds, those that the engine computed, and its MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, {"recover": PLAYBOOK})
        with serving(folder) as engine:
            path = "/flashduty/actions/recover"
            load.load(engine.port, path, connections=min(count, 16), count=count)
            engine.until(_AT.format(1), count)
            engine.until(_WAITING, count)
            engine.kill()
        with closing(sqlite3.connect(folder / "engine.db")) as db:
            db.execute(_AN_HOUR_LATER.format(HOUR))
            db.commit()
        began = time.monotonic()
        with serving(folder) as engine:
            _gone_on(engine, count)
            took, cpu, resident = time.monotonic() - began, engine.cpu(), engine.resident()
            going = engine.count("SELECT count(*) FROM runs WHERE ended IS NULL")
        require(going == count, f"{count - going} of {count} runs have ended")
        return took, cpu, resident


def _gone_on(engine: Served, count: int) -> None:
    """Once the third step of each run is there; looked for seldom, as that costs the machine time."""

    def there() -> bool:
        time.sleep(0.05)
        return engine.count(_AT.format(2)) >= count

    wait_until(there, f"{count} runs that went on", engine)
