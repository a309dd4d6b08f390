-- What people had the engine do. A row is written with what it tells of, and stays for good: an event
-- or a run that it names may be forgotten before it.

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       REAL NOT NULL,
    act      TEXT NOT NULL,
    by       TEXT NOT NULL, -- the name that is shown
    whence   TEXT NOT NULL, -- JSON: account, terminal, address and process; or the event that says so
    playbook TEXT,          -- '' is all of them
    run      TEXT,
    path     TEXT,
    event    TEXT,
    made     TEXT,          -- the run or the event that came of it
    detail   TEXT           -- JSON
) STRICT;

CREATE INDEX audit_of_run ON audit (run) WHERE run IS NOT NULL;
CREATE INDEX audit_of_made ON audit (made) WHERE made IS NOT NULL;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is only added to'); END;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
