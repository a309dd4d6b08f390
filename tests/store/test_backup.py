"""A backup is whole or not there, and can be taken and opened beside a working engine."""

import asyncio
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from engine.problem import EngineError
from engine.store.backup import back_up
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import an_event


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "copy.db"


def accept(ledger: SqliteLedger, *ids: str) -> None:
    async def story() -> None:
        for id_ in ids:
            await ledger.accept(an_event(id_))

    asyncio.run(story())


def refusal(database: Path, target: Path) -> str:
    with pytest.raises(EngineError) as refused:
        back_up(database, target)
    (problem,) = refused.value.problems
    return str(problem)


def test_a_backup_of_a_ledger_in_use_is_a_ledger_of_its_own(
    ledger: SqliteLedger, database: Path, target: Path
) -> None:
    accept(ledger, "E1", "E2")  # they are in the log still
    size = back_up(database, target)
    accept(ledger, "E3")
    assert [path.name for path in target.parent.iterdir()] == [target.name], "one file"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.stat().st_size == size
    with open_ledger(target) as copy:
        events = asyncio.run(copy.unmatched(9))
        assert [event.id for event in events] == ["E1", "E2"]
        accept(copy, "E4")


def test_a_backup_under_steady_writing_comes_to_an_end_and_is_of_one_moment(
    ledger: SqliteLedger, database: Path, target: Path
) -> None:
    over = threading.Event()
    written: list[str] = []

    async def writes() -> None:
        while not over.is_set():
            id_ = f"E{len(written)}"
            await ledger.accept(an_event(id_))
            written.append(id_)

    accept(ledger, "first")
    writer = threading.Thread(target=lambda: asyncio.run(writes()))
    writer.start()
    try:
        back_up(database, target)
    finally:
        over.set()
        writer.join()
    with closing(sqlite3.connect(target)) as copy:
        ids = [row[0] for row in copy.execute("SELECT id FROM events ORDER BY seq")]
    assert ids == ["first", *written][: len(ids)]
    assert ids


def test_a_backup_of_an_older_schema_can_be_taken_before_it_is_brought_up_to_date(
    database: Path, target: Path
) -> None:
    with closing(sqlite3.connect(database)) as old:
        old.execute("PRAGMA user_version = 1")
        old.execute("CREATE TABLE events (x)")
    back_up(database, target)
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA user_version").fetchone()[0] == 1


@pytest.mark.usefixtures("ledger")
def test_what_is_there_is_not_overwritten(database: Path, target: Path) -> None:
    target.write_text("last week's")
    said = f"backup-exists: {target} is there already (name another file)"
    assert refusal(database, target) == said
    assert target.read_text() == "last week's"
    assert refusal(database, database).startswith("backup-exists: ")


@pytest.mark.usefixtures("ledger")
def test_a_place_that_cannot_be_written_to_is_told(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "not" / "there.db"
    assert refusal(database, target) == (
        f"no-backup: {target}: No such file or directory (nothing was written; name another place)"
    )


def test_what_is_damaged_is_not_backed_up(database: Path, target: Path) -> None:
    with open_ledger(database) as ledger:
        accept(ledger, *(f"E{number}" for number in range(50)))
    with database.open("r+b") as raw:
        raw.seek(4096 * 3)
        raw.write(b"\xa5" * 4096 * 3)

    assert refusal(database, target).startswith("damaged: what would be backed up is damaged: ")
    assert list(target.parent.iterdir()) == [], "and nothing is left of it"


def test_there_is_nothing_to_back_up_before_there_is_a_ledger(database: Path, target: Path) -> None:
    assert refusal(database, target).startswith("no-database: ")
    assert list(target.parent.iterdir()) == []
