"""Opens the database file: pragmas, migrations."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from engine.problem import EngineError, Problem
from engine.store.queries import read_migrations, read_queries
from engine.store.turn import turn_beside
from engine.store.unusable import no_ledger, unusable

BUSY_TIMEOUT: Final = 5000  # milliseconds that a commit waits for a command's; see Turn for engines
STATEMENTS: Final = 256  # that stay prepared: all there are, those for several rows in each size
_OURS: Final = frozenset({"events", "playbooks", "runs", "steps"})  # what every schema has
WAL_LIMIT: Final = 64 * 1024 * 1024  # bytes that the write-ahead log keeps once it is written back


def connect(path: Path) -> sqlite3.Connection:
    """The connection that writes. Raises EngineError where the file cannot serve as a ledger."""
    try:
        # Made before SQLite makes it, so that nobody else can ever read what events hold.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise EngineError(unusable(path, error)) from None
    return _opened(path, _check_new_or_ours)


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
        raise EngineError(unusable(path, error)) from None
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
        raise EngineError(unusable(path, error)) from None
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
        raise EngineError(unusable(path, error)) from None


@contextmanager
def writing(path: Path, patience: float) -> Iterator[sqlite3.Connection]:
    """A connection that writes a little, beside a running engine: `at_once`. Raises EngineError."""
    with reading(path):
        pass  # it is there, and of a schema that this engine knows
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=patience)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
    except sqlite3.Error as error:
        raise EngineError(unusable(path, error)) from None


@contextmanager
def at_once(connection: sqlite3.Connection, path: Path, patience: float) -> Iterator[None]:
    """A transaction of a command beside a running engine: all of it is committed, or nothing."""
    with turn_beside(path, patience):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if connection.in_transaction:  # a full disk ends it by itself
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    migrations = read_migrations()
    version = _version(connection)
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def _check_new_or_ours(connection: sqlite3.Connection, path: Path) -> None:
    """To bring another program's database up to date would spoil it for that one."""
    _check_version(_version(connection), path)
    tables = {row["name"] for row in connection.execute(read_queries()["tables"])}
    if tables and not tables >= _OURS:
        raise EngineError(no_ledger(path))


def _check_same_version(connection: sqlite3.Connection, path: Path) -> None:
    version, known = _version(connection), len(read_migrations())
    _check_version(version, path)
    if version == 0:
        raise EngineError(no_ledger(path))
    if version < known:
        raise EngineError(
            Problem(
                "database-too-old",
                f"{path} has schema {version}, and this engine reads {known}",
                None,
                "`engine db backup` keeps it as it is; an engine that starts while no older one "
                "runs brings it up to date",
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
