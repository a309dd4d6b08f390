"""The file behind the ledger: whether it is still the one that was opened, and how large it grows.

A file that is moved away or deleted stays writable for who has it open, and what is written then is
lost; so is what is written over damage. Here it is found out, and mended where it can be.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from engine.problem import EngineError
from engine.runs.ledger import LedgerError
from engine.store.database import BUSY_TIMEOUT, WAL_LIMIT, connect, read_beside, reconnect

CUTTING: Final = 50  # milliseconds that receivers may have to wait while readers leave the log
RETRY_CUTTING: Final = 1.0  # seconds

# After these a connection is not to be trusted with another commit; after a full disk or another
# process's lock it is.
_BROKEN: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)

Identity = tuple[int, int]
Connect = Callable[[Path], sqlite3.Connection]


class LedgerFile:
    """The one connection that writes to a file, and one that reads beside it.

    Each is used by one thread at a time. The reading one goes before the other: as long as one is
    open, SQLite takes what a new one finds for what the old one had.
    """

    def __init__(
        self,
        path: Path,
        *,
        connect: Connect = connect,
        reconnect: Connect = reconnect,
        monotonic: Callable[[], float] = time.monotonic,
        wal_limit: int = WAL_LIMIT,
    ) -> None:
        """Raises EngineError where the file cannot serve as a ledger."""
        self.path = path.resolve()  # SQLite puts its other files beside what a link leads to
        self._reconnect = reconnect
        self._monotonic = monotonic
        self._wal_limit = wal_limit
        self._wal = self.path.with_name(f"{self.path.name}-wal")
        self._shm = self.path.with_name(f"{self.path.name}-shm")
        self._cut_at = 0.0  # when it may be tried again
        self._cutting_wanted = False
        self._reading = threading.Lock()  # held while the reading connection is in use
        self._reader: sqlite3.Connection | None = None
        self._connection: sqlite3.Connection | None = connect(self.path)
        self._identity = _identity(_status(self.path))
        self._length = 0  # bytes of the log, as last seen
        self._beside = self._identities_beside()

    def connection(self) -> sqlite3.Connection:
        """The connection to begin a transaction on. Raises LedgerError where there is none."""
        self.check()
        if self._connection is not None and self._beside != self._identities_beside():
            self._let_go(self._connection)
        if self._connection is None:
            try:
                self._connection = self._reconnect(self.path)
            except EngineError as error:
                raise LedgerError(error.problems[0].message) from None
            self._beside = self._identities_beside()
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads what is committed by now, all at one moment.

        Raises LedgerError where something is wrong that `connection` would mend or say; what goes
        wrong inside parts with it.
        """
        with self._reading:
            self.check()
            if self._connection is None or self._beside != self._identities_beside():
                raise LedgerError("the ledger has to be opened anew")
            try:
                if self._reader is None:
                    self._reader = read_beside(self.path)
                self._reader.execute("BEGIN")
                yield self._reader
                self._reader.execute("COMMIT")
            except BaseException:
                self._stop_reading()
                raise

    def check(self) -> None:
        """Raises LedgerError when the file is not there any more, or is another one."""
        try:
            identity = _identity(_status(self.path))
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be found any more ({error.strerror}); "
                "put it back, or restart the engine"
            ) from None
        if identity != self._identity:
            raise LedgerError(
                f"another file was put in the place of {self.path}; "
                "restart the engine to go on with that one"
            )

    def failed(self, error: Exception) -> None:
        """A transaction came to nothing: undo it, and part with a connection that is broken."""
        connection = self._connection
        if connection is None:
            return
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more exactly
        if code in _BROKEN or connection.in_transaction:
            self.close()

    def tidy(self) -> None:
        """Cut the write-ahead log when it has grown, which needs a moment without readers.

        SQLite writes it back by itself, and begins at its start again when nobody reads it; it
        grows while somebody does.
        """
        if self._connection is None or self._monotonic() < self._cut_at:
            return
        if not self._cutting_wanted and self._length <= self._wal_limit:
            return
        self._cut_at = self._monotonic() + RETRY_CUTTING
        with suppress(sqlite3.Error):  # what is wrong is said to the next one who commits
            self._connection.execute(f"PRAGMA busy_timeout = {CUTTING}")
            try:
                self._cutting_wanted = not _cut(self._connection)
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")

    def want_cutting(self) -> None:
        """Have the log cut after the next commit, however short it is."""
        self._cutting_wanted = True

    def wal_size(self) -> int:
        """Bytes of the write-ahead log."""
        self._identities_beside()
        return self._length

    def close(self) -> None:
        """Let go of the file; `connection` opens it again."""
        with self._reading:
            self._stop_reading()
            if self._connection is not None:
                with self._log_of_others_kept(), suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None

    @contextmanager
    def _log_of_others_kept(self) -> Iterator[None]:
        """The last connection that is closed deletes the log by its name, once it is written back.

        Where another process has made the log or its index anew, ours knows nothing of what is in
        it: it stays, under a second name meanwhile, for whoever opens the file next.
        """
        log, index = self._identities_beside()
        if log is None or (log, index) == self._beside:
            yield
            return
        second = self._wal.with_name(f"{self._wal.name}.kept")
        with suppress(OSError):
            second.unlink(missing_ok=True)
            second.hardlink_to(self._wal)
        try:
            yield
        finally:
            with suppress(OSError):  # it is there under its own name: others have the file open
                self._wal.hardlink_to(second)
            with suppress(OSError):
                second.unlink()

    def _let_go(self, connection: sqlite3.Connection) -> None:
        """Somebody deleted the log, or its index."""
        log, index = self._identities_beside()
        if log == self._beside[0] and index is not None:
            # Another process has made an index anew, of all that is in the log, and goes on writing
            # to that: cut by the old index, the log would lose what came since.
            self.close()
        else:
            self._save(connection)

    def _save(self, connection: sqlite3.Connection) -> None:
        """What we hold of the log is written back before we let go of it."""
        with self._reading:
            self._stop_reading()
        try:
            saved = _cut(connection)
        except sqlite3.Error as error:
            self.failed(error)
            raise LedgerError(str(error)) from None
        if not saved:
            raise LedgerError(f"{self._wal} was deleted; it cannot be made anew while it is read")
        self.close()

    def _stop_reading(self) -> None:
        if self._reader is not None:
            with suppress(sqlite3.Error):
                self._reader.close()
        self._reader = None

    def _identities_beside(self) -> tuple[Identity | None, Identity | None]:
        log = _status_if_there(self._wal)
        self._length = 0 if log is None else log.st_size
        index = _status_if_there(self._shm)
        return log and _identity(log), index and _identity(index)


def _status_if_there(path: Path) -> os.stat_result | None:
    try:
        return _status(path)
    except OSError:
        return None


def _status(path: Path) -> os.stat_result:
    return os.stat(path)  # noqa: PTH116 - called for every commit


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _cut(connection: sqlite3.Connection) -> bool:
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
