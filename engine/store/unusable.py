"""What is said of a file that cannot serve as a ledger."""

import errno
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.problem import Problem

_ROOM: Final = "make room on its disk"
_USER: Final = "be the engine's user, who has to be able to write the file and its folder"
_BY_ERRNO: Final[Mapping[int | None, str]] = {
    errno.ENOENT: "make the folder, or set another `database` in config.yaml",
    errno.EROFS: "its disk is mounted to be read alone",
    errno.EISDIR: "`database` in config.yaml has to be a file",
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EACCES: _USER,
    errno.EPERM: _USER,
}
_BY_CODE: Final[Mapping[int | None, str]] = {
    sqlite3.SQLITE_CORRUPT: "`engine db check` says where; stop the engine and put a backup in "
    "its place",
    sqlite3.SQLITE_FULL: _ROOM,
    sqlite3.SQLITE_READONLY: _USER,
    sqlite3.SQLITE_CANTOPEN: _USER,
    sqlite3.SQLITE_BUSY: "another program keeps it locked: end that one, or try again",
}


def unusable(path: Path, error: OSError | sqlite3.Error) -> Problem:
    """Why, and what to do."""
    if isinstance(error, OSError):
        said, hint = error.strerror, _BY_ERRNO.get(error.errno)
    else:
        code: int | None = getattr(error, "sqlite_errorcode", None)
        said, hint = str(error), _BY_CODE.get(code and code & 0xFF)
    hint = hint or "check `database` in config.yaml, and who may write there"
    return Problem("database-unusable", f"{path}: {said}", None, hint)


def no_ledger(path: Path) -> Problem:
    """It is nothing that the engine made."""
    return Problem(
        "no-ledger",
        f"{path} is empty, or the database of another program",
        None,
        "check `database` in config.yaml; `engine serve` makes a ledger of a new file",
    )
