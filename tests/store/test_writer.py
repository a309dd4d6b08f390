"""One thread writes; what gathers meanwhile shares a commit, and nobody suffers for another one."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from engine.runs.ledger import LedgerError
from engine.store import acts
from engine.store.database import connect
from engine.store.ledger_file import LedgerFile
from engine.store.writer import Writer

PATIENCE = 60.0


class Connection(sqlite3.Connection):
    """A real one; statements may be made to fail, once each."""

    failing: dict[str, Exception]

    @override
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        error = getattr(self, "failing", {}).pop(sql, None)
        if error is not None:
            raise error
        return super().execute(sql, parameters)


def opened(path: Path) -> Connection:
    made = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Connection)
    made.failing = {}
    made.execute("SELECT count(*) FROM events").fetchone()  # it opens its files when it reads
    return made


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    """The first one; after a failure that leaves it unfit the writer opens another one."""
    path = tmp_path / "engine.db"
    connect(path).close()
    return opened(path)


@pytest.fixture
def file(connection: Connection, tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "engine.db", connect=lambda _: connection, reconnect=opened)


@pytest.fixture
def writer(file: LedgerFile) -> Iterator[Writer]:
    made = Writer(file)
    yield made
    made.close()


def adds(version: str) -> Callable[[sqlite3.Connection], str]:
    def act(db: sqlite3.Connection) -> str:
        db.execute(
            "INSERT INTO playbooks (version, name, file, text) VALUES (?, 'p', 'p.yaml', '')",
            (version,),
        )
        return version

    return act


def kept(tmp_path: Path) -> list[str]:
    """What another connection finds in the file."""
    with closing(sqlite3.connect(tmp_path / "engine.db")) as db:
        return [row[0] for row in db.execute("SELECT version FROM playbooks ORDER BY version")]


class Held:
    """Keeps the writer's thread in an act, so that others gather behind it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, _: sqlite3.Connection) -> None:
        self.reached.set()
        assert self.released.wait(PATIENCE)


