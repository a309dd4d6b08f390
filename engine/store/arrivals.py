"""Keeps deliveries: all that wait for the same commit in as few statements as can be.

Each statement lets other threads run before it does its work, and waits for its turn after that.
While the receiver is busy the turns take longer than the work, so it is the number that counts.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from engine.runs.ledger import Acceptance
from engine.store.queries import in_every_size, in_sizes, read_queries
from engine.store.rows import Parameters


class Arrivals:
    """The statements of one ledger that keep deliveries."""

    def __init__(self) -> None:
        sql = read_queries()
        self._inserts = in_every_size(sql["insert_event"])
        self._known = sql["event_by_key"]

    def keep(self, db: sqlite3.Connection, rows: Sequence[Parameters]) -> list[Acceptance]:
        """What became of each: kept, or there before."""
        return [kept for some in _in_order(rows) for kept in self._keep_some(db, some)]

    def _keep_some(self, db: sqlite3.Connection, rows: list[Parameters]) -> Iterator[Acceptance]:
        insert = self._inserts[len(rows)]
        done = db.execute(insert.statement, insert.parameters(rows))
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
    """The rows in sizes that there are statements for.

    What is stale is found out before the first row of a statement is kept, so that none may be
    older than one of the same subject before it in the same statement.
    """
    some: list[Parameters] = []
    newest: dict[str, int] = {}
    for row in rows:
        subject, time = row["subject"], row["time"]
        if subject is not None and time is not None:
            if time < newest.get(subject, time):
                yield from in_sizes(some)
                some, newest = [], {}
            newest[subject] = time
        some.append(row)
    yield from in_sizes(some)
