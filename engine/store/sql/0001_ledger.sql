-- The ledger: what arrived, what was decided about it, and what was done.
-- Times are Unix seconds (REAL). `seq` gives the order in which rows were committed.

CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    source     TEXT NOT NULL,
    action     TEXT NOT NULL, -- '' where the endpoint names none: NULLs would not be unique
    key        TEXT NOT NULL,
    type       TEXT NOT NULL,
    time       INTEGER,       -- Flashduty's event_time, Unix milliseconds
    incident   TEXT,
    query      TEXT NOT NULL, -- JSON
    headers    TEXT NOT NULL, -- JSON
    payload    TEXT NOT NULL, -- JSON
    received   REAL NOT NULL,
    matched    REAL,          -- NULL until every playbook has judged it
    judgements TEXT,          -- JSON
    UNIQUE (source, action, key)
) STRICT;

CREATE INDEX events_unmatched ON events (seq) WHERE matched IS NULL;

-- A run goes on with the text it began with, whatever the folder holds by then.
CREATE TABLE playbooks (
    version TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    file    TEXT NOT NULL,
    text    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    seq      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    playbook TEXT NOT NULL,
    version  TEXT NOT NULL REFERENCES playbooks (version),
    event    TEXT NOT NULL REFERENCES events (id),
    state    TEXT NOT NULL,
    reason   TEXT,
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    began    TEXT,            -- JSON: the rendered `vars`, and why one could not be
    UNIQUE (event, playbook)
) STRICT;

CREATE INDEX runs_unfinished ON runs (state, seq) WHERE ended IS NULL;
CREATE INDEX runs_by_playbook ON runs (playbook, seq);

CREATE TABLE steps (
    seq       INTEGER PRIMARY KEY,
    run       TEXT NOT NULL REFERENCES runs (id),
    path      TEXT NOT NULL,
    attempt   INTEGER NOT NULL,
    type      TEXT NOT NULL,
    id        TEXT,
    name      TEXT,
    plan      TEXT,
    request   TEXT,           -- JSON: what went out, masked
    started   REAL,
    wake      REAL,
    ended     REAL,
    outcome   TEXT,
    result    TEXT,           -- JSON
    error     TEXT,
    retryable INTEGER NOT NULL DEFAULT 1,
    variables TEXT,           -- JSON
    stops     INTEGER NOT NULL DEFAULT 0,
    repeats   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, path, attempt)
) STRICT;
