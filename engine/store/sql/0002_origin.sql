-- Where an event stands among those of its subject, and whether the engine itself caused it.

ALTER TABLE events ADD COLUMN subject TEXT;                      -- incident:ID or alert:ID
ALTER TABLE events ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;  -- a newer one was there before it
ALTER TABLE events ADD COLUMN own INTEGER;                       -- NULL: it could not be told

UPDATE events SET
    own = 0,
    subject = iif(
        json_extract(payload, '$.alert') IS NOT NULL,
        'alert:' || json_extract(payload, '$.alert.alert_id'),
        'incident:' || incident
    );

CREATE INDEX events_by_subject ON events (subject, time);
CREATE INDEX events_by_key ON events (key);

-- What the engine has to know again after a restart: one row a thing.
CREATE TABLE memory (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
