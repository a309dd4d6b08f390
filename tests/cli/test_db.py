"""`engine db`: what people and programs do about the ledger's file, also beside an engine."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.store.sqlite import open_ledger
from tests.cli.conftest import Type

DAY = 86400


@pytest.fixture
def config(worked: Path) -> Path:
    return worked / "config.yaml"


@pytest.fixture
def old(worked: Path) -> Path:
    """What happened there happened forty days ago."""
    with closing(sqlite3.connect(worked / "engine.db", isolation_level=None)) as db:
        db.execute("UPDATE events SET received = received - ?", (40 * DAY,))
        db.execute("UPDATE runs SET ended = ended - ?", (40 * DAY,))
    return worked / "config.yaml"


@pytest.fixture
def engine(worked: Path) -> Iterator[None]:
    """Another one works on it."""
    with open_ledger(worked / "engine.db"):
        yield


def as_json(type_: Type, *arguments: object) -> Any:
    outcome = type_(*arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_check_says_that_all_is_well(config: Path, type_: Type) -> None:
    database = config.with_name("engine.db")
    outcome = type_("db", "check", "--config", config)
    assert (outcome.code, outcome.out) == (0, f"✓ {database} is whole\n")
    assert as_json(type_, "db", "check", "--config", config) == {
        "database": str(database),
        "sound": True,
        "problems": [],
    }


@pytest.mark.usefixtures("engine")
def test_check_says_what_is_wrong_beside_a_running_engine(config: Path, type_: Type) -> None:
    with closing(sqlite3.connect(config.with_name("engine.db"), isolation_level=None)) as db:
        db.execute("UPDATE runs SET ended = NULL, id = 'R1'")
    outcome = type_("db", "check", "--config", config)
    assert outcome.code == 1
    assert (
        "run-ends: 1 are over and have no end, or have an end and are not over: R1 "
        "(the engine never writes this by itself; please report it)\n"
    ) in outcome.out
    shown = type_("db", "check", "--config", config, "--format", "json")
    assert shown.code == 1
    assert json.loads(shown.out)["sound"] is False
    assert {"code", "message", "hint"} == set(json.loads(shown.out)["problems"][0])


@pytest.mark.parametrize("command", ["check", "stats", "prune", "backup"])
def test_what_is_no_ledger_is_told(place: Path, type_: Type, command: str) -> None:
    arguments = ["x.db"] if command == "backup" else []
    config = place / "config.yaml"
    outcome = type_("db", command, *arguments, "--config", config)
    assert outcome.code == 2
    assert outcome.err.startswith(f"no-database: there is no database {place / 'engine.db'} yet")
    (place / "engine.db").write_text("a letter to my aunt\n" * 100)
    outcome = type_("db", command, *arguments, "--config", config)
    assert outcome.code == 2
    assert "file is not a database" in outcome.err


@pytest.mark.parametrize("command", ["check", "stats", "prune"])
def test_a_schema_of_an_older_engine_is_told_with_what_to_do(
    config: Path, type_: Type, command: str
) -> None:
    with closing(sqlite3.connect(config.with_name("engine.db"))) as db:
        db.execute("PRAGMA user_version = 1")
    outcome = type_("db", command, "--config", config)
    assert outcome.code == 2
    assert re.search(
        r"database-too-old: \S+ has schema 1, and this engine reads \d+ \(`engine db backup` keeps "
        r"it as it is; an engine that starts while no older one runs brings it up to date\)",
        outcome.err,
    )


@pytest.mark.usefixtures("engine")
def test_backup_beside_a_running_engine(config: Path, type_: Type, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    shown = as_json(type_, "db", "backup", target, "--config", config)
    assert shown == {
        "database": str(config.with_name("engine.db")),
        "backup": str(target),
        "size": target.stat().st_size,
    }
    again = type_("db", "backup", target, "--config", config)
    assert (again.code, again.err) == (
        2,
        f"backup-exists: {target} is there already (name another file)\n",
    )
    outcome = type_("db", "backup", tmp_path / "other.db", "--config", config)
    assert re.search(r"✓ \S+/engine.db is backed up: \S+/other.db, \d+KiB\n", outcome.out)


def test_stats_say_how_much_there_is(config: Path, type_: Type) -> None:
    shown = as_json(type_, "db", "stats", "--config", config)
    assert set(shown) == {"database", "schema", "size", "events", "runs", "steps", "playbooks"}
    assert set(shown["size"]) == {"file", "used", "free", "log", "output", "gives_back"}
    assert shown["size"]["gives_back"] is True
    assert shown["size"]["output"] == 0
    assert (shown["events"]["total"], shown["events"]["unjudged"]) == (1, 0)
    assert shown["events"]["oldest"] == shown["events"]["newest"]
    assert shown["runs"] == {"total": 1, "states": {"failed": 1}}
    assert shown["steps"] == {"total": 4, "open": 0}
    assert shown["playbooks"] == {"total": 2, "versions": 2}

    text = type_("db", "stats", "--config", config).out
    assert re.search(r"file +\d+KiB, of which \S+ is free *\n", text)
    assert re.search(r"events +1 *\n +from 20\S+Z to 20\S+Z *\n", text)
    assert re.search(r"runs +1 *\n +1 failed *\n", text)


def test_stats_of_a_ledger_with_nothing_in_it(place: Path, type_: Type) -> None:
    with open_ledger(place / "engine.db"):
        shown = as_json(type_, "db", "stats", "--config", place / "config.yaml")
    assert (shown["events"]["oldest"], shown["runs"]) == (None, {"total": 0, "states": {}})


def test_prune_says_what_would_go_and_then_lets_it_go(old: Path, type_: Type) -> None:
    database = old.with_name("engine.db")
    foreseen = as_json(type_, "db", "prune", "--dry-run", "--config", old)
    size = foreseen["file"]["before"]
    assert foreseen == {
        "database": str(database),
        "dry_run": True,
        "events": 1,
        "runs": 1,
        "steps": 4,
        "playbooks": 0,
        "output": 0,
        "file": {"before": size, "after": None},
    }
    text = type_("db", "prune", "--dry-run", "--config", old).out
    assert text.startswith("✓ would forget 1 events, 1 runs, 4 steps; ")

    pruned = as_json(type_, "db", "prune", "--config", old)

    assert {**pruned, "file": None} == {**foreseen, "dry_run": False, "file": None}
    assert pruned["file"]["after"] <= size
    again = type_("db", "prune", "--config", old)
    assert again.out.startswith("✓ forgot 0 events, 0 runs, 0 steps; ")


def test_kept_output_is_counted_and_goes_with_its_run(old: Path, type_: Type) -> None:
    [run] = as_json(type_, "runs", "list", "--config", old)["items"]
    folder = old.parent / "engine.db.output" / run["id"]
    folder.mkdir(parents=True)
    (folder / "steps.0.attempt1.stdout").write_bytes(b"x" * 3 * 1024**2)

    assert as_json(type_, "db", "stats", "--config", old)["size"]["output"] == 3 * 1024**2
    text = type_("db", "stats", "--config", old).out
    assert re.search(r"\noutput +3MiB of steps, in files beside it *\n", text)
    foreseen = as_json(type_, "db", "prune", "--dry-run", "--config", old)
    assert foreseen["output"] == 3 * 1024**2
    assert folder.exists()
    pruned = type_("db", "prune", "--config", old)
    assert pruned.out.startswith("✓ forgot 1 events, 1 runs, 4 steps, 3MiB of output; ")
    assert not folder.exists()


@pytest.mark.usefixtures("engine")
def test_prune_beside_a_running_engine_leaves_it_the_texts_of_its_playbooks(
    old: Path, type_: Type
) -> None:
    pruned = as_json(type_, "db", "prune", "--config", old)
    assert (pruned["events"], pruned["playbooks"]) == (1, 0)


def test_prune_goes_by_the_config_and_by_what_is_typed(old: Path, type_: Type) -> None:
    def would_go(*arguments: str) -> int:
        shown = as_json(type_, "db", "prune", "--dry-run", "--config", old, *arguments)
        return int(shown["events"])

    assert would_go("--age", "50d") == 0
    assert would_go("--age", "off") == 0
    assert would_go("--age", "50d", "--size", "16MiB") == 0, "it fits"
    old.write_text(old.read_text() + "retention: {age: 50d}\n")
    assert would_go() == 0
    assert would_go("--age", "39d") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--age", "1h"],
            (
                "duration: --age: what is over is kept for a day at least: until then Flashduty may "
                "deliver it again\n"
            ),
        ),
        (
            ["--size", "lots"],
            (
                "size: --size: a size is written like 512B, 64KiB or 1MiB, not 'lots'; `off` keeps "
                "what is over whatever its size\n"
            ),
        ),
    ],
)
def test_limits_that_are_none(config: Path, type_: Type, arguments: list[str], said: str) -> None:
    outcome = type_("db", "prune", "--config", config, *arguments)
    assert (outcome.code, outcome.err) == (2, said)


def test_prune_of_a_database_that_somebody_locks_says_so(
    old: Path, type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.database.BUSY_TIMEOUT", 10)
    with closing(sqlite3.connect(old.with_name("engine.db"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcome = type_("db", "prune", "--config", old)
    assert outcome.code == 2
    assert outcome.err == (
        "not-pruned: database is locked (what went before that is gone for good; try it again "
        "later)\n"
    )


def test_prune_makes_a_file_of_an_older_engine_smaller_once_no_engine_works_on_it(
    old: Path, type_: Type
) -> None:
    database = old.with_name("engine.db")
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        db.execute("UPDATE events SET payload = json_object('x', hex(zeroblob(1000000)))")
    with open_ledger(database):
        beside = as_json(type_, "db", "prune", "--age", "off", "--config", old)
        assert beside["events"] == 0
        assert as_json(type_, "db", "stats", "--config", old)["size"]["gives_back"] is False
    alone = as_json(type_, "db", "prune", "--config", old)
    assert alone["file"]["before"] > 2_000_000
    assert alone["file"]["after"] < 200_000
    assert as_json(type_, "db", "stats", "--config", old)["size"]["gives_back"] is True
