"""A ledger with a long past: the real schema, filled by SQLite itself as fast as it can.

The past is unkind to lists: what is rare lies at its beginning, and its end is a storm of runs that
their guard did not let start.
"""

from contextlib import closing
from pathlib import Path
from typing import Final

from engine.store.database import connect

RARE: Final = 25  # runs of each rare kind, which are the oldest
STORM: Final = 0.2  # of all runs: the newest, and skipped
_PLAYBOOKS: Final = """
INSERT INTO playbooks (version, name, file, text)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)
SELECT printf('%012x', n), printf('p%d', n), printf('p%d.yaml', n), 'steps: []' FROM numbers
"""
_EVENTS: Final = """
INSERT INTO events (id, source, action, key, type, time, incident, query, headers, payload, received,
                    subject, matched, judgements, judged_by, own)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)
SELECT printf('01EVENT%019d', n), 'custom-action', 'restart-host', printf('%032x', n), 'i_custom',
       1700000000000 + n, printf('%024x', n / 4), '{}', '{}',
       json_object('incident', json_object('title', printf('CPU of host %d', n), 'text', :filler)),
       1700000000.0 + n, printf('incident:%024x', n / 4), 1700000000.1 + n, '[]', 1, 0
FROM numbers
"""
# p0 has half of the runs, p1 the rare ones, and 98 others the rest.
_RUNS: Final = """
INSERT INTO runs (id, playbook, version, event, state, lane, reason, created, started, ended, began)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count), shaped AS (
    SELECT n, CASE WHEN n < 3 * :rare THEN 1 WHEN n % 2 THEN 0 ELSE 2 + n % 98 END AS p,
           CASE WHEN n < :rare THEN 'waiting' WHEN n < 2 * :rare THEN 'cancelled'
                WHEN n < 4 * :rare THEN 'failed' WHEN n >= :storm THEN 'skipped'
                ELSE 'succeeded' END AS state
    FROM numbers
)
SELECT printf('01RUN%021d', n), printf('p%d', p), printf('%012x', p), printf('01EVENT%019d', n), state,
       '"host-' || (n % 5000) || '"', NULL, 1700000000.1 + n,
       iif(state = 'skipped', NULL, 1700000000.2 + n), iif(state = 'waiting', NULL, 1700000001.0 + n),
       '{"at":1700000000.2,"vars":{},"error":null}'
FROM shaped
"""


def fill(path: Path, runs: int) -> None:
    """So many events, each of which started one run."""
    with closing(connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")  # it is made anew where it is lost
        db.execute("BEGIN")
        db.execute(_PLAYBOOKS, {"count": 100})
        db.execute(_EVENTS, {"count": runs, "filler": "x" * 300})
        storm = int(runs * (1 - STORM))
        db.execute(_RUNS, {"count": runs, "rare": RARE, "storm": storm})
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
