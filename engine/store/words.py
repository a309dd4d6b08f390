"""What people said, as the rows have it."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from engine.events.event import Event
from engine.runs.audit import AuditEntry, pressed
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


def keep_orders(db: sqlite3.Connection, sql: Sql, orders: Iterable[Order], event: Event) -> None:
    """What is said to runs because of an event, and who said it where that was a person."""
    for order in orders:
        db.execute(sql["insert_order"], rows.order_to_row(order))
        entry = pressed(order, event)
        if entry is not None:
            keep_audit(db, sql, entry)


def keep_audit(db: sqlite3.Connection, sql: Sql, entry: AuditEntry) -> None:
    """What a person did; of the transaction that does it."""
    db.execute(sql["insert_audit"], rows.audit_to_row(entry))
