"""Keeps deliveries: all that wait for the same commit in one statement, where it can be.

Each statement lets other threads run before it does its work, and waits for its turn after that.
While the receiver is busy the turns take longer than the work, so it is the number that counts.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from engine.runs.ledger import Acceptance
from engine.store.queries import in_every_size, read_queries
from engine.store.rows import Parameters

# Rows of a statement: few different ones stay prepared, and little is filled up.
SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64)
LARGEST: Final = SIZES[-1]


class Arrivals:
    """The statements of one ledger that keep deliveries."""

    def __init__(self) -> None:
        sql = read_queries()
        self._inserts = in_every_size(sql["insert_event"], SIZES)
        self._known = sql["event_by_key"]

    def keep(self, db: sqlite3.Connection, rows: Sequence[Parameters]) -> list[Acceptance]:
        """What became of each: kept, or there before."""
        return [kept for some in _in_order(rows) for kept in self._keep_some(db, some)]

    @staticmethod
    def is_one_statement(rows: Sequence[Parameters]) -> bool:
        """Whether they are all kept or none, by themselves."""
        return len(rows) <= LARGEST and len(list(_in_order(rows))) == 1

    def _keep_some(self, db: sqlite3.Connection, rows: list[Parameters]) -> Iterator[Acceptance]:
        size = SIZES[bisect_left(SIZES, len(rows))]
        insert = self._inserts[size]
        # What is left of the statement repeats the last one, of which nothing comes.
        filling = [{**rows[-1], "id": ""}] * (size - len(rows))
        done = db.execute(insert.statement, insert.parameters([*rows, *filling]))
        if done.rowcount == len(rows):
            yield from (Acceptance(row["id"], duplicate=False) for row in rows)
            return
        last = done.lastrowid or 0
        new = set(range(last - done.rowcount + 1, last + 1))
        for row in rows:
            known = db.execute(self._known, row).fetchone()
            # Of two that came at the same moment the first one is new.
            yield Acceptance(known["id"], duplicate=known["seq"] not in new)
            new.discard(known["seq"])


def _in_order(rows: Iterable[Parameters]) -> Iterator[list[Parameters]]:
    """The rows that one statement takes, and then the next.

    What is stale is found out before the first row of a statement is kept, so that none may be
    older than one of the same subject before it in the same statement.
    """
    some: list[Parameters] = []
    newest: dict[str, int] = {}
    for row in rows:
        subject, time = row["subject"], row["time"]
        if subject is not None and time is not None:
            if time < newest.get(subject, time):
                yield some
                some, newest = [], {}
            newest[subject] = time
        some.append(row)
        if len(some) == LARGEST:
            yield some
            some, newest = [], {}
    if some:
        yield some
