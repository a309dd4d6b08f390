"""The ledger: whether it is sound, can be written, and has room."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.cli.doctor.finding import UNREADABLE, Finding
from engine.config.config import Config
from engine.playbooks.units import format_size
from engine.runs.retention import LONG_LOG
from engine.runs.trace import timestamp
from engine.store.database import at_once, reading, writing
from engine.store.queries import read_migrations, read_queries
from engine.store.words import read_pauses

PATIENCE: Final = 5.0  # seconds that a commit may wait for the engine's own
LONGEST_CHECK: Final = 10.0  # seconds
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock
LITTLE_ROOM: Final = 1024**3
NO_ROOM: Final = 128 * 1024**2


def look_at_ledger(
    config: Config, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Finding]:
    """Of the file that is there, if one is. Raises EngineError and OSError."""
    path = config.database
    yield _room(config, path)
    if not path.exists():
        yield _to_be_made(path)
        return
    with reading(path, whatever_schema=True) as db:
        version, known = db.execute("PRAGMA user_version").fetchone()[0], len(read_migrations())
        yield _schema(path, version, known)
        yield _sound(db, path, monotonic)
        if version == known:
            yield from _paused(db)
    yield from _log(path)
    if version == known:
        yield _commits(path)


def _to_be_made(path: Path) -> Finding:
    folder = path.resolve().parent
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("database", "ok", f"{path} is not there yet; `engine serve` makes it")
    return Finding("database", "fail", f"{folder} is not there, or cannot be written", UNREADABLE)


def _schema(path: Path, version: int, known: int) -> Finding:
    if version == known:
        return Finding("database", "ok", f"{path} has the schema of this engine ({known})")
    seen = f"{path} has schema {version}, and this engine has {known}"
    if version == 0:
        seen = f"{path} is empty, or the database of another program"
        return Finding("database", "fail", seen, "check `database` in config.yaml")
    if version > known:
        return Finding("database", "fail", seen, "start the engine that wrote it, or a newer one")
    todo = "`engine db backup` keeps it as it is, `engine serve` brings it up to date"
    return Finding("database", "warn", seen, todo)


def _sound(db: sqlite3.Connection, path: Path, monotonic: Callable[[], float]) -> Finding:
    """By SQLite's quick check, as far as it gets in its time."""
    until = monotonic() + LONGEST_CHECK
    db.set_progress_handler(lambda: monotonic() > until, _STEPS)
    try:
        said = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        seen = f"{format_size(path.stat().st_size)} are too much for a quick check"
        return Finding("soundness", "warn", seen, "`engine db check` takes its time")
    finally:
        db.set_progress_handler(None, 0)
    if said == ["ok"]:
        return Finding("soundness", "ok", "SQLite's quick check finds no damage")
    todo = "stop the engine and put a backup in its place; `engine db check` says more"
    return Finding("soundness", "fail", "; ".join(said), todo)


def _paused(db: sqlite3.Connection) -> Iterator[Finding]:
    pauses = read_pauses(db, read_queries())
    for one in pauses.values():
        name = f"playbook {one.playbook}" if one.playbook else "everything"
        seen = f"{name} is {one.said}, since {timestamp(one.at)}"
        undo = f"engine resume {one.playbook}".strip()
        yield Finding("paused", "warn", seen, f"`{undo}` when it may go on")
    if not pauses:
        yield Finding("paused", "ok", "nothing is")


def _log(path: Path) -> Iterator[Finding]:
    real = path.resolve()
    log = real.with_name(f"{real.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LONG_LOG:
        seen = f"the write-ahead log has grown to {format_size(size)}"
        yield Finding("log", "warn", seen, "end the program that keeps reading the database")
    else:
        yield Finding("log", "ok", f"the write-ahead log is {format_size(size)}")


def _commits(path: Path) -> Finding:
    sql = read_queries()
    with writing(path, PATIENCE) as db, at_once(db, path, PATIENCE):
        db.execute(sql["insert_probe"])
        db.execute(sql["delete_probe"])
    return Finding("commit", "ok", "a transaction is on the disk")


def _room(config: Config, path: Path) -> Finding:
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    seen = f"{format_size(free)} are free on the disk of {path}"
    todo = "make room, or set a smaller retention.size"
    if free < NO_ROOM:
        return Finding("room", "fail", seen, todo)
    wanted = config.retention.size or LITTLE_ROOM
    held = path.stat().st_size if path.exists() else 0
    if free < max(LITTLE_ROOM, wanted - held):
        if config.retention.size is not None:
            seen += f", and the ledger may grow to {format_size(wanted)}"
        return Finding("room", "warn", seen, todo)
    return Finding("room", "ok", seen)
