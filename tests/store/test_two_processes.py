"""Receiver and worker write to one file from two processes: nothing is lost, whatever is deleted."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.problem import EngineError
from engine.runs.ledger import LedgerError
from engine.store.locks import Role
from engine.store.queries import read_migrations
from engine.store.soundness import check_soundness
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import an_event

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
COUNT = 300
# Says how each of the events is kept whose names it reads, a line at a time.
KEEPER = """
import asyncio, sys
from pathlib import Path
from engine.runs.ledger import LedgerError
from engine.store.locks import Role
from engine.store.sqlite import open_ledger
from tests.runs.fakes import an_event

async def keep(ledger, names):
    event = [an_event(name, payload={"filler": "x" * 4000}) for name in names]
    kept = await asyncio.gather(*map(ledger.accept, event), return_exceptions=True)
    return [str(one) for one in kept if isinstance(one, Exception)] or ["kept"]

with open_ledger(Path(sys.argv[1]), roles=[Role[sys.argv[2]]]) as ledger:
    print("open", flush=True)
    for line in sys.stdin:
        print(asyncio.run(keep(ledger, line.split()))[0], flush=True)
"""


class Keeper:
    """Another process with a role."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, *names: str) -> None:
        assert self._process.stdin is not None
        print(*names, file=self._process.stdin, flush=True)

    def keep(self, *names: str) -> str:
        self.ask(*names)
        return self.say()


@contextmanager
def another(database: Path, role: Role) -> Iterator[Keeper]:
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(database), role.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        yield Keeper(process)


def keep(ledger: SqliteLedger, name: str) -> str:
    try:
        asyncio.run(ledger.accept(an_event(name, payload={"filler": "x" * 4000})))
    except LedgerError as error:
        return str(error)
    return "kept"


def found(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        assert list(check_soundness(db)) == []
        return [row["id"] for row in db.execute("SELECT id FROM events")]


def test_both_commit_at_once_and_the_log_stays_short(database: Path) -> None:
    mine = [f"M{number}" for number in range(COUNT)]
    theirs = [f"T{number}" for number in range(COUNT)]
    with (
        open_ledger(database, roles=[Role.WORKER]) as ledger,
        another(database, Role.RECEIVER) as receiver,
    ):
        assert receiver.say() == "open"
        for name in theirs:
            receiver.ask(name)
        assert {keep(ledger, name) for name in mine} == {"kept"}
        assert {receiver.say() for _ in theirs} == {"kept"}
        assert database.with_name("engine.db-wal").stat().st_size < 16 * MIB
    assert sorted(found(database)) == sorted([*mine, *theirs])


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]], ids="".join)
def test_when_the_log_is_deleted_nothing_is_lost_that_either_has_kept(
    database: Path, gone: Sequence[str]
) -> None:
    said: dict[str, str] = {}
    theirs = [f"T{number}" for number in range(COUNT)]
    with (
        open_ledger(database, roles=[Role.WORKER]) as ledger,
        another(database, Role.RECEIVER) as receiver,
    ):
        assert receiver.say() == "open"
        for name in theirs:
            receiver.ask(name)
        for number in range(COUNT):
            if number in (COUNT // 3, COUNT // 2):
                for suffix in gone:
                    database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
            said[f"M{number}"] = keep(ledger, f"M{number}")
        said |= {name: receiver.say() for name in theirs}
        # Who has kept nothing since then may find out by these, and refuse them.
        said |= {"M-": keep(ledger, "M-"), "T-": receiver.keep("T-")}
        assert (keep(ledger, "M"), receiver.keep("T")) == ("kept", "kept"), "it is mended"
    kept = [name for name, one in said.items() if one == "kept"]
    assert len(kept) >= 2 * COUNT - 10, set(said.values())
    assert sorted(found(database)) == sorted([*kept, "M", "T"])


@pytest.mark.parametrize("commits", [False, True], ids=["idle", "commits"])
@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]], ids="".join)
def test_who_has_not_seen_that_the_log_was_deleted_takes_nothing_along_at_its_end(
    database: Path, gone: Sequence[str], *, commits: bool
) -> None:
    said: dict[str, str] = {}
    with open_ledger(database, roles=[Role.RECEIVER]) as ledger:
        said["M0"] = keep(ledger, "M0")
        with another(database, Role.WORKER) as worker:
            assert worker.say() == "open"
            said["T0"] = worker.keep("T0")
            for suffix in gone:
                database.with_name(f"{database.name}{suffix}").unlink()
            said |= {name: worker.keep(name) for name in ("T1", "T2", "T3")}
        if commits:
            said |= {name: keep(ledger, name) for name in ("M1", "M2")}
    kept = [name for name, one in said.items() if one == "kept"]
    assert len(kept) >= len(said) - 1, "one may have been refused, by which it was found out"
    assert sorted(found(database)) == sorted(kept)
    assert not list(database.parent.glob("*.kept"))


def test_who_comes_first_makes_the_ledger_and_the_other_takes_it_as_it_is(database: Path) -> None:
    with (
        another(database, Role.RECEIVER) as receiver,
        another(database, Role.WORKER) as worker,
    ):
        assert (receiver.say(), worker.say()) == ("open", "open")
        assert (receiver.keep("T1"), worker.keep("T2")) == ("kept", "kept")
    assert sorted(found(database)) == ["T1", "T2"]


def test_the_schema_is_not_changed_under_another_engine(database: Path) -> None:
    known = len(read_migrations())
    with another(database, Role.RECEIVER) as receiver:
        assert receiver.say() == "open"
        with closing(sqlite3.connect(database)) as db:  # as an older engine would have it
            db.execute(f"PRAGMA user_version = {known - 1}")
        with pytest.raises(EngineError, match=r"database-too-old: .* while no older one runs"):
            open_ledger(database, roles=[Role.WORKER]).__enter__()
        with closing(sqlite3.connect(database)) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == known - 1
            db.execute(f"PRAGMA user_version = {known}")
    with open_ledger(database, roles=[Role.WORKER]):
        pass


def test_what_was_deleted_under_the_other_is_not_made_anew(database: Path) -> None:
    with another(database, Role.RECEIVER) as receiver:
        assert receiver.say() == "open"
        database.unlink()
        with pytest.raises(EngineError, match="unable to open"):
            open_ledger(database, roles=[Role.WORKER]).__enter__()
        assert not database.exists()
        assert "cannot be found any more" in receiver.keep("T1")
