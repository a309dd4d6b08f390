"""The file: who may read it, who may write to it, and which ones are refused."""

import asyncio
import errno
import os
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from engine.problem import EngineError
from engine.store import database as database_module
from engine.store.database import at_once, connect, reading, writing
from engine.store.queries import read_migrations
from engine.store.records import open_records
from engine.store.soundness import check_soundness
from engine.store.sqlite import open_ledger
from engine.store.unusable import unusable


def only_problem(error: EngineError) -> str:
    (problem,) = error.problems
    return str(problem)


def schema(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    found = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
    return [tuple(row) for row in found]


def test_a_new_file_has_the_sum_of_the_migrations(database: Path) -> None:
    with closing(connect(database)) as made, closing(sqlite3.connect(":memory:")) as summed:
        for script in read_migrations():
            summed.executescript(script)
        assert schema(made) == schema(summed)
        assert made.execute("PRAGMA user_version").fetchone()[0] == len(read_migrations())


def test_a_file_that_is_up_to_date_is_left_as_it_is(database: Path) -> None:
    with closing(connect(database)) as first:
        before = schema(first)
        first.execute(
            "INSERT INTO playbooks (version, name, file, text) VALUES ('v', 'p', 'p.yaml', 'text')"
        )
    with closing(connect(database)) as second:
        assert schema(second) == before
        assert second.execute("SELECT count(*) FROM playbooks").fetchone()[0] == 1


def test_only_the_migrations_that_are_missing_are_applied(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(database).close()
    more = [*read_migrations(), "CREATE TABLE later (x TEXT) STRICT;"]
    monkeypatch.setattr(database_module, "read_migrations", lambda: more)
    with closing(connect(database)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(more)
        assert db.execute("SELECT count(*) FROM later").fetchone()[0] == 0


PAST = """
INSERT INTO events (id, source, action, key, type, time, incident, query, headers, payload, received,
                    matched, judgements)
VALUES ('E1', 'custom-action', 'go', 'k1', 'i_custom', 1000, 'I1', '{}', '{}', '{"incident":{}}', 1.5,
        2.5, '[]'),
       ('E2', 'alert', '', 'k2', 'a_new', 2000, NULL, '{}', '{}', '{"alert":{"alert_id":"A1"}}', 3.5,
        NULL, NULL);
INSERT INTO playbooks (version, name, file, text) VALUES ('v1', 'p', 'p.yaml', 'name: p');
INSERT INTO runs (id, playbook, version, event, state, created, started, began)
VALUES ('R1', 'p', 'v1', 'E1', 'running', 2.5, 2.6, '{"at":2.6,"vars":{"host":"h"},"error":null}');
INSERT INTO steps (run, path, attempt, type, started) VALUES ('R1', 'steps/0', 1, 'wait', 2.7);
"""


@pytest.mark.parametrize("schema_of", range(1, len(read_migrations()) + 1))
def test_a_file_of_every_older_engine_comes_to_the_same_schema_and_keeps_all_it_holds(
    database: Path, tmp_path: Path, schema_of: int
) -> None:
    with closing(sqlite3.connect(database)) as old:
        for script in read_migrations()[:schema_of]:
            old.executescript(script)
        old.execute(f"PRAGMA user_version = {schema_of}")
        old.executescript(PAST)

    with closing(connect(database)) as old, closing(connect(tmp_path / "new.db")) as new:
        assert schema(old) == schema(new)
        for pragma in ("user_version", "foreign_key_check", "integrity_check", "journal_mode"):
            found = [tuple(row) for row in old.execute(f"PRAGMA {pragma}")]
            assert found == [tuple(row) for row in new.execute(f"PRAGMA {pragma}")], pragma
        assert list(check_soundness(old)) == []
    with open_ledger(database) as ledger, open_records(database) as records:
        assert [event.id for event in asyncio.run(ledger.unmatched(9))] == ["E2"]
        assert records.event("E1").event.payload == {"incident": {}}
        assert records.run("R1").variables == {"host": "h"}
        assert [step.path for step in records.run("R1").steps] == ["steps/0"]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(database).close()
    more = [*read_migrations(), "CREATE TABLE half (x TEXT) STRICT; CREATE TABLE runs (x TEXT);"]
    monkeypatch.setattr(database_module, "read_migrations", lambda: more)
    with pytest.raises(EngineError, match="table runs already exists"):
        connect(database)
    monkeypatch.undo()
    with closing(connect(database)) as db:
        assert "half" not in [row[1] for row in schema(db)]


def test_a_commit_is_on_the_disk_before_anyone_hears_of_it(database: Path) -> None:
    with closing(connect(database)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL"
        assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_nobody_else_may_read_what_events_hold(database: Path) -> None:
    before = os.umask(0)
    try:
        with open_ledger(database):
            for path in database.parent.glob("engine.db*"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    finally:
        os.umask(before)
    assert len(list(database.parent.glob("engine.db*"))) >= 2, "the file and its lock"


def test_a_schema_of_a_newer_engine_is_refused(database: Path) -> None:
    with closing(connect(database)) as db:
        db.execute("PRAGMA user_version = 99")
    known = len(read_migrations())
    said = (
        f"database-too-new: {database} has schema 99, and this engine knows up to {known} "
        "(start the engine that wrote it, or a newer one)"
    )
    with pytest.raises(EngineError) as refused:
        connect(database)
    assert only_problem(refused.value) == said
    with pytest.raises(EngineError) as refused, reading(database):
        pass  # pragma: no cover
    assert only_problem(refused.value) == said


def test_a_schema_of_an_older_engine_is_read_by_none_but_a_backup(database: Path) -> None:
    with closing(connect(database)) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(EngineError) as refused, reading(database):
        pass  # pragma: no cover
    known = len(read_migrations())
    assert only_problem(refused.value) == (
        f"database-too-old: {database} has schema 1, and this engine reads {known} "
        "(`engine db backup` keeps it as it is; an engine that starts while no older one runs "
        "brings it up to date)"
    )
    with reading(database, whatever_schema=True) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1


@pytest.mark.parametrize("version", [0, 7])
def test_a_database_of_another_program_is_no_ledger_and_is_left_alone(
    database: Path, version: int
) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.execute(f"PRAGMA user_version = {version}")
    before = database.read_bytes()
    said = (
        f"no-ledger: {database} is empty, or the database of another program "
        "(check `database` in config.yaml; `engine serve` makes a ledger of a new file)"
    )
    with pytest.raises(EngineError) as refused:
        connect(database)
    assert only_problem(refused.value) == said
    assert database.read_bytes() == before, "not even its journal mode"
    if version == 0:
        with pytest.raises(EngineError) as refused, reading(database):
            pass  # pragma: no cover
        assert only_problem(refused.value) == said


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "make room on its disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "be the engine's user"),
        (OSError(errno.EIO, "Input/output error"), "check `database` in config.yaml"),
        (sqlite3.OperationalError("disk I/O error"), "check `database` in config.yaml"),
    ],
)
def test_why_a_file_is_unusable_says_what_to_do(
    database: Path, error: OSError | sqlite3.Error, hint: str
) -> None:
    problem = unusable(database, error)
    assert problem.hint is not None
    assert problem.hint.startswith(hint)
    assert problem.message.startswith(f"{database}: ")


def test_a_full_disk_asks_for_room(database: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as full:
            db.execute("CREATE TABLE more (x)")
    assert str(unusable(database, full.value)) == (
        f"database-unusable: {database}: database or disk is full (make room on its disk)"
    )


def test_a_schema_of_a_newer_engine_is_left_as_it_was(database: Path) -> None:
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("CREATE TABLE of_tomorrow (x)")
        newer.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    with pytest.raises(EngineError, match="database-too-new"):
        connect(database)
    assert database.read_bytes() == before, "not even its journal mode"


def test_a_new_file_can_give_its_space_back(database: Path) -> None:
    with closing(connect(database)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone()[0] == 2, "INCREMENTAL"
        assert db.execute("PRAGMA journal_size_limit").fetchone()[0] == 64 * 1024 * 1024


def test_damage_to_what_a_start_needs_is_said_at_the_start(database: Path) -> None:
    connect(database).close()
    with database.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xa5" * (database.stat().st_size - 4096))
    with pytest.raises(EngineError) as refused:
        connect(database)
    assert only_problem(refused.value) == (
        f"database-unusable: {database}: database disk image is malformed "
        "(`engine db check` says where; stop the engine and put a backup in its place)"
    )


def test_a_file_that_is_no_database_is_refused_and_left_alone(database: Path) -> None:
    database.write_text("this is a letter to my aunt\n" * 100)
    said = (
        f"database-unusable: {database}: file is not a database "
        "(check `database` in config.yaml, and who may write there)"
    )
    with pytest.raises(EngineError) as refused:
        connect(database)
    assert only_problem(refused.value) == said
    with pytest.raises(EngineError) as refused, reading(database):
        pass  # pragma: no cover
    assert only_problem(refused.value) == said
    assert database.read_text().startswith("this is a letter")


@pytest.mark.parametrize("place", ["not/there/engine.db", "a-file/engine.db"])
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").touch()
    path = tmp_path / place
    with pytest.raises(
        EngineError, match=rf"{re.escape(str(path))}\.opening\.lock: (No such|Not a) "
    ):
        open_ledger(path).__enter__()
    with pytest.raises(EngineError, match=rf"{re.escape(str(path))}: (No such|Not a) "):
        connect(path)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="Is a directory"):
        connect(tmp_path)


def test_a_ledger_that_cannot_be_opened_is_not_held(database: Path) -> None:
    database.write_text("this is a letter to my aunt\n" * 100)
    for _ in range(2):
        with pytest.raises(EngineError, match="file is not a database"):
            open_ledger(database).__enter__()


def test_there_is_nothing_to_read_before_an_engine_made_it(database: Path) -> None:
    with pytest.raises(EngineError) as refused, reading(database):
        pass  # pragma: no cover
    assert only_problem(refused.value) == (
        f"no-database: there is no database {database} yet "
        "(`engine serve` makes it; or name another config with --config)"
    )
    assert not database.exists()


def test_who_reads_cannot_write(database: Path) -> None:
    connect(database).close()
    with (
        pytest.raises(EngineError, match="attempt to write a readonly database"),
        reading(database) as db,
    ):
        db.execute("DELETE FROM events")


@pytest.mark.parametrize("name", ["a b.db", "50%41.db", "what?.db", "no#1.db", "ä.db"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with open_ledger(path), reading(path) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 0


def test_a_relative_path_is_read_from_where_we_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_ledger(Path("engine.db")), reading(Path("engine.db")) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == 0


@pytest.mark.usefixtures("ledger")
def test_a_command_keeps_all_of_it_or_nothing(database: Path) -> None:
    def remember(*names: str) -> None:
        with writing(database, 1.0) as db, at_once(db, database, 1.0):
            for name in names:
                db.execute("INSERT OR ROLLBACK INTO memory (name, value) VALUES (?, 0)", [name])

    remember("a")
    # SQLite undoes it by itself here: that is said, and not that there was nothing to be undone.
    with pytest.raises(EngineError, match="UNIQUE constraint failed"):
        remember("b", "a")
    with pytest.raises(EngineError, match="NOT NULL constraint failed"):
        remember("c", cast("str", None))
    with reading(database) as db:
        assert [row["name"] for row in db.execute("SELECT name FROM memory")] == ["a"]
