"""The kept output of a run goes with it, counts for the size, and is swept up after a crash."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.runs.happening import Pruned, Trouble
from engine.runs.ledger import LedgerError
from engine.runs.run import RunState
from engine.store import pruning
from engine.store.output_folder import OutputFolder
from engine.store.pruning import foresee
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW
from tests.store.test_pruning import DAY, KIB, MIB, Keeping

ULIDS = ("01K3W8ZQ4J6V3XJ9F5E2M7N8P1", "01K3W8ZQ4J6V3XJ9F5E2M7N8P2", "01K3W8ZQ4J6V3XJ9F5E2M7N8P3")


@dataclass
class KeepingOutput(Keeping):
    """And each run left output."""

    @property
    def folder(self) -> OutputFolder:
        return OutputFolder.beside(self.database)

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in self.folder.path.iterdir())

    def leave_output(self, run_id: str, size: int = KIB, days_ago: float = 40) -> Path:
        folder = self.folder.make_for(run_id)
        (folder / "steps.0.attempt1.stdout").write_bytes(b"x" * size)
        os.utime(folder, (NOW - days_ago * DAY,) * 2)
        return folder

    def add_with_output(self, id_: str, *, days_ago: float, size: int = KIB) -> None:
        self.add(id_, days_ago=days_ago)
        self.leave_output(f"run of {id_}", size, days_ago)


@pytest.fixture
def keeping(ledger: SqliteLedger, database: Path) -> Iterator[KeepingOutput]:
    made = KeepingOutput(ledger, database)
    yield made
    assert made.rows("PRAGMA integrity_check") == ["ok"]


def test_the_output_of_a_run_goes_with_it_and_no_other_one_does(keeping: KeepingOutput) -> None:
    keeping.add_with_output("E1", days_ago=40)
    keeping.add("E2", days_ago=39)
    keeping.add("E3", days_ago=38, state=RunState.RUNNING)
    keeping.leave_output("run of E3")
    keeping.add_with_output("E4", days_ago=20)
    pruned = keeping.prune()
    assert pruned == Pruned(2, 2, 2, 0, output=KIB)
    assert keeping.told == [pruned]
    assert keeping.kept == ["run of E3", "run of E4"]


def test_it_goes_after_the_run_is_gone_for_good(
    keeping: KeepingOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.add_with_output("E1", days_ago=40)
    seen: list[list[str]] = []

    def remove(_: OutputFolder, run_ids: list[str]) -> None:
        assert run_ids in (["run of E1"], [])
        seen.append(keeping.events)

    monkeypatch.setattr(OutputFolder, "remove", remove)
    keeping.prune()
    assert seen[0] == []


def test_it_stays_when_the_run_could_not_be_deleted(keeping: KeepingOutput) -> None:
    keeping.add_with_output("E1", days_ago=40)
    with closing(sqlite3.connect(keeping.database, isolation_level=None)) as db:
        db.execute(
            "CREATE TRIGGER stop BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        with pytest.raises(LedgerError):
            keeping.prune()
        db.execute("DROP TRIGGER stop")
    assert keeping.kept == ["run of E1"]


# By size


def test_output_counts_for_the_size_and_not_one_more_goes_than_has_to(
    keeping: KeepingOutput,
) -> None:
    for number in range(10):
        keeping.add_with_output(f"E{number}", days_ago=10 - number / 10, size=MIB)
    used = asyncio.run(keeping.ledger.pruning.usage())
    assert used.output == 10 * MIB
    keeping.prune(age=None, size=used.used + 7 * MIB)
    assert keeping.events == [f"E{number}" for number in range(3, 10)]
    assert keeping.kept == [f"run of E{number}" for number in range(3, 10)]
    assert keeping.told == [Pruned(3, 3, 3, 0, output=3 * MIB)]


def test_so_it_is_in_several_batches(
    keeping: KeepingOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "ROWS", 3)
    for number in range(10):
        keeping.add_with_output(f"E{number}", days_ago=10 - number / 10, size=MIB)
    used = asyncio.run(keeping.ledger.pruning.usage()).used
    keeping.prune(age=None, size=used + 7 * MIB)
    assert keeping.events == [f"E{number}" for number in range(3, 10)]


def test_output_that_is_too_young_to_go_is_told(keeping: KeepingOutput) -> None:
    keeping.add_with_output("E1", days_ago=0.5, size=20 * MIB)
    keeping.prune(age=None, size=16 * MIB)
    [trouble] = keeping.told
    assert isinstance(trouble, Trouble)
    assert trouble.message.startswith(
        "the ledger holds 20.1MiB, 20MiB of it output of steps, more "
    )
    assert keeping.kept == ["run of E1"]


def test_what_would_go_is_foreseen(keeping: KeepingOutput) -> None:
    for number in range(10):
        keeping.add_with_output(f"E{number}", days_ago=10 - number / 10, size=MIB)
    used = asyncio.run(keeping.ledger.pruning.usage()).used
    with closing(sqlite3.connect(keeping.database)) as db:
        db.row_factory = sqlite3.Row
        by_size = foresee(db, keeping.folder, NOW, None, used + 7 * MIB)
        by_age = foresee(db, keeping.folder, NOW, 9.55 * DAY, None)
    assert by_size == Pruned(3, 3, 3, 0, output=3 * MIB)
    assert by_age == Pruned(5, 5, 5, 0, output=5 * MIB)


# After a crash


def test_what_a_crash_left_is_swept_and_nothing_else(keeping: KeepingOutput) -> None:
    """A run that is there, one that has just begun, and somebody's own folder."""
    gone, there, young = ULIDS
    keeping.add("E1", days_ago=1, steps=0)
    with closing(sqlite3.connect(keeping.database, isolation_level=None)) as db:
        db.execute("UPDATE runs SET id = ?", (there,))
    for run_id in (gone, there, "lost+found"):
        keeping.leave_output(run_id)
    keeping.leave_output(young, days_ago=0.5)
    keeping.prune()
    assert keeping.kept == sorted([there, young, "lost+found"])
    assert keeping.told == []


