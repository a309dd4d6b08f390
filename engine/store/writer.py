"""One thread that writes, and commits in groups.

A commit with `synchronous=FULL` costs a flush of the disk. Whatever has gathered while one group
was being flushed shares the next flush, so that many waiting receivers cost as much as one.
"""

import sqlite3
import threading
from itertools import groupby
from typing import Any, TypeVar, cast

from engine.runs.ledger import LedgerError, NotInLedgerError
from engine.store.acts import Act, Acts, IsWhole, JointAct, Order
from engine.store.ledger_file import LedgerFile
from engine.store.turn import Turn

T = TypeVar("T")
G = TypeVar("G")


class Writer:
    """Runs acts on the connection of a file, in a thread of its own."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file
        self._turn = Turn(file.path)
        self._acts = Acts()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def do(self, act: Act[T]) -> T:
        """What the act answers, once it is committed. After a LedgerError it did nothing."""
        self._check_alive()
        return cast("T", await self._acts.put(act))

    async def join(self, act: JointAct[G, T], given: G, *, is_whole: IsWhole[G] | None = None) -> T:
        """The same of an act that is done once for all who wait for it, each with what they gave.

        It answers each of them, in their order.
        """
        self._check_alive()
        putting = self._acts.put(act, joint=True, is_whole=is_whole, given=given)
        return cast("T", await putting)

    def close(self) -> None:
        """Commit what is waiting and close the connection."""
        self._acts.no_more()
        self._thread.join()

    def _check_alive(self) -> None:
        if not self._thread.is_alive():
            raise LedgerError("the ledger is closed")

    def _work(self) -> None:
        open_ = True
        while open_:
            orders, open_ = self._acts.group()
            if orders:
                with self._turn:  # whoever waits for an answer comes before another process
                    self._acts.answer(self._commit(orders))
                self.file.tidy()
        self.file.close()
        self._turn.close()

    def _commit(self, orders: list[Order]) -> list[tuple[Order, Any]]:
        answers: list[tuple[Order, Any]] = []
        try:
            connection = self.file.connection()
            answers = self._act_as_a_whole(connection, orders)
            if not answers:
                answers = self._act_in_a_transaction(connection, orders)
            self.file.check()  # or it is committed to what nobody will find
        except Exception as error:  # noqa: BLE001 - a dead thread would keep everybody waiting
            self.file.failed(error)
            said = str(error) or type(error).__name__
            answers = [(order, LedgerError(said)) for order in orders]
        return answers

    def _act_as_a_whole(
        self, connection: sqlite3.Connection, orders: list[Order]
    ) -> list[tuple[Order, Any]]:
        """All of them by one statement that commits itself; nothing where that cannot be."""
        act, is_whole = orders[0].act, orders[0].is_whole
        if is_whole is None or any(order.act != act for order in orders):
            return []
        given = [order.given for order in orders]
        if not is_whole(given):
            return []
        self._acts.begun()
        try:
            return list(
                zip(orders, cast("JointAct[Any, Any]", act)(connection, given), strict=True)
            )
        except Exception as error:
            if _is_of_the_file(error):
                raise
            return []  # in a transaction it is found out which of them is wrong

    def _act_in_a_transaction(
        self, connection: sqlite3.Connection, orders: list[Order]
    ) -> list[tuple[Order, Any]]:
        answers: list[tuple[Order, Any]] = []
        self._acts.begun()
        connection.execute("BEGIN IMMEDIATE")
        for (act, joint), group in groupby(orders, lambda order: (order.act, order.joint)):
            if joint:
                answers += self._act_jointly(connection, act, list(group))
            else:
                answers += [(order, self._act(connection, act)) for order in group]
        connection.execute("COMMIT")
        return answers

    def _act_jointly(
        self, connection: sqlite3.Connection, act: JointAct[Any, Any], orders: list[Order]
    ) -> list[tuple[Order, Any]]:
        given = [order.given for order in orders]
        values = self._act(connection, lambda db: act(db, given))
        if not isinstance(values, (LedgerError, NotInLedgerError)):
            return list(zip(orders, values, strict=True))
        if len(orders) == 1:
            return [(orders[0], values)]
        # One of them is wrong, and the others are not to suffer for it.
        alone = [self._act_jointly(connection, act, [order]) for order in orders]
        return [answer for answers in alone for answer in answers]

    def _act(self, connection: sqlite3.Connection, act: Act[Any]) -> Any:
        """One act in its savepoint: what it raises undoes it, and no other one of the group."""
        connection.execute("SAVEPOINT act")
        try:
            value = act(connection)
        except Exception as error:  # goes to whoever asked, as its own failure
            if _is_of_the_file(error):
                raise  # the whole group has to fail
            connection.execute("ROLLBACK TO act")
            connection.execute("RELEASE act")
            if isinstance(error, (LedgerError, NotInLedgerError)):
                return error
            return LedgerError(f"{type(error).__name__}: {error}")
        connection.execute("RELEASE act")
        return value


def _is_of_the_file(error: Exception) -> bool:
    """Whether it is about the disk or the file, and not about the act."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
