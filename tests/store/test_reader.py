"""To read is not to wait for the disk, and what is wrong with the file the writer finds out."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs.ledger import LedgerError, NotInLedgerError
from engine.store.ledger_file import LedgerFile
from engine.store.reader import Reader
from engine.store.sqlite import SqliteLedger
from engine.store.writer import Writer
from tests.runs.fakes import PATIENCE, an_event


@pytest.fixture
def file(database: Path) -> LedgerFile:
    return LedgerFile(database)


@pytest.fixture
def writer(file: LedgerFile) -> Iterator[Writer]:
    made = Writer(file)
    yield made
    made.close()


@pytest.fixture
def reader(file: LedgerFile, writer: Writer) -> Iterator[Reader]:
    made = Reader(file, writer)
    yield made
    made.close()


@pytest.fixture
def ledger(writer: Writer, reader: Reader) -> SqliteLedger:
    return SqliteLedger(writer, reader)


def in_another_process(database: Path, sql: str) -> str:
    """What the first row says: SQLite shares within a process what it should not share here."""
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "print(*(db.execute(sys.argv[2]).fetchone() or ()))"
    )
    command = [sys.executable, "-c", script, str(database), sql]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def by(_: sqlite3.Connection) -> str:
    """Which thread does it."""
    return threading.current_thread().name


def test_to_read_is_not_to_wait_for_what_is_being_written(
    ledger: SqliteLedger, writer: Writer
) -> None:
    let_go = threading.Event()

    async def story() -> None:
        await ledger.accept(an_event("E1"))
        writing = asyncio.ensure_future(writer.do(lambda _: let_go.wait(PATIENCE)))
        async with asyncio.timeout(PATIENCE / 2):
            assert (await ledger.event("E1")).id == "E1"
            assert [event.id for event in await ledger.unmatched(9)] == ["E1"]
        assert not writing.done()
        let_go.set()
        await writing

    asyncio.run(story())


def test_what_was_written_is_read_by_whoever_waited_for_it(ledger: SqliteLedger) -> None:
    async def story() -> None:
        for number in range(50):
            await ledger.accept(an_event(f"E{number}"))
            assert (await ledger.event(f"E{number}")).id == f"E{number}"

    asyncio.run(story())


def test_nothing_can_be_written_by_it(reader: Reader) -> None:
    def writes(db: sqlite3.Connection) -> str:
        db.execute("INSERT INTO memory VALUES ('a', '1')")
        return threading.current_thread().name

    assert asyncio.run(reader.do(by)) == "ledger-reader"
    assert asyncio.run(reader.do(writes)) == "ledger-writer", "it was handed on"


def test_what_is_not_there_is_said_by_it(ledger: SqliteLedger) -> None:
    with pytest.raises(NotInLedgerError, match="there is no event NONE"):
        asyncio.run(ledger.event("NONE"))


def test_an_act_that_fails_here_is_done_by_the_writer_and_the_next_one_here_again(
    reader: Reader,
) -> None:
    seen: list[str] = []

    def fails_once(db: sqlite3.Connection) -> str:
        seen.append(by(db))
        if len(seen) == 1:
            raise sqlite3.DatabaseError("database disk image is malformed")
        return "done"

    async def story() -> None:
        assert await reader.do(fails_once) == "done"
        assert await reader.do(by) == "ledger-reader"

    asyncio.run(story())
    assert seen == ["ledger-reader", "ledger-writer"]


def test_of_a_file_that_is_gone_nothing_is_read_and_all_is_well_when_it_is_back(
    ledger: SqliteLedger, reader: Reader, database: Path
) -> None:
    asyncio.run(ledger.accept(an_event("E1")))
    assert asyncio.run(ledger.event("E1")).id == "E1"
    elsewhere = database.rename(database.with_name("moved"))
    with pytest.raises(LedgerError, match="cannot be found any more"):
        asyncio.run(ledger.event("E1"))
    elsewhere.rename(database)
    assert asyncio.run(ledger.event("E1")).id == "E1"
    assert asyncio.run(reader.do(by)) == "ledger-reader"


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_after_a_log_was_deleted_another_process_finds_what_is_written_and_we_what_it_writes(
    ledger: SqliteLedger, database: Path, gone: list[str]
) -> None:
    async def story() -> None:
        await ledger.accept(an_event("E1"))
        assert (await ledger.event("E1")).id == "E1"
        for end in gone:
            database.with_name(f"{database.name}{end}").unlink()
        await ledger.accept(an_event("E2"))
        assert in_another_process(database, "SELECT count(*) FROM events") == "2"
        in_another_process(database, "INSERT INTO memory VALUES ('a', '1')")
        assert await ledger.recall("a") == 1
        await ledger.remember("b", 2)
        assert in_another_process(database, "SELECT count(*) FROM memory") == "2"
        assert in_another_process(database, "PRAGMA integrity_check") == "ok"
        assert (await ledger.event("E2")).id == "E2"

    asyncio.run(story())


def test_after_it_is_closed_it_says_so(file: LedgerFile, writer: Writer) -> None:
    reader = Reader(file, writer)
    reader.close()
    with pytest.raises(LedgerError, match="the ledger is closed"):
        asyncio.run(reader.do(by))
