"""The file is watched: nothing is written to what is gone, and what broke is opened anew."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.runs.ledger import LedgerError
from engine.store.ledger_file import RETRY_CUTTING, LedgerFile
from engine.store.reader import Reader
from engine.store.sqlite import SqliteLedger
from engine.store.writer import Writer
from tests.runs.fakes import Clock, an_event

MIB = 1024 * 1024


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(database: Path, clock: Clock) -> LedgerFile:
    return LedgerFile(database, monotonic=clock, wal_limit=MIB)


@pytest.fixture
def ledger(file: LedgerFile) -> Iterator[SqliteLedger]:
    writer = Writer(file)
    reader = Reader(file, writer)
    yield SqliteLedger(writer, reader)
    reader.close()
    writer.close()


def accept(ledger: SqliteLedger, id_: str, size: int = 0) -> None:
    """And read it again, so that the connection that reads is in use, too."""

    async def story() -> None:
        await ledger.accept(an_event(id_, payload={"filler": "x" * size}))
        assert (await ledger.event(id_)).id == id_

    asyncio.run(story())


def events(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as db:
        return [row[0] for row in db.execute("SELECT id FROM events ORDER BY seq")]


def beside(database: Path, end: str) -> Path:
    return database.with_name(f"{database.name}{end}")


# A file that is not the one it was


def test_nothing_is_written_to_a_file_that_is_gone_and_all_is_well_when_it_is_back(
    ledger: SqliteLedger, database: Path
) -> None:
    accept(ledger, "E1")
    elsewhere = database.rename(database.with_name("moved"))
    for _ in range(2):
        with pytest.raises(LedgerError) as refused:
            accept(ledger, "E2")
        assert str(refused.value) == (
            f"{database} cannot be found any more (No such file or directory); "
            "put it back, or restart the engine"
        )
    assert not database.exists(), "no new one was begun in its place"
    elsewhere.rename(database)
    accept(ledger, "E3")
    assert events(database) == ["E1", "E3"]


def test_another_file_in_its_place_is_not_written_to(
    ledger: SqliteLedger, database: Path, tmp_path: Path
) -> None:
    accept(ledger, "E1")
    with (
        closing(sqlite3.connect(tmp_path / "other")) as other,
        closing(sqlite3.connect(database)) as db,
    ):
        db.backup(other)
    (tmp_path / "other").rename(database)
    with pytest.raises(LedgerError) as refused:
        accept(ledger, "E2")
    assert str(refused.value) == (
        f"another file was put in the place of {database}; "
        "restart the engine to go on with that one"
    )


def test_what_goes_while_it_is_committed_to_is_not_acknowledged(
    file: LedgerFile, database: Path
) -> None:
    writer = Writer(file)

    def goes(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO memory VALUES ('a', '1')")
        database.unlink()

    with pytest.raises(LedgerError, match="cannot be found any more"):
        asyncio.run(writer.do(goes))
    writer.close()


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_a_log_that_was_deleted_is_saved_and_made_anew(
    ledger: SqliteLedger, database: Path, gone: list[str]
) -> None:
    accept(ledger, "E1")
    for end in gone:
        beside(database, end).unlink()
    accept(ledger, "E2")
    assert events(database) == ["E1", "E2"], "somebody else finds all of it"
    assert all(beside(database, end).exists() for end in gone)


def test_a_log_that_was_deleted_is_not_let_go_of_while_it_is_read(
    ledger: SqliteLedger, database: Path
) -> None:
    accept(ledger, "E1")
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        accept(ledger, "E2")
        beside(database, "-wal").unlink()
        with pytest.raises(LedgerError, match=r"-wal was deleted; it cannot be made anew while"):
            accept(ledger, "E3")
    accept(ledger, "E4")
    assert events(database) == ["E1", "E2", "E4"]


# A connection that broke


def overwritten(database: Path, first_page: int) -> bytes:
    """Damage all pages from here on, behind the back of who has it open; answers what was there."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("INSERT INTO memory VALUES ('what others hold in memory', 'is old now')")
        db.commit()
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    before = database.read_bytes()
    with database.open("r+b") as raw:
        raw.seek((first_page - 1) * 4096)
        raw.write(b"\xa5" * (len(before) - raw.tell()))
    return before


