"""What people said, as the rows have it."""

import sqlite3
from collections.abc import Mapping, Sequence

from engine.runs.control import Order, Pause
from engine.store import rows

Sql = Mapping[str, str]


def read_orders(db: sqlite3.Connection, sql: Sql, after: int) -> Sequence[Order]:
    """What was said to runs behind a place in the order, and not looked at yet."""
    return [rows.order_from_row(row) for row in db.execute(sql["orders"], {"after": after})]


def read_pauses(db: sqlite3.Connection, sql: Sql) -> Mapping[str, Pause]:
    """What is paused, by name."""
    pauses = (rows.pause_from_row(row) for row in db.execute(sql["pauses"]))
    return {pause.playbook: pause for pause in pauses}
