-- Lists of runs are read state by state, newest first: those in another state are never looked at.
-- Each run is in these once, when it has ended, and does not move any more.

CREATE INDEX runs_ended ON runs (state, seq) WHERE ended IS NOT NULL;
CREATE INDEX runs_ended_by_playbook ON runs (playbook, state, seq) WHERE ended IS NOT NULL;

DROP INDEX runs_by_playbook;