@pytest.mark.parametrize(
    ("first_page", "said"),
    [(1, "file is not a database"), (2, "database disk image is malformed")],
)
def test_damage_is_refused_until_it_is_mended(
    ledger: SqliteLedger, database: Path, first_page: int, said: str
) -> None:
    accept(ledger, "E1")
    before = overwritten(database, first_page)
    for _ in range(3):
        with pytest.raises(LedgerError, match=said):
            accept(ledger, "E2")
        with pytest.raises(LedgerError, match=said):
            asyncio.run(ledger.check())
    with database.open("r+b") as raw:
        raw.write(before)
    asyncio.run(ledger.check())
    accept(ledger, "E3")
    assert events(database) == ["E1", "E3"]


def test_a_file_that_was_emptied_is_not_taken_for_a_new_one(
    ledger: SqliteLedger, database: Path
) -> None:
    accept(ledger, "E1")
    overwritten(database, 1)
    os.truncate(database, 0)
    for _ in range(3):
        with pytest.raises(LedgerError):
            accept(ledger, "E2")
    assert database.stat().st_size == 0


def test_an_error_that_passes_keeps_the_connection_and_one_that_does_not_opens_another(
    file: LedgerFile,
) -> None:
    first = file.connection()
    for code, kept in ((sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_IOERR_WRITE, False)):
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode = code
        first.execute("BEGIN IMMEDIATE")
        file.failed(error)
        assert (file.connection() is first) is kept
    assert not file.connection().in_transaction
    file.close()


# The write-ahead log


def write_on(ledger: SqliteLedger, mebibytes: int, name: str) -> None:
    async def all_of_it() -> None:
        for number in range(mebibytes * 10):
            await ledger.accept(an_event(f"{name}{number}", payload={"filler": "x" * (MIB // 10)}))

    asyncio.run(all_of_it())


def test_the_log_stays_short_under_steady_writing(database: Path) -> None:
    writer = Writer(LedgerFile(database))
    write_on(SqliteLedger(writer, writer), 30, "E")
    assert beside(database, "-wal").stat().st_size < 6 * MIB
    assert database.stat().st_size > 20 * MIB
    writer.close()


def test_a_log_that_a_reader_kept_growing_is_cut_once_the_reader_is_gone(
    ledger: SqliteLedger, file: LedgerFile, database: Path, clock: Clock
) -> None:
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        write_on(ledger, 10, "E")
        assert file.wal_size() > 9 * MIB, "what the reader may still want to see"
    accept(ledger, "before it is tried again")
    assert file.wal_size() > 9 * MIB
    clock.jump(RETRY_CUTTING)
    asyncio.run(ledger.accept(an_event("after")))  # and nobody reads it meanwhile
    asyncio.run(ledger.check())  # the writer has tidied when it answers the next one
    assert file.wal_size() < MIB


def test_readers_that_come_and_go_do_not_keep_the_log_from_being_cut(
    ledger: SqliteLedger, file: LedgerFile, database: Path, clock: Clock
) -> None:
    over = threading.Event()

    def reads() -> None:
        with closing(sqlite3.connect(database)) as reader:
            while not over.is_set():
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM events").fetchone()
                over.wait(0.01)  # what it does with it
                reader.execute("COMMIT")

    readers = [threading.Thread(target=reads) for _ in range(3)]
    for reader in readers:
        reader.start()
    largest = 0
    try:
        for turn in range(20):
            write_on(ledger, 1, f"E{turn} ")
            clock.jump(RETRY_CUTTING)
            accept(ledger, f"turn {turn}")
            largest = max(largest, file.wal_size())
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert largest < 10 * MIB


def test_an_error_while_it_is_cut_is_left_to_the_next_commit(
    file: LedgerFile, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("engine.store.ledger_file._cut", fails)
    file.want_cutting()
    clock.jump(RETRY_CUTTING)
    file.tidy()
    assert file.connection().execute("PRAGMA busy_timeout").fetchone()[0] == 5000
    file.close()
