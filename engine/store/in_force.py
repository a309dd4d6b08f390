"""Which versions of playbooks events are judged by, since when: sets of them, by number."""

import json
import sqlite3
from collections.abc import Collection, Mapping


def put_in_force(
    db: sqlite3.Connection, sql: Mapping[str, str], versions: Collection[str], at: float
) -> int:
    """The number of this set, which is a new one unless it is the one in force. Unix seconds."""
    newest: int = db.execute(sql["newest_set"]).fetchone()["number"]
    row = {"versions": json.dumps(list(versions)), "at": at, "number": newest + 1}
    changes = (sql[name] for name in ("end_versions", "begin_versions"))
    changed = sum(db.execute(change, row).rowcount for change in changes)
    return newest + 1 if changed else newest
