"""Opens the database file: pragmas, migrations, one engine at a time."""

import fcntl
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from engine.problem import EngineError, Location, Problem
from engine.store.queries import read_migrations, read_queries

BUSY_TIMEOUT: Final = 5000  # milliseconds that a commit waits for another process's lock
LOOKS: Final = 5  # for the lock of another engine
LOOK: Final = 0.02  # seconds between them
STATEMENTS: Final = 256  # that stay prepared: all there are, those for several rows in each size
WAL_LIMIT: Final = 64 * 1024 * 1024  # bytes that the write-ahead log keeps once it is written back


def connect(path: Path) -> sqlite3.Connection:
    """The connection that writes. Raises EngineError where the file cannot serve as a ledger."""
    try:
        # Made before SQLite makes it, so that nobody else can ever read what events hold.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise EngineError(_unusable(path, error)) from None
    return _opened(path, lambda connection, path: _check_version(_version(connection), path))


def reconnect(path: Path) -> sqlite3.Connection:
    """The same to a file that was a ledger before: nothing is made. Raises EngineError."""
    return _opened(path, _check_same_version)


def _opened(path: Path, check: Callable[[sqlite3.Connection, Path], None]) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS,
        )
    except sqlite3.Error as error:
        raise EngineError(_unusable(path, error)) from None
    try:
        connection.row_factory = sqlite3.Row
        check(connection, path)  # before anything is changed
        if _version(connection) == 0:
            # Only before anything is written to a file; it can give its free space back then.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk before anyone is told 200.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
        _migrate(connection)
        # After that: a table that is made anew would take the rows that point to it along.
        connection.execute("PRAGMA foreign_keys = ON")
        # Damage to what a start needs is said at the start, not to whoever sends the first event.
        connection.execute(read_queries()["first_look"]).fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise EngineError(_unusable(path, error)) from None
    except EngineError:
        connection.close()
        raise
    return connection


def read_beside(path: Path) -> sqlite3.Connection:
    """A connection that only reads what another one of this process has open already."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


@contextmanager
def reading(path: Path, *, whatever_schema: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, beside a running engine. Raises EngineError."""
    if not path.exists():
        raise EngineError(
            Problem(
                "no-database",
                f"there is no database {path} yet",
                None,
                "`engine serve` makes it; or name another config with --config",
            )
        )
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            connection.row_factory = sqlite3.Row
            if not whatever_schema:
                _check_same_version(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise EngineError(_unusable(path, error)) from None


@contextmanager
def writing(path: Path, patience: float) -> Iterator[sqlite3.Connection]:
    """A connection that writes a little, beside a running engine. Raises EngineError."""
    with reading(path):
        pass  # it is there, and of a schema that this engine knows
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=patience)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
    except sqlite3.Error as error:
        raise EngineError(_unusable(path, error)) from None


@contextmanager
def sole_use(path: Path) -> Iterator[None]:
    """Hold the ledger for this process; the system lets go of it however the process ends."""
    lock = _lock_of(path)
    try:
        handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise EngineError(_unusable(lock, error)) from None
    try:
        if not _locked_soon(handle):
            holder = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            raise EngineError(
                Problem(
                    "database-in-use",
                    f"another engine (process {holder}) works on {path}",
                    None,
                    "stop it first, or give this one a `database` of its own",
                )
            )
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(path: Path) -> int | None:
    """The process of the engine that works on a ledger; None where none does, or none is known."""
    try:
        handle = os.open(_lock_of(path), os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _locked(handle, fcntl.LOCK_SH) else int(os.read(handle, 20))
    except (ValueError, OSError):
        return None  # it is just starting, or just ended
    finally:
        os.close(handle)


def wake(path: Path) -> bool:
    """Have the engine that works on a ledger look at it again; False where none does.

    By SIGURG, which nobody dies of who does not listen for it yet.
    """
    process = holder(path)
    if process is None:
        return False
    try:
        os.kill(process, signal.SIGURG)
    except OSError:
        return False  # it just ended
    return True


def _lock_of(path: Path) -> Path:
    real = path.resolve()  # two names of one file are one ledger
    return real.with_name(f"{real.name}.lock")


def _locked_soon(handle: int) -> bool:
    """Whether it could be had for good: who only looks whether it is free has it for a moment."""
    for _ in range(LOOKS):
        if _locked(handle, fcntl.LOCK_EX):
            return True
        time.sleep(LOOK)
    return False


def _locked(handle: int, operation: int) -> bool:
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _migrate(connection: sqlite3.Connection) -> None:
    migrations = read_migrations()
    version = _version(connection)
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def _check_same_version(connection: sqlite3.Connection, path: Path) -> None:
    version, known = _version(connection), len(read_migrations())
    _check_version(version, path)
    if version == 0:
        raise EngineError(
            Problem(
                "no-ledger",
                f"{path} is empty, or the database of another program",
                Location(str(path)),
                "check `database` in config.yaml; `engine serve` makes a ledger of a new file",
            )
        )
    if version < known:
        raise EngineError(
            Problem(
                "database-too-old",
                f"{path} has schema {version}, and this engine reads {known}",
                Location(str(path)),
                "`engine db backup` keeps it as it is, `engine serve` brings it up to date",
            )
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(version: int, path: Path) -> None:
    known = len(read_migrations())
    if version > known:
        raise EngineError(
            Problem(
                "database-too-new",
                f"{path} has schema {version}, and this engine knows up to {known}",
                None,
                "start the engine that wrote it, or a newer one",
            )
        )


def _unusable(path: Path, error: Exception) -> Problem:
    said = error.strerror if isinstance(error, OSError) else str(error)
    hint = "check `database` in config.yaml, and who may write there"
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT:
        hint = "`engine db check` says where; stop the engine and put a backup in its place"
    return Problem("database-unusable", f"{path}: {said}", Location(str(path)), hint)
