"""On what it was measured: without that, a figure says nothing."""

import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COMMITS: Final = 200


def the_machine() -> dict[str, str]:
    """In words; `load` is that before anything was measured."""
    cpu = [line for line in _text("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    memory = _text("/proc/meminfo").split()
    packages = ("starlette", "uvicorn", "uvloop", "httptools", "orjson", "jmespath", "pydantic")
    folder = tempfile.gettempdir()
    return {
        "machine": f"{len(cpu)} x {cpu[0].partition(': ')[2]}" if cpu else platform.processor(),
        "memory": f"{int(memory[1]) / 2**20:.1f} GiB" if memory else "",
        "system": f"{platform.system()} {platform.release()}",
        "disk": f"{_filesystem(folder)} at {folder}, {commits_a_second():,.0f} bare commits/s",
        "load": ", ".join(f"{one:.2f}" for one in os.getloadavg()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "commit": commit(),
    }


def commits_a_second() -> float:
    """One row each, one after another, with the settings of the ledger."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)) as db,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE steps (seq INTEGER PRIMARY KEY, text TEXT)")
        began = time.perf_counter()
        for number in range(COMMITS):
            db.execute("INSERT INTO steps (text) VALUES (?)", (f"steps/{number}",))
        return COMMITS / (time.perf_counter() - began)


def commit() -> str:
    """Of the checkout, `-dirty` behind it where there is more than that; empty without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _filesystem(folder: str) -> str:
    """The type of what is mounted there."""
    mounts = [line.split()[1:3] for line in _text("/proc/mounts").splitlines()]
    there = [(len(at), kind) for at, kind in mounts if Path(folder).is_relative_to(at)]
    return max(there, default=(0, "unknown"))[1]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
