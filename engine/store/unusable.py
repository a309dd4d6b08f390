"""What is said of a file that cannot serve as a ledger."""

import sqlite3
from pathlib import Path

from engine.problem import Location, Problem


def unusable(path: Path, error: Exception) -> Problem:
    """Why, and what to do. `error` is the system's or SQLite's."""
    said = error.strerror if isinstance(error, OSError) else str(error)
    hint = "check `database` in config.yaml, and who may write there"
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT:
        hint = "`engine db check` says where; stop the engine and put a backup in its place"
    return Problem("database-unusable", f"{path}: {said}", Location(str(path)), hint)