def test_a_crash_between_the_two_leaves_output_for_the_next_round(
    keeping: KeepingOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        """Nothing that is written for errors sees it."""

    def crash(*_: object) -> None:
        raise Crash

    keeping.add("E1", days_ago=40, steps=0)
    with closing(sqlite3.connect(keeping.database, isolation_level=None)) as db:
        db.execute("UPDATE runs SET id = ?", (ULIDS[0],))
    keeping.leave_output(ULIDS[0])
    with monkeypatch.context() as crashing:
        crashing.setattr(OutputFolder, "remove", crash)
        with pytest.raises(Crash):
            keeping.prune()
    assert (keeping.events, keeping.kept) == ([], [ULIDS[0]])
    keeping.prune()
    assert keeping.kept == []


def test_output_that_cannot_be_deleted_is_told_in_each_round_and_holds_nothing_up(
    keeping: KeepingOutput,
) -> None:
    keeping.add("E1", days_ago=40)
    keeping.folder.path.mkdir()
    stuck = keeping.folder.path / ULIDS[0]
    stuck.write_text("a file where a folder should be")
    os.utime(stuck, (NOW - 2 * DAY,) * 2)
    keeping.leave_output(ULIDS[1])
    pruned = keeping.prune()
    said = f"output of steps could not be deleted: {stuck}: Not a directory"
    assert keeping.told == [Trouble("retention", said), pruned]
    assert (keeping.events, keeping.kept) == ([], [ULIDS[0]])


def test_without_kept_output_there_is_no_folder_and_nothing_to_say(keeping: KeepingOutput) -> None:
    keeping.add("E1", days_ago=40)
    assert keeping.prune(size=MIB) == Pruned(1, 1, 1, 0)
    assert not keeping.folder.path.exists()
