"""Acts that wait for a thread: taken by it in groups, and answered in the loops they came from."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from engine.runs.ledger import LedgerError, NotInLedgerError

GROUP: Final = 500  # acts that are a group: bounds how long the first of them waits for the last
# Acts that are handed over before all that is ready in the loop has had its turn: the thread begins
# with them, and has the rest for its next group.
MANY: Final = 32
# Seconds for which the loop leaves the interpreter to the thread, so that it begins now with what
# needs none: it would get it after 5 ms, when the loop had nothing left to do beside.
MOMENT: Final = 0.0002

T = TypeVar("T")
G = TypeVar("G")
Act = Callable[[sqlite3.Connection], T]
JointAct = Callable[[sqlite3.Connection, Sequence[G]], Sequence[T]]
# Whether a joint act is one statement with what it is given: that is a transaction by itself.
IsWhole = Callable[[Sequence[G]], bool]


class Order(NamedTuple):  # one for each delivery: a frozen dataclass takes several times as long
    """One act that somebody waits for."""

    act: Act[Any] | JointAct[Any, Any]
    joint: bool
    is_whole: IsWhole[Any] | None  # of a joint act
    given: Any  # to a joint act
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


class Acts:
    """What waits for one thread."""

    def __init__(self) -> None:
        self._begun = threading.Lock()  # free once the thread has begun since it was last taken
        self._begun.acquire()
        self._orders: queue.SimpleQueue[list[Order] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Order]] = {}

    def put(
        self,
        act: Act[Any] | JointAct[Any, Any],
        *,
        joint: bool = False,
        is_whole: IsWhole[Any] | None = None,
        given: Any = None,
    ) -> "asyncio.Future[Any]":
        """What the act will answer, or raise."""
        loop = asyncio.get_running_loop()
        order = Order(act, joint, is_whole, given, loop, loop.create_future())
        gathered = self._gathered.get(loop)
        if gathered is None:
            # Not each by itself: the thread would wake up for the first, be in the way of who is
            # about to put in the others, and commit them one by one.
            self._gathered[loop] = [order]
            loop.call_soon(self._hand_over, loop)
        else:
            gathered.append(order)
            if len(gathered) == MANY:
                self._begun.acquire(blocking=False)
                self._hand_over(loop)
                if is_whole is not None:
                    self._begun.acquire(timeout=MOMENT)
        return order.answer

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        if gathered := self._gathered.pop(loop, None):
            self._orders.put(gathered)  # in one piece: the thread may come at any moment

    def no_more(self) -> None:
        """The thread is done when it has taken all that waits."""
        for loop in list(self._gathered):
            self._hand_over(loop)
        self._orders.put(None)

    def begun(self) -> None:
        """The thread needs the interpreter no more for now: it has come to its first statement."""
        if self._begun.locked():
            self._begun.release()

    def group(self) -> tuple[list[Order], bool]:
        """All that waits, once there is something; and whether more may come."""
        orders: list[Order] = []
        gathered = self._orders.get()
        while gathered is not None:
            orders += gathered
            if len(orders) >= GROUP:
                return orders, True
            try:
                gathered = self._orders.get_nowait()
            except queue.Empty:
                return orders, True
        return orders, False

    @staticmethod
    def answer(answers: Sequence[tuple[Order, Any]]) -> None:
        """Give everybody what their act came to; an exception is raised where it is awaited."""
        for loop in {order.loop for order, _ in answers}:
            mine = [(order.answer, value) for order, value in answers if order.loop is loop]
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_settle, mine)


def _settle(answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, value in answers:
        if future.done():
            continue
        if isinstance(value, (LedgerError, NotInLedgerError)):
            future.set_exception(value)
        else:
            future.set_result(value)
