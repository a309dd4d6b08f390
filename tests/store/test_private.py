"""What the engine writes is for its own user alone, whatever the umask and whatever was there."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.problem import EngineError
from engine.runs.happening import Trouble
from engine.runs.redaction import Redactor
from engine.store.backup import back_up
from engine.store.output_files import kept_output
from engine.store.private import loose_files
from engine.store.sqlite import open_ledger
from tests.runs.fakes import Told, an_event

RUN = "01K9ZW3V8M5T0Q6R7X1Y2Z3A4B"


@pytest.fixture
def _loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): f"{stat.S_IMODE(path.lstat().st_mode):04o}"
        for path in sorted(folder.rglob("*"))
    }


async def write_some(database: Path, told: Told) -> None:
    """An event, and the output of a step."""
    with (
        open_ledger(database, told) as ledger,
        kept_output(database, 1000, Redactor(), told) as keep,
    ):
        await ledger.accept(an_event("E1"))
        output = keep(RUN, "steps/0", 1)
        output.write("stdout", b"x")
        await output.close()
        assert (database.with_name("engine.db-wal")).exists()
        assert (database.with_name("engine.db-shm")).exists()


@pytest.mark.usefixtures("_loose_umask")
def test_nobody_else_may_ever_read_what_it_writes(tmp_path: Path) -> None:
    folder, told = tmp_path / "data", Told()
    folder.mkdir()
    found: dict[str, str] = {}

    async def story() -> None:
        await write_some(folder / "engine.db", told)

    with open_ledger(folder / "engine.db"):
        found |= modes(folder)  # while it is open: the log and its index are there
    asyncio.run(story())
    found |= modes(folder)
    output = f"engine.db.output/{RUN}"
    assert found == {
        "engine.db": "0600",
        "engine.db-shm": "0600",
        "engine.db-wal": "0600",
        "engine.db.lock": "0600",
        "engine.db.opening.lock": "0600",
        "engine.db.receiver.lock": "0600",
        "engine.db.writing.lock": "0600",
        "engine.db.output": "0700",
        output: "0700",
        f"{output}/steps.0.attempt1.stdout": "0600",
    }
    back_up(folder / "engine.db", folder / "copy.db")
    assert modes(folder)["copy.db"] == "0600"
    assert told.happenings == []


@pytest.mark.usefixtures("_loose_umask")
def test_what_was_there_with_a_looser_mode_is_closed_and_told_once(tmp_path: Path) -> None:
    folder, told = tmp_path / "data", Told()
    folder.mkdir()
    database = folder / "engine.db"
    asyncio.run(write_some(database, told))
    for path in folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o664)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (folder / f"engine.db.output/{RUN}/link").symlink_to(elsewhere)
    assert database in loose_files(database)

    asyncio.run(write_some(database, told))
    left = {mode for name, mode in modes(folder).items() if not name.endswith("link")}
    assert left == {"0600", "0700"}
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o666
    assert loose_files(database) == []
    [trouble] = told.happenings
    assert isinstance(trouble, Trouble)
    assert trouble.message == f"others could read {database} (0664) and 9 more; now they cannot"

    asyncio.run(write_some(database, told))
    assert len(told.happenings) == 1


@pytest.mark.parametrize("name", ["folder", "letter", "theirs.db"])
def test_what_is_not_the_engines_keeps_its_mode(tmp_path: Path, name: str) -> None:
    place, told = tmp_path / "place", Told()
    (place / "folder").mkdir(parents=True)
    (place / "letter").write_text("this is a letter to my aunt\n" * 100)
    with closing(sqlite3.connect(place / "theirs.db")) as db:
        db.execute("CREATE TABLE theirs (x)")
    for path in place.iterdir():
        path.chmod(0o777)
    with pytest.raises(EngineError):
        open_ledger(place / name, told).__enter__()
    found = {one: mode for one, mode in modes(place).items() if not one.endswith(".lock")}
    assert found == {"folder": "0777", "letter": "0777", "theirs.db": "0777"}
    assert told.happenings == []
