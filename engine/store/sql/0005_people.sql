-- What people are asked, what they say, and the lanes that runs wait in.

-- A person can have a run carried out again, by another run: `again` counts them.
CREATE TABLE runs_with_again (
    seq      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    playbook TEXT NOT NULL,
    version  TEXT NOT NULL REFERENCES playbooks (version),
    event    TEXT NOT NULL REFERENCES events (id),
    again    INTEGER NOT NULL DEFAULT 0,
    state    TEXT NOT NULL,
    reason   TEXT,
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    began    TEXT,            -- JSON: the rendered `vars`, and why one could not be
    answer   TEXT,            -- JSON: label -> text; NULL: it answers nobody, or has not yet
    origin   TEXT,            -- the run that it repeats
    UNIQUE (event, playbook, again)
) STRICT;

INSERT INTO runs_with_again (seq, id, playbook, version, event, state, reason, created, started,
                             ended, began, answer)
SELECT seq, id, playbook, version, event, state, reason, created, started, ended, began, answer
FROM runs;

DROP TABLE runs;
ALTER TABLE runs_with_again RENAME TO runs;

CREATE INDEX runs_unfinished ON runs (state, seq) WHERE ended IS NULL;
CREATE INDEX runs_by_playbook ON runs (playbook, seq);
CREATE INDEX runs_by_version ON runs (version);

ALTER TABLE events ADD COLUMN origin TEXT;                      -- the event that it repeats

ALTER TABLE steps ADD COLUMN question TEXT;                     -- JSON: what a person has to say
ALTER TABLE steps ADD COLUMN again INTEGER NOT NULL DEFAULT 0;  -- a person said: another attempt
ALTER TABLE steps ADD COLUMN by TEXT;                           -- the person who settled it
ALTER TABLE runs ADD COLUMN cancelled TEXT;                     -- JSON: when, and by whom
ALTER TABLE runs ADD COLUMN lane TEXT;                          -- JSON: the guard's key

CREATE INDEX runs_going ON runs (playbook, lane, seq) WHERE ended IS NULL;
CREATE INDEX runs_carried_out ON runs (playbook, lane, ended)
    WHERE ended IS NOT NULL AND started IS NOT NULL;
CREATE INDEX runs_admitted ON runs (playbook, created) WHERE state <> 'skipped';
CREATE INDEX runs_done ON runs (playbook, ended) WHERE state IN ('succeeded', 'failed');
CREATE INDEX runs_started ON runs (started) WHERE started IS NOT NULL;

CREATE TABLE orders (
    seq    INTEGER PRIMARY KEY,
    run    TEXT NOT NULL REFERENCES runs (id),
    verb   TEXT NOT NULL,
    path   TEXT,
    by     TEXT NOT NULL,
    at     REAL NOT NULL,
    obeyed REAL
) STRICT;

CREATE INDEX orders_open ON orders (seq) WHERE obeyed IS NULL;
CREATE INDEX orders_of_run ON orders (run);

-- A playbook that is held; '' is all of them.
CREATE TABLE pauses (
    playbook TEXT PRIMARY KEY,
    by       TEXT NOT NULL,
    at       REAL NOT NULL,
    reason   TEXT,
    until    REAL,             -- when it was taken back
    failures REAL              -- failures before this do not count for the breaker
) STRICT, WITHOUT ROWID;
