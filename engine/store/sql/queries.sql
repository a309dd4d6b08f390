-- Every statement of the store, by name. The first line says what it is for.

-- first_look: reads a little of every table, and all that is still to be done
SELECT (SELECT count(*) FROM events WHERE matched IS NULL), (SELECT max(seq) FROM events),
       (SELECT count(*) FROM runs WHERE ended IS NULL), (SELECT max(seq) FROM runs),
       (SELECT max(seq) FROM steps), (SELECT max(version) FROM playbooks),
       (SELECT max(name) FROM memory);

-- insert_event: keeps a delivery, once
INSERT INTO events (id, source, action, key, type, time, incident, query, headers, payload, received,
                    subject, stale)
VALUES (:id, :source, :action, :key, :type, :time, :incident, :query, :headers, :payload, :received,
        :subject, COALESCE(:time < (SELECT max(time) FROM events WHERE subject = :subject), 0))
ON CONFLICT (source, action, key) DO NOTHING;

-- event_by_key: the event that a repeated delivery repeats
SELECT id FROM events WHERE source = :source AND action = :action AND key = :key;

-- event_by_key_alone: the event that tells of the same thing, whatever it came by
SELECT id FROM events WHERE key = :key ORDER BY seq LIMIT 1;

-- same_event: an event, whatever it came by, that tells of the same thing at the same time
SELECT id FROM events
WHERE subject = :subject AND time BETWEEN :time - :within AND :time + :within AND type = :type
  AND (:source IS NULL OR source = :source)
ORDER BY seq LIMIT 1;

-- remember: keeps one thing under a name
INSERT INTO memory (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- recall: what was kept under a name
SELECT value FROM memory WHERE name = :name;

-- playbooks_run_for: which playbooks have a run for an event of this type about this subject
SELECT DISTINCT runs.playbook FROM events JOIN runs ON runs.event = events.id
WHERE events.subject = :subject AND events.type = :type;

-- event_by_id: one event
SELECT * FROM events WHERE id = :id;

-- events_like: an event by the end of its id, for people who copy a part of it
SELECT * FROM events WHERE id LIKE '%' || :end ORDER BY seq DESC LIMIT 2;

-- events_page: the newest events before a place in the order
SELECT * FROM events WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- unmatched_events: what the worker has to judge, oldest first
SELECT * FROM events WHERE matched IS NULL ORDER BY seq LIMIT :limit;

-- match_event: every playbook has judged it; an event is judged once
UPDATE events SET matched = :at, judgements = :judgements, own = :own WHERE id = :id AND matched IS NULL;

-- insert_playbook: keeps the text of a version
INSERT INTO playbooks (version, name, file, text) VALUES (:version, :name, :file, :text)
ON CONFLICT (version) DO NOTHING;

-- insert_probe: with `delete_probe`, makes a commit that writes and leaves nothing
INSERT INTO playbooks (version, name, file, text) VALUES ('', '', '', '');

-- delete_probe: takes it back
DELETE FROM playbooks WHERE version = '';

-- playbook_by_version: the text a run began with
SELECT name, file, text FROM playbooks WHERE version = :version;

-- insert_run: queues a run; a playbook has one run for an event
INSERT INTO runs (id, playbook, version, event, state, reason, created)
VALUES (:id, :playbook, :version, :event, :state, :reason, :created)
ON CONFLICT (event, playbook) DO NOTHING;

-- update_run: moves a run that has not ended
UPDATE runs SET state = :state, reason = :reason, started = :started, ended = :ended
WHERE id = :id AND ended IS NULL;

-- begin_run: the same, with the vars it goes on with
UPDATE runs SET state = :state, reason = :reason, started = :started, began = :began
WHERE id = :id AND ended IS NULL AND began IS NULL;

-- queued_runs: whose turn is next
SELECT * FROM runs WHERE state = 'queued' AND ended IS NULL AND seq > :after
ORDER BY seq LIMIT :limit;

-- unfinished_runs: what a restart has to go on with, oldest first
SELECT * FROM runs WHERE state IN ('running', 'waiting') AND ended IS NULL ORDER BY seq;

-- run_by_id: one run
SELECT * FROM runs WHERE id = :id;

-- runs_like: a run by the end of its id, for people who copy a part of it
SELECT * FROM runs WHERE id LIKE '%' || :end ORDER BY seq DESC LIMIT 2;

-- runs_page: the newest runs before a place in the order
SELECT * FROM runs
WHERE seq < :before
  AND (:state IS NULL OR state = :state)
  AND (:playbook IS NULL OR playbook = :playbook)
ORDER BY seq DESC LIMIT :limit;

-- runs_of_event: what an event started
SELECT * FROM runs WHERE event = :event ORDER BY seq;

-- steps_of_run: everything a run did, in order
SELECT * FROM steps WHERE run = :run ORDER BY seq;

-- start_step: an attempt is about to take effect; the same one again is a repeat
INSERT INTO steps (run, path, attempt, type, id, name, plan, request, started)
VALUES (:run, :path, :attempt, :type, :id, :name, :plan, :request, :started)
ON CONFLICT (run, path, attempt) DO UPDATE SET
    repeats = repeats + 1, plan = excluded.plan, request = excluded.request
WHERE outcome IS NULL;

-- pause_step: the attempt is done at a time to come
UPDATE steps SET wake = :wake
WHERE run = :run AND path = :path AND attempt = :attempt AND outcome IS NULL;

-- settle_step: the outcome of an attempt, whether it was started or never got so far
INSERT INTO steps (run, path, attempt, type, id, name, ended, outcome, result, error, retryable,
                   variables, stops)
VALUES (:run, :path, :attempt, :type, :id, :name, :ended, :outcome, :result, :error, :retryable,
        :variables, :stops)
ON CONFLICT (run, path, attempt) DO UPDATE SET
    ended = excluded.ended, outcome = excluded.outcome, result = excluded.result,
    error = excluded.error, retryable = excluded.retryable, variables = excluded.variables,
    stops = excluded.stops
WHERE outcome IS NULL;
