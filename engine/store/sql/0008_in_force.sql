-- Which playbooks an event was judged by. Most of them it cannot concern, and those are not asked:
-- their verdict is no, and their texts say why to whoever wants to know it.

CREATE TABLE in_force (
    version TEXT NOT NULL REFERENCES playbooks (version),
    since   INTEGER NOT NULL, -- the first set of playbooks that it is in
    until   INTEGER,          -- the first set that it is not in any more; NULL: it is in the newest
    ended   REAL,             -- when that was
    PRIMARY KEY (version, since)
) STRICT, WITHOUT ROWID;

ALTER TABLE events ADD COLUMN judged_by INTEGER; -- a set of playbooks; NULL: `judgements` are all
