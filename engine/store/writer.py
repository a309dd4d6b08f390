"""One thread that writes, and commits in groups.

A commit with `synchronous=FULL` costs a flush of the disk. Whatever has gathered while one group
was being flushed shares the next flush, so that many waiting receivers cost as much as one.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from engine.runs.ledger import LedgerError, NotInLedgerError
from engine.store.ledger_file import LedgerFile

GROUP: Final = 500  # acts in one commit: bounds how long the first of them waits for the last

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class _Order:
    act: Act
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


class Writer:
    """Runs acts on the connection of a file, in a thread of its own."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def do(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """What the act answers, once it is committed. After a LedgerError it did nothing."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._thread.is_alive():
            raise LedgerError("the ledger is closed")
        self._orders.put(_Order(act, loop, answer))
        return cast("T", await answer)

    def close(self) -> None:
        """Commit what is waiting and close the connection."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            orders, open_ = self._gather()
            if orders:
                self._commit(orders)
                self.file.tidy()
        self.file.close()

    def _gather(self) -> tuple[list[_Order], bool]:
        orders: list[_Order] = []
        first = self._orders.get()
        if first is None:
            return orders, False
        orders.append(first)
        while len(orders) < GROUP:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                break
            if order is None:
                return orders, False
            orders.append(order)
        return orders, True

    def _commit(self, orders: list[_Order]) -> None:
        answers: list[tuple[_Order, Any]] = []
        try:
            connection = self.file.connection()
            connection.execute("BEGIN IMMEDIATE")
            for order in orders:
                answers.append((order, self._act(connection, order)))  # noqa: PERF401 - a failure ends the loop
            connection.execute("COMMIT")
            self.file.check()  # or it is committed to what nobody will find
        except Exception as error:  # noqa: BLE001 - a dead thread would keep everybody waiting
            self.file.failed(error)
            said = str(error) or type(error).__name__
            answers = [(order, LedgerError(said)) for order in orders]
        loops = {order.loop for order, _ in answers}
        for loop in loops:
            mine = [(order.answer, value) for order, value in answers if order.loop is loop]
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, mine)

    def _act(self, connection: sqlite3.Connection, order: _Order) -> Any:
        """One act in its savepoint: what it raises undoes it, and no other one of the group."""
        connection.execute("SAVEPOINT act")
        try:
            value = order.act(connection)
        except Exception as error:  # goes to whoever asked, as its own failure
            if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
                raise  # the disk or the file, not the act: the whole group has to fail
            connection.execute("ROLLBACK TO act")
            connection.execute("RELEASE act")
            if isinstance(error, (LedgerError, NotInLedgerError)):
                return error
            return LedgerError(f"{type(error).__name__}: {error}")
        connection.execute("RELEASE act")
        return value


def _answer(answers: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, value in answers:
        if future.done():
            continue
        if isinstance(value, (LedgerError, NotInLedgerError)):
            future.set_exception(value)
        else:
            future.set_result(value)