async def behind(writer: Writer, acts: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    """What becomes of acts that gather while the writer is busy."""
    return await gathered(writer, [writer.do(act) for act in acts])


async def gathered(writer: Writer, doing: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """The same, however they are handed in."""
    held = Held()
    first = asyncio.ensure_future(writer.do(held))
    assert await asyncio.to_thread(held.reached.wait, PATIENCE)
    rest = asyncio.gather(*doing, return_exceptions=True)
    await asyncio.sleep(0)  # each has put in its act
    await asyncio.sleep(0)  # and the last of them were handed over
    held.released.set()
    await first
    return await rest


def test_an_act_is_committed_before_it_is_answered(writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        assert await writer.do(adds("a")) == "a"
        assert kept(tmp_path) == ["a"]

    asyncio.run(story())


def test_what_gathers_is_committed_together(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    names = [f"{number:02}" for number in range(40)]
    assert asyncio.run(behind(writer, [adds(name) for name in names])) == names
    assert statements.count("COMMIT") == 2, "the one that was held, and all the others"
    assert kept(tmp_path) == names


def test_what_is_ready_in_one_turn_of_the_loop_is_committed_together(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    names = [f"{number:02}" for number in range(acts.MANY - 1)]

    async def story() -> list[str]:
        return await asyncio.gather(*(writer.do(adds(name)) for name in names))

    assert asyncio.run(story()) == names
    assert statements.count("COMMIT") == 1, "the thread did not begin with the first one"
    assert kept(tmp_path) == names


class Interrupted(queue.SimpleQueue[Any]):
    """Whoever puts something in has to leave the interpreter to the thread, as on a busy machine."""

    @override
    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        time.sleep(0.01)


def test_the_thread_has_all_of_them_at_whatever_moment_it_comes(
    connection: Connection, file: LedgerFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "SimpleQueue", Interrupted)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    writer = Writer(file)

    async def story() -> list[str]:
        return await asyncio.gather(*(writer.do(adds(name)) for name in "abc"))

    assert asyncio.run(story()) == ["a", "b", "c"]
    assert statements.count("COMMIT") == 1
    writer.close()


def test_of_many_that_are_ready_the_first_do_not_wait_for_the_last(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    names = [f"{number:02}" for number in range(acts.MANY + 3)]
    begun = threading.Event()
    connection.set_trace_callback(lambda _: begun.set())

    async def story() -> list[str]:
        doing = [asyncio.ensure_future(writer.do(adds(name))) for name in names]
        # Behind them, before the loop comes to what they asked for at its next turn.
        waiting = asyncio.ensure_future(waits())
        await waiting
        return await asyncio.gather(*doing)

    async def waits() -> None:
        assert begun.wait(PATIENCE), "nothing was handed over"

    assert asyncio.run(story()) == names
    assert kept(tmp_path) == names


def test_a_group_has_its_bounds(
    writer: Writer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "GROUP", 10)
    monkeypatch.setattr(acts, "MANY", 5)  # are handed over at once
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    names = [f"{number:02}" for number in range(40)]
    assert asyncio.run(behind(writer, [adds(name) for name in names])) == names
    assert statements.count("COMMIT") == 5


def test_one_that_fails_does_not_undo_the_others_of_its_group(
    writer: Writer, tmp_path: Path
) -> None:
    def halfway(db: sqlite3.Connection) -> None:
        adds("half")(db)
        raise ZeroDivisionError("by zero")

    def refused(_: sqlite3.Connection) -> None:
        raise LedgerError("there is no event X")

    answers = asyncio.run(behind(writer, [adds("a"), halfway, adds("a"), refused, adds("b")]))
    assert [str(answer) for answer in answers] == [
        "a",
        "ZeroDivisionError: by zero",
        "IntegrityError: UNIQUE constraint failed: playbooks.version",
        "there is no event X",
        "b",
    ]
    assert all(isinstance(answers[index], LedgerError) for index in (1, 2, 3))
    assert kept(tmp_path) == ["a", "b"]


def test_a_joint_act_is_done_once_for_all_that_wait_for_it(writer: Writer, tmp_path: Path) -> None:
    together: list[list[str]] = []

    def add_all(db: sqlite3.Connection, versions: Sequence[str]) -> list[str]:
        together.append(list(versions))
        return [adds(version)(db) for version in versions]

    async def story() -> list[Any]:
        doing = [writer.join(add_all, name) for name in "abc"]
        return await gathered(writer, [*doing, writer.do(adds("d")), writer.join(add_all, "e")])

    assert asyncio.run(story()) == ["a", "b", "c", "d", "e"]
    assert together == [["a", "b", "c"], ["e"]], "in the order in which they came"
    assert kept(tmp_path) == ["a", "b", "c", "d", "e"]


def test_one_that_fails_in_a_joint_act_does_not_undo_the_others(
    writer: Writer, tmp_path: Path
) -> None:
    def add_all(db: sqlite3.Connection, versions: Sequence[str]) -> list[str]:
        return [adds(version)(db) for version in versions]

    async def story() -> list[Any]:
        return await gathered(writer, [writer.join(add_all, name) for name in ("a", "a", "b")])

    answers = asyncio.run(story())
    assert [str(answer) for answer in answers] == [
        "a",
        "IntegrityError: UNIQUE constraint failed: playbooks.version",
        "b",
    ]
    assert isinstance(answers[1], LedgerError)
    assert kept(tmp_path) == ["a", "b"]


def add_by_one_statement(db: sqlite3.Connection, versions: Sequence[str]) -> list[str]:
    rows = ", ".join(["(?, 'p', 'p.yaml', '')"] * len(versions))
    db.execute(
        f"INSERT INTO playbooks (version, name, file, text) VALUES {rows}",  # noqa: S608
        versions,
    )
    return list(versions)


def are_few(versions: Sequence[str]) -> bool:
    return len(versions) < 4


def test_what_is_one_statement_is_a_transaction_by_itself(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)

    async def story(names: str, *others: Coroutine[Any, Any, Any]) -> list[Any]:
        joining = [writer.join(add_by_one_statement, name, is_whole=are_few) for name in names]
        return await asyncio.gather(*joining, *others)

    assert asyncio.run(story("abc")) == ["a", "b", "c"]
    assert [statement.split()[0] for statement in statements] == ["INSERT"]
    assert kept(tmp_path) == ["a", "b", "c"]
    assert asyncio.run(story("defg")) == ["d", "e", "f", "g"]
    assert statements.count("COMMIT") == 1, "they are too many for one statement"
    assert asyncio.run(story("h", writer.do(adds("i")))) == ["h", "i"]
    assert statements.count("COMMIT") == 2, "another act is beside it"
    assert kept(tmp_path) == list("abcdefghi")


def test_one_that_is_wrong_in_one_statement_does_not_keep_the_others_out(
    writer: Writer, tmp_path: Path
) -> None:
    async def story() -> list[Any]:
        joining = [writer.join(add_by_one_statement, name, is_whole=are_few) for name in "aab"]
        return await asyncio.gather(*joining, return_exceptions=True)

    first, second, third = asyncio.run(story())
    assert (first, third) == ("a", "b")
    assert isinstance(second, LedgerError)
    assert str(second) == "IntegrityError: UNIQUE constraint failed: playbooks.version"
    assert kept(tmp_path) == ["a", "b"]


def test_one_statement_that_the_disk_refuses_is_not_tried_once_more(
    writer: Writer, tmp_path: Path
) -> None:
    asked: list[Sequence[str]] = []

    def full(_: sqlite3.Connection, versions: Sequence[str]) -> list[str]:
        asked.append(versions)
        raise sqlite3.OperationalError("database or disk is full")

    async def story() -> str:
        with pytest.raises(LedgerError, match=r"^database or disk is full$"):
            await writer.join(full, "a", is_whole=are_few)
        return await writer.join(add_by_one_statement, "b", is_whole=are_few)

    assert asyncio.run(story()) == "b"
    assert asked == [["a"]]
    assert kept(tmp_path) == ["b"]


def test_what_is_wrong_with_the_disk_fails_the_whole_group_and_the_next_one_is_tried(
    writer: Writer, tmp_path: Path
) -> None:
    def full(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def story() -> None:
        answers = await behind(writer, [adds("a"), full, adds("b")])
        assert [str(answer) for answer in answers] == ["database or disk is full"] * 3
        assert kept(tmp_path) == []
        assert await writer.do(adds("c")) == "c"

    asyncio.run(story())
    assert kept(tmp_path) == ["c"]


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SAVEPOINT act", "RELEASE act", "COMMIT"])
def test_whatever_sqlite_refuses_nothing_is_half_written(
    writer: Writer, connection: Connection, tmp_path: Path, statement: str
) -> None:
    async def story() -> None:
        connection.failing = {statement: sqlite3.OperationalError("disk I/O error")}
        with pytest.raises(LedgerError, match=r"^disk I/O error$"):
            await writer.do(adds("a"))
        assert kept(tmp_path) == []
        assert await writer.do(adds("b")) == "b"

    asyncio.run(story())


def test_a_rollback_that_fails_is_made_up_for(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    async def story() -> None:
        broken = sqlite3.OperationalError("disk I/O error")
        connection.failing = {"COMMIT": broken, "ROLLBACK": broken}
        with pytest.raises(LedgerError, match=r"^disk I/O error$"):
            await writer.do(adds("a"))
        assert await writer.do(adds("b")) == "b"

    asyncio.run(story())
    assert kept(tmp_path) == ["b"]


def test_damage_fails_the_whole_group_and_not_only_the_act_that_came_upon_it(
    writer: Writer, tmp_path: Path
) -> None:
    def damaged(_: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    answers = asyncio.run(behind(writer, [adds("a"), damaged, adds("b")]))

    assert [str(answer) for answer in answers] == ["database disk image is malformed"] * 3
    assert kept(tmp_path) == []


def test_a_full_file_refuses_and_loses_nothing_it_had(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    def large(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO playbooks (version, name, file, text) VALUES ('large', 'p', 'p.yaml', ?)",
            ("x" * 100_000,),
        )

    async def story() -> None:
        assert await writer.do(adds("a")) == "a"
        with pytest.raises(LedgerError, match=r"^database or disk is full$"):
            await writer.do(large)
        assert kept(tmp_path) == ["a"]
        assert await writer.do(adds("b")) == "b"

    asyncio.run(story())


def test_whatever_happens_to_the_writer_nobody_waits_for_ever(
    writer: Writer, connection: Connection, tmp_path: Path
) -> None:
    async def story() -> None:
        connection.failing = {"COMMIT": MemoryError()}
        with pytest.raises(LedgerError, match=r"^MemoryError$"):
            await writer.do(adds("a"))
        assert await writer.do(adds("b")) == "b"

    asyncio.run(story())
    assert kept(tmp_path) == ["b"]


def test_who_is_cancelled_has_its_act_done_all_the_same(writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        held = Held()
        first = asyncio.ensure_future(writer.do(held))
        assert await asyncio.to_thread(held.reached.wait, PATIENCE)
        second = asyncio.ensure_future(writer.do(adds("a")))
        third = asyncio.ensure_future(writer.do(lambda _: 1 / 0))
        await asyncio.sleep(0)
        for task in (second, third):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        held.released.set()
        await first
        await writer.do(lambda _: None)

    asyncio.run(story())
    assert kept(tmp_path) == ["a"]


class JustClosed(asyncio.SelectorEventLoop):
    """Still looks open to a thread that is about to call it."""

    @override
    def is_closed(self) -> bool:
        return threading.current_thread() is threading.main_thread() and super().is_closed()


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, JustClosed])
def test_who_has_gone_home_is_not_called(
    writer: Writer, tmp_path: Path, loop: type[asyncio.AbstractEventLoop]
) -> None:
    held = Held()

    async def leaves() -> None:
        asyncio.get_running_loop().call_soon(asyncio.ensure_future, writer.do(held))
        assert await asyncio.to_thread(held.reached.wait, PATIENCE)

    with asyncio.Runner(loop_factory=loop) as runner:
        left = runner.get_loop()
        runner.run(leaves())
    assert left.is_closed()
    held.released.set()
    assert asyncio.run(writer.do(adds("a"))) == "a"
    assert kept(tmp_path) == ["a"]


def test_an_answer_that_nobody_waits_for_any_more_is_dropped(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        made: list[asyncio.Future[Any]] = []
        create = loop.create_future

        def creates() -> asyncio.Future[Any]:
            made.append(create())
            return made[-1]

        monkeypatch.setattr(loop, "create_future", creates)
        act = asyncio.ensure_future(writer.do(adds("a")))
        await asyncio.sleep(0)
        made[0].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await act
        assert await writer.do(adds("b")) == "b"

    asyncio.run(story())
    assert kept(tmp_path) == ["a", "b"]


def test_two_loops_each_hear_of_their_own(writer: Writer, tmp_path: Path) -> None:
    held = Held()
    heard: dict[str, str] = {}

    def in_a_loop_of_its_own(name: str, act: Callable[[sqlite3.Connection], Any]) -> None:
        heard[name] = asyncio.run(writer.do(act))

    async def waits() -> None:
        first = asyncio.ensure_future(writer.do(held))
        assert await asyncio.to_thread(held.reached.wait, PATIENCE)
        second = asyncio.ensure_future(writer.do(adds("a")))
        await asyncio.sleep(0)
        other = threading.Thread(target=in_a_loop_of_its_own, args=("other", adds("b")))
        other.start()
        held.released.set()
        await first
        heard["this"] = await second
        await asyncio.to_thread(other.join, PATIENCE)

    asyncio.run(waits())
    assert heard == {"this": "a", "other": "b"}
    assert kept(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("waiting", [0, 1, 3])
def test_closing_commits_what_is_waiting(
    connection: Connection, file: LedgerFile, tmp_path: Path, waiting: int
) -> None:
    async def story() -> None:
        writer = Writer(file)
        held = Held()
        first = asyncio.ensure_future(writer.do(held))
        assert await asyncio.to_thread(held.reached.wait, PATIENCE)
        rest = [asyncio.ensure_future(writer.do(adds(str(number)))) for number in range(waiting)]
        await asyncio.sleep(0)
        threading.Timer(0.01, held.released.set).start()
        writer.close()
        await first
        assert await asyncio.gather(*rest) == [str(number) for number in range(waiting)]
        with pytest.raises(LedgerError, match=r"^the ledger is closed$"):
            await writer.do(adds("late"))

    asyncio.run(story())
    assert kept(tmp_path) == [str(number) for number in range(waiting)]
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
