"""Who writes has its turn, and a command that wants to write a word beside busy engines."""

import asyncio
import fcntl
import os
import threading
from pathlib import Path

import pytest

from engine.store.sqlite import open_ledger
from engine.store.turn import Turn, turn_beside
from tests.store.waiting import PATIENCE, until_it_waits, without_locks


def test_a_turn_to_write_is_waited_for(database: Path) -> None:
    order: list[str] = []
    mine, theirs = Turn(database), Turn(database)

    def write() -> None:
        with theirs:
            order.append("theirs")

    with mine:
        other = threading.Thread(target=write)
        other.start()
        until_it_waits(database, ".writing.lock")
        order.append("mine")
    other.join()
    with mine:
        order.append("mine again")
    assert order == ["mine", "theirs", "mine again"]
    mine.close()
    theirs.close()


def test_a_command_waits_for_its_turn_and_engines_for_its_end(database: Path) -> None:
    order: list[str] = []
    engine = Turn(database)

    def write() -> None:
        with turn_beside(database, PATIENCE):
            order.append("command")

    with engine:
        command = threading.Thread(target=write)
        command.start()
        until_it_waits(database, ".writing.lock")
        order.append("engine")
    command.join()
    with engine:
        order.append("engine again")
    engine.close()
    assert order == ["engine", "command", "engine again"]


def test_a_command_goes_on_without_a_turn_when_it_has_waited_long_enough(database: Path) -> None:
    engine = Turn(database)
    with engine, turn_beside(database, 0.01):
        pass  # an engine that is stopped in its turn: SQLite says what comes of it
    with engine, pytest.raises(ZeroDivisionError), turn_beside(database, 0.01):
        _ = 1 / 0
    engine.close()
    with turn_beside(database, PATIENCE):
        pass


def test_a_command_that_goes_on_without_a_turn_locks_nothing_that_is_opened_then(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, flock = Turn(database), fcntl.flock
    begins, over = threading.Event(), threading.Event()

    def late(handle: int, operation: int) -> None:
        assert begins.wait(PATIENCE)
        try:
            flock(handle, operation)
        finally:
            over.set()

    with monkeypatch.context() as busy:
        busy.setattr(fcntl, "flock", late)
        with turn_beside(database, 0.01):
            pass
        opened = [os.open(database.parent, os.O_RDONLY) for _ in range(3)]
        begins.set()
        assert over.wait(PATIENCE)
    other = os.open(database.parent, os.O_RDONLY)
    flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for handle in (other, *opened):
        os.close(handle)
    with engine:
        pass
    engine.close()


def test_a_command_makes_no_lock_where_no_engine_ever_took_turns(database: Path) -> None:
    with turn_beside(database, PATIENCE):
        pass
    assert list(database.parent.glob("engine.db*")) == []


def test_a_system_that_runs_out_of_locks_keeps_nothing_from_being_committed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_ledger(database) as ledger:
        without_locks(monkeypatch)
        asyncio.run(asyncio.wait_for(ledger.check(), PATIENCE))
