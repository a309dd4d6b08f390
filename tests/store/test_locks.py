"""Who holds a ledger, who is refused, and who is woken."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.problem import EngineError
from engine.store import locks
from engine.store.database import reading
from engine.store.locks import Role, holder, is_held, opening, sole_use, wake
from engine.store.sqlite import open_ledger
from tests.store.waiting import until_it_waits, without_locks

ROOT = Path(locks.__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from engine.store.sqlite import open_ledger
with open_ledger(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def only_problem(error: EngineError) -> str:
    (problem,) = error.problems
    return str(problem)


def test_one_process_opens_it_once(database: Path) -> None:
    with sole_use(database), pytest.raises(EngineError) as refused, sole_use(database):
        pass  # pragma: no cover
    assert only_problem(refused.value) == (
        f"database-in-use: another engine (process {os.getpid()}) works on {database} "
        "(stop it first, or give this one a `database` of its own)"
    )
    with sole_use(database):
        pass


def test_another_name_of_the_same_file_is_the_same_ledger(database: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "another.db"
    link.symlink_to(database)
    with open_ledger(database):
        with pytest.raises(EngineError) as refused:
            open_ledger(link).__enter__()
        assert only_problem(refused.value) == (
            f"database-in-use: another engine (process {os.getpid()}) works on {link} "
            "(stop it first, or give this one a `database` of its own)"
        )
    with open_ledger(link), pytest.raises(EngineError, match="database-in-use"):
        open_ledger(database).__enter__()


def test_another_process_is_refused_under_another_name_too(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "link"
    folder.symlink_to(database.parent, target_is_directory=True)
    with open_ledger(database):
        second = subprocess.run(
            [sys.executable, "-c", HOLD, str(folder / database.name)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
        )
    assert second.returncode != 0
    assert second.stdout == ""
    assert f"another engine (process {os.getpid()}) works on" in second.stderr


def test_a_lock_that_names_nobody_still_holds(database: Path) -> None:
    lock = database.with_name("engine.db.lock")
    with sole_use(database):
        lock.write_text("")
        with pytest.raises(EngineError, match="process unknown"), sole_use(database):
            pass  # pragma: no cover


def test_a_second_engine_is_refused_by_the_name_of_the_first_until_that_one_is_gone(
    database: Path,
) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with pytest.raises(EngineError) as refused:
            open_ledger(database).__enter__()
        assert only_problem(refused.value) == (
            f"database-in-use: another engine (process {first.pid}) works on {database} "
            "(stop it first, or give this one a `database` of its own)"
        )
        with reading(database) as db:
            assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 0
        first.kill()
    with open_ledger(database):
        pass


def test_a_file_system_without_locks_is_said_to_be_none_for_a_ledger(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    for taking, suffix in ((opening(database), ".opening.lock"), (sole_use(database), ".lock")):
        with pytest.raises(EngineError) as refused, taking:
            pass  # pragma: no cover
        (problem,) = refused.value.problems
        assert problem.message == f"{database}{suffix}: No locks available"
    assert holder(database) is None


# Waking


LISTEN = """
import signal, sys
from pathlib import Path
from engine.store.sqlite import open_ledger
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
with open_ledger(Path(sys.argv[1])):
    print("open", flush=True)
    print(signal.sigwait({signal.SIGURG}).name, flush=True)
"""


def test_the_engine_that_holds_a_ledger_is_woken(database: Path) -> None:
    command = [sys.executable, "-c", LISTEN, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "open\n"
        assert wake(database) is True
        assert engine.stdout.readline() == "SIGURG\n"
    assert wake(database) is False, "its lock is left behind, and nobody holds it"


def test_who_does_not_listen_yet_is_not_harmed_by_being_woken(database: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "open\n"
        assert wake(database) is True
        engine.communicate("")
        assert engine.returncode == 0


def test_nobody_is_woken_where_there_is_no_ledger(database: Path) -> None:
    assert wake(database) is False
    assert list(database.parent.glob("engine.db*")) == [], "and nothing is made"


def test_who_only_looks_whether_a_ledger_is_free_keeps_no_engine_from_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sole_use(database):
        pass
    lock = os.open(f"{database}.lock", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(lock))
    with sole_use(database):
        assert wake(database) is True


def test_who_counts_processes_in_another_container_is_there_and_cannot_be_woken(
    database: Path,
) -> None:
    with sole_use(database, [Role.WORKER]):
        lock = database.with_name("engine.db.lock")
        lock.write_text(lock.read_text().replace("pid", "other"))
        assert (holder(database), is_held(database, Role.WORKER)) == (None, True)
        assert wake(database) is False, "the number is that of somebody else here"
        with pytest.raises(EngineError, match=f"process {os.getpid()}"), sole_use(database):
            pass  # pragma: no cover
        with pytest.raises(EngineError, match="database-unusable"):
            open_ledger(database, roles=[Role.RECEIVER]).__enter__()
        assert not database.exists(), "who comes second makes nothing"
    assert not is_held(database, Role.WORKER)


# Roles


def test_each_role_may_be_had_by_another_process(database: Path) -> None:
    with sole_use(database, [Role.RECEIVER]):
        assert (holder(database, Role.RECEIVER), holder(database)) == (os.getpid(), None)
        assert wake(database) is False, "a receiver has nothing to look at"
        with sole_use(database, [Role.WORKER]):
            assert holder(database, Role.WORKER) == os.getpid()
            assert wake(database) is True
    assert [holder(database, role) for role in Role] == [None, None]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([Role.WORKER], [Role.WORKER], "works on"),
        ([Role.RECEIVER], [Role.RECEIVER], "receives for"),
        ([Role.WORKER], [*Role], "works on"),
        ([Role.RECEIVER], [*Role], "receives for"),
        ([*Role], [Role.WORKER], "works on"),
        ([*Role], [Role.RECEIVER], "receives for"),
        ([*Role], [*Role], "works on"),
    ],
)
def test_no_role_is_had_twice(
    database: Path, first: list[Role], second: list[Role], said: str
) -> None:
    with sole_use(database, first):
        with pytest.raises(EngineError) as refused, sole_use(database, second):
            pass  # pragma: no cover
        assert only_problem(refused.value) == (
            f"database-in-use: another engine (process {os.getpid()}) {said} {database} "
            "(stop it first, or give this one a `database` of its own)"
        )
        free = [role for role in Role if role not in first]
        with sole_use(database, free):
            pass  # who was refused one role has kept none of the others
    with sole_use(database, second):
        pass


def test_a_ledger_is_opened_by_one_at_a_time(database: Path) -> None:
    order: list[str] = []

    def open_it() -> None:
        with opening(database):
            order.append("second")

    with opening(database):
        other = threading.Thread(target=open_it)
        other.start()
        until_it_waits(database, ".opening.lock")
        order.append("first")
    other.join()
    assert order == ["first", "second"]
