"""A copy of the ledger as it is at one moment, beside a running engine."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from engine.problem import EngineError, Problem
from engine.store.database import reading


def back_up(path: Path, target: Path) -> int:
    """Copy the ledger; answers the copy's size in bytes. Raises EngineError, and leaves nothing.

    The copy is whole when it is there: it is made under another name, checked, and renamed. What is
    there already is never overwritten. It is one file, whatever the engine commits meanwhile.
    """
    if target.exists():
        raise EngineError(
            Problem("backup-exists", f"{target} is there already", None, "name another file")
        )
    with reading(path, whatever_schema=True) as source:
        try:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        except OSError as error:
            raise _failed(target, error.strerror or str(error)) from None
        try:
            os.close(handle)
            _copy(source, name, target)
            size = _on_the_disk(Path(name))
            Path(name).rename(target)
            _on_the_disk(target.parent)
        except OSError as error:
            raise _failed(target, error.strerror or str(error)) from None
        finally:
            for left in (name, f"{name}-journal", f"{name}-wal", f"{name}-shm"):
                Path(left).unlink(missing_ok=True)
    return size


def _copy(source: sqlite3.Connection, name: str, target: Path) -> None:
    try:
        with closing(sqlite3.connect(name)) as copy:
            # All of it in one go: in several ones it would begin again after each commit.
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, and none beside it
            [(said,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        raise _failed(target, str(error)) from None
    if said != "ok":
        raise EngineError(
            Problem(
                "damaged", f"what would be backed up is damaged: {said}", None, "`engine db check`"
            )
        )


def _on_the_disk(path: Path) -> int:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def _failed(target: Path, said: str) -> EngineError:
    return EngineError(
        Problem("no-backup", f"{target}: {said}", None, "nothing was written; name another place")
    )
