"""Keeps what playbooks said of events, with the runs that their lanes let in: of many at once.

Why at once: see `arrivals`.
"""

import sqlite3
from collections.abc import Sequence

from engine.events.event import Event
from engine.playbooks.guard import Guard
from engine.runs.lane import Lane
from engine.runs.ledger import Admit, Admitted, LedgerError
from engine.runs.run import Run
from engine.store.lanes import read_lane
from engine.store.queries import in_every_size, in_sizes, read_queries
from engine.store.rows import Parameters, run_to_row, to_json
from engine.store.words import keep_orders

Match = tuple[Event, Parameters, Admit]  # the row of `match_to_row`


class Matches:
    """The statements of one ledger that keep what events came to."""

    def __init__(self) -> None:
        self._sql = read_queries()
        self._insert_runs = in_every_size(self._sql["insert_run"])

    def keep(self, db: sqlite3.Connection, given: Sequence[Match]) -> list[Admitted]:
        """In their order: what one lets in is there when the next one looks at its lane."""
        rows = to_json([row for _, row, _ in given])
        if db.execute(self._sql["match_events"], {"rows": rows}).rowcount != len(given):
            if len(given) > 1:
                raise LedgerError("one of these events was judged before")  # each by itself, then
            return [Admitted(())]
        waiting: list[Parameters] = []

        def read(run: Run, guard: Guard, now: float) -> Lane:
            self._insert(db, waiting)
            return read_lane(db, self._sql, run.playbook, run.lane, guard, now)

        admitted: list[Admitted] = []
        for event, _, admit in given:
            one = admit(read)
            waiting += [run_to_row(run) for run in one.runs]
            keep_orders(db, self._sql, one.orders, event)
            admitted.append(one)
        self._insert(db, waiting)
        return admitted

    def _insert(self, db: sqlite3.Connection, runs: list[Parameters]) -> None:
        for some in in_sizes(runs):
            insert = self._insert_runs[len(some)]
            db.execute(insert.statement, insert.parameters(some))
        runs.clear()
