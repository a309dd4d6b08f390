"""One thread that reads beside the writer, so that to read is not to wait for the disk.

It sees what was committed when it begins, and an act was committed before it was answered: so who
waited for a write finds it here. Whatever is wrong with the file is the writer's to find out, to
mend and to say: an act that fails here is done there.
"""

import sqlite3
import threading
from typing import Any, Final, TypeVar, cast

from engine.runs.ledger import LedgerError, NotInLedgerError
from engine.store.acts import Act, Acts, Order
from engine.store.ledger_file import LedgerFile
from engine.store.writer import Writer

T = TypeVar("T")

_NOT_HERE: Final = object()  # the answer to what could not be read here


class Reader:
    """Runs acts that only read, in a thread of its own."""

    def __init__(self, file: LedgerFile, writer: Writer) -> None:
        """`file` is the writer's."""
        self._file = file
        self._writer = writer
        self._acts = Acts()
        self._thread = threading.Thread(target=self._work, name="ledger-reader", daemon=True)
        self._thread.start()

    async def do(self, act: Act[T]) -> T:
        """What the act answers. Raises LedgerError, and what the act raises of its own."""
        if not self._thread.is_alive():
            raise LedgerError("the ledger is closed")
        answer = await self._acts.put(act)
        if answer is _NOT_HERE:
            return await self._writer.do(act)
        return cast("T", answer)

    def close(self) -> None:
        """Answer what is waiting."""
        self._acts.no_more()
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            orders, open_ = self._acts.group()
            if orders:
                self._acts.answer(self._read(orders))

    def _read(self, orders: list[Order]) -> list[tuple[Order, Any]]:
        acts = [(order, cast("Act[Any]", order.act)) for order in orders]
        try:
            with self._file.reading() as connection:
                return [(order, _done(connection, act)) for order, act in acts]
        except Exception:  # noqa: BLE001 - a dead thread would keep everybody waiting
            return [(order, _NOT_HERE) for order in orders]


def _done(connection: sqlite3.Connection, act: Act[Any]) -> Any:
    try:
        return act(connection)
    except (LedgerError, NotInLedgerError) as error:
        return error
