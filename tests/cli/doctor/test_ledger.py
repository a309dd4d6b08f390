"""What is said of the ledger, by real files in every state."""

import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.cli.doctor import ledger
from engine.cli.doctor.finding import Finding, surviving
from engine.cli.doctor.ledger import look_at_ledger
from engine.config.load import read_config
from engine.store.people import open_for_people
from engine.store.queries import read_migrations
from engine.store.sqlite import open_ledger
from tests.runs.fakes import NOW, WHENCE

Disk = namedtuple("Disk", "total used free")  # noqa: PYI024 - as the standard library answers


@pytest.fixture
def made(database: Path) -> Path:
    with open_ledger(database):
        pass
    return database


def looked(database: Path, more: str = "") -> dict[str, Finding]:
    config = read_config(more, database.parent / "config.yaml", {})
    found = list(surviving("database", lambda: look_at_ledger(config)))
    assert all((one.todo is None) == (one.level == "ok") for one in found), found
    return {one.check: one for one in found}


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def test_a_sound_one_is_well_and_stays_as_it_is(made: Path) -> None:
    before = made.read_bytes()
    found = looked(made)
    assert {check: one.level for check, one in found.items()} == {
        "room": "ok",
        "database": "ok",
        "soundness": "ok",
        "paused": "ok",
        "log": "ok",
        "commit": "ok",
    }
    with closing(sqlite3.connect(made)) as db:
        assert db.execute("SELECT count(*) FROM playbooks").fetchone() == (0,)
    assert len(made.read_bytes()) == len(before)


def test_beside_a_running_engine_all_of_it_can_be_looked_at(made: Path) -> None:
    with open_ledger(made):
        assert looked(made)["commit"].level == "ok"


def test_one_that_is_not_there_yet_can_be_made(database: Path) -> None:
    assert (
        looked(database)["database"].seen == f"{database} is not there yet; `engine serve` makes it"
    )
    nowhere = looked(database, "database: none/such/engine.db")["database"]
    assert (nowhere.level, "is not there, or cannot be written" in nowhere.seen) == ("fail", True)


def test_other_schemas_are_told_apart(made: Path, tmp_path: Path) -> None:
    known = len(read_migrations())
    execute(made, f"PRAGMA user_version = {known - 1}")
    older = looked(made)
    assert (older["database"].level, "commit" in older) == ("warn", False)
    execute(made, f"PRAGMA user_version = {known + 1}")
    assert looked(made)["database"].todo == "start the engine that wrote it, or a newer one"
    other = tmp_path / "other/engine.db"
    other.parent.mkdir()
    execute(other, "CREATE TABLE t (x)")
    assert "another program" in looked(other)["database"].seen


def test_damage_is_found(made: Path) -> None:
    text = made.read_bytes()
    made.write_bytes(text[:4096] + b"\xff" * (len(text) - 4096))
    damaged = looked(made)
    assert "fail" in {one.level for one in damaged.values()}
    made.write_bytes(b"no database at all, " * 500)
    assert (looked(made)["database"].level) == "fail"
    assert "file is not a database" in looked(made)["database"].seen


def test_a_quick_check_that_takes_too_long_is_given_up(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_STEPS", 1)
    times = iter(range(0, 10**9, 60))
    config = read_config("", made.parent / "config.yaml", {})
    found = {one.check: one for one in look_at_ledger(config, lambda: float(next(times)))}
    assert found["soundness"].level == "warn"
    assert found["commit"].level == "ok"


def test_who_holds_a_lock_for_long_is_no_way_to_commit(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PATIENCE", 0.01)
    with closing(sqlite3.connect(made, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = looked(made)["database"]
    assert (locked.level, "database is locked" in locked.seen) == ("fail", True)


def test_what_is_paused_is_said_with_the_command_that_takes_it_back(made: Path) -> None:
    with open_for_people(made, WHENCE) as people:
        people.pause("look", by="ada", at=NOW, reason="freeze")
    paused = looked(made)["paused"]
    assert paused == Finding(
        "paused",
        "warn",
        "playbook look is paused by ada: freeze, since 2026-11-18T11:06:40.000Z",
        "`engine resume look` when it may go on",
    )


@pytest.mark.parametrize(
    ("free", "more", "level"),
    [
        (100 * 1024**3, "", "ok"),
        (1536 * 1024**2, "", "warn"),  # less than retention.size
        (1536 * 1024**2, "retention: {size: 1GiB}", "ok"),
        (512 * 1024**2, "retention: {size: off}", "warn"),
        (64 * 1024**2, "", "fail"),
    ],
)
def test_there_has_to_be_room_for_what_the_ledger_may_grow_to(
    made: Path, free: int, more: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(_: Any) -> Disk:
        return Disk(10**12, 0, free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert looked(made, more)["room"].level == level


def test_a_log_that_somebody_keeps_from_being_cut_is_said(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LONG_LOG", 10)
    with open_ledger(made), open_for_people(made, WHENCE) as people:
        people.pause("look", by="ada", at=NOW, reason=None)
        assert looked(made)["log"].level == "warn"
