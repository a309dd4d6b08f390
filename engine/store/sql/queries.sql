-- Every statement of the store, by name. The first line says what it is for.

-- first_look: reads a little of every table, and all that is still to be done
SELECT (SELECT count(*) FROM events WHERE matched IS NULL), (SELECT max(seq) FROM events),
       (SELECT count(*) FROM runs WHERE ended IS NULL), (SELECT max(seq) FROM runs),
       (SELECT max(seq) FROM steps), (SELECT max(version) FROM playbooks),
       (SELECT max(name) FROM memory), (SELECT max(seq) FROM audit);

-- tables: what a database holds, whosever it is
SELECT name FROM sqlite_master WHERE type = 'table';

-- insert_event: keeps a delivery, once
INSERT INTO events (id, source, action, key, type, time, incident, query, headers, payload, received,
                    subject, origin, stale)
VALUES (:id, :source, :action, :key, :type, :time, :incident, :query, :headers, :payload, :received,
        :subject, :origin, COALESCE(:time < (SELECT max(time) FROM events WHERE subject = :subject), 0))
ON CONFLICT (source, action, key) DO NOTHING;

-- event_by_key: the event that a repeated delivery repeats
SELECT seq, id FROM events WHERE source = :source AND action = :action AND key = :key;

-- event_by_key_alone: the event that tells of the same thing, whatever it came by: looked for behind
-- every endpoint that something came by, of which there are few
WITH RECURSIVE endpoints (source, action) AS (
    SELECT * FROM (SELECT source, action FROM events ORDER BY source, action LIMIT 1)
    UNION ALL
    SELECT next.source, next.action FROM endpoints AS this JOIN events AS next ON next.seq = COALESCE(
        (SELECT seq FROM events WHERE source = this.source AND action > this.action
         ORDER BY action LIMIT 1),
        (SELECT seq FROM events WHERE source > this.source ORDER BY source, action LIMIT 1)
    )
)
SELECT events.id FROM endpoints CROSS JOIN events
    ON events.source = endpoints.source AND events.action = endpoints.action AND events.key = :key
ORDER BY events.seq LIMIT 1;

-- events_about: what is known of one subject, of one type, between two times
SELECT * FROM events
WHERE subject = :subject AND time BETWEEN :since AND :until AND type = :type
ORDER BY seq;

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
SELECT * FROM events WHERE id IN (SELECT id FROM events WHERE id LIKE '%' || :end LIMIT 2);

-- events_page: the newest events before a place in the order
SELECT * FROM events WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- unmatched_events: what the worker has to judge, oldest first, and whether it was reconciled before it arrived
SELECT *, event.source <> 'reconciled' AND (
    EXISTS (
        SELECT 1 FROM events AS missed
        WHERE missed.source = 'reconciled' AND missed.action = event.action
          AND missed.key = event.key AND missed.seq < event.seq
    ) OR EXISTS (
        SELECT 1 FROM events AS missed
        WHERE missed.source = 'reconciled' AND missed.action = event.action
          AND missed.subject = event.subject AND missed.type = event.type
          AND missed.time BETWEEN event.time - :within AND event.time + :within
          AND substr(missed.key, 1, length(:by_timeline)) = :by_timeline AND missed.seq < event.seq
    )
) AS known_before
FROM events AS event WHERE matched IS NULL ORDER BY seq LIMIT :limit;

-- match_event: every playbook has judged it; an event is judged once
UPDATE events SET matched = :at, judgements = :judgements, judged_by = :judged_by, own = :own
WHERE id = :id AND matched IS NULL;

-- match_events: the same of several; what `rows` has of each are the parameters of `match_event`
UPDATE events SET matched = json_extract(value, '$.at'),
                  judgements = json_extract(value, '$.judgements'),
                  judged_by = json_extract(value, '$.judged_by'),
                  own = json_extract(value, '$.own')
FROM json_each(:rows)
WHERE events.id = json_extract(value, '$.id') AND matched IS NULL;

-- insert_playbook: keeps the text of a version; a commit that has it is better than none, or a dirty one
INSERT INTO playbooks (version, name, file, text, calls, git_commit)
VALUES (:version, :name, :file, :text, :calls, :commit)
ON CONFLICT (version) DO UPDATE SET git_commit = excluded.git_commit
WHERE git_commit IS NOT excluded.git_commit AND excluded.git_commit IS NOT NULL
  AND (git_commit IS NULL OR git_commit LIKE '%-dirty');

-- newest_set: the number of the newest set of playbooks; of 0 there are none
SELECT max(COALESCE(max(since), 0), COALESCE(max(until), 0)) AS number FROM in_force;

-- end_versions: takes out of force what is not among these
UPDATE in_force SET until = :number, ended = :at
WHERE until IS NULL AND version NOT IN (SELECT value FROM json_each(:versions));

-- begin_versions: puts the others of these in force
INSERT INTO in_force (version, since)
SELECT DISTINCT value, :number FROM json_each(:versions)
WHERE value NOT IN (SELECT version FROM in_force WHERE until IS NULL);

-- versions_in_set: the playbooks of one set, in the order of their files
SELECT name, version FROM in_force JOIN playbooks USING (version)
WHERE since <= :number AND (until IS NULL OR until > :number)
ORDER BY file, name;

-- insert_probe: with `delete_probe`, makes a commit that writes and leaves nothing
INSERT INTO playbooks (version, name, file, text) VALUES ('', '', '', '');

-- delete_probe: takes it back
DELETE FROM playbooks WHERE version = '';

-- playbook_by_version: the text a run began with
SELECT name, file, text, calls, git_commit FROM playbooks WHERE version = :version;

-- insert_run: a run that is queued, begins at once, or is skipped; a playbook has one for an event
INSERT INTO runs (id, playbook, version, event, state, lane, reason, created, started, ended)
VALUES (:id, :playbook, :version, :event, :state, :lane, :reason, :created, :started, :ended)
ON CONFLICT (event, playbook, again) DO NOTHING;

-- insert_repeat: a run that does again what another one did; it is queued, and begins as that one did
INSERT INTO runs (id, playbook, version, event, again, state, lane, reason, created, began, origin)
SELECT :id, playbook, version, event,
       (SELECT max(again) + 1 FROM runs AS known
        WHERE known.event = first.event AND known.playbook = first.playbook),
       'queued', lane, :reason, :created, began, id
FROM runs AS first WHERE id = :origin;

-- repeat_steps: what the other one had done before it is gone on from there
INSERT INTO steps (run, path, attempt, type, id, name, plan, request, started, wake, ended, outcome,
                   result, error, retryable, variables, stops, repeats, question, again, by, handed)
SELECT :id, path, attempt, type, id, name, plan, request, started, wake, ended, outcome,
       result, error, retryable, variables, stops, repeats, question, again, by, handed
FROM steps
WHERE run = :origin AND outcome IS NOT NULL AND path IN (SELECT value FROM json_each(:paths))
ORDER BY seq;

-- forget_vars: they are rendered again
UPDATE runs SET began = NULL WHERE id = :id;

-- unfinished_repeat: another run of the same playbook for the same event that is still to end
SELECT other.id FROM runs AS other JOIN runs AS first
    ON other.event = first.event AND other.playbook = first.playbook
WHERE first.id = :origin AND other.ended IS NULL LIMIT 1;

-- update_run: moves a run that has not ended
WITH moved (id, state, reason, started, ended, answer) AS (
    VALUES (:id, :state, :reason, :started, :ended, :answer)
)
UPDATE runs SET state = moved.state, reason = moved.reason, started = moved.started,
                ended = moved.ended, answer = moved.answer
FROM moved WHERE runs.id = moved.id AND runs.ended IS NULL;

-- begin_and_move_run: a run that began and has come further by now
WITH moved (id, state, reason, started, ended, answer, began) AS (
    VALUES (:id, :state, :reason, :started, :ended, :answer, :began)
)
UPDATE runs SET state = moved.state, reason = moved.reason, started = moved.started,
                ended = moved.ended, answer = moved.answer,
                began = iif(runs.began IS NULL OR runs.state = 'queued', moved.began, runs.began)
FROM moved WHERE runs.id = moved.id AND runs.ended IS NULL;

-- begin_run: the same, with the vars it goes on with
UPDATE runs SET state = :state, reason = :reason, started = :started, began = :began
WHERE id = :id AND ended IS NULL AND (began IS NULL OR state = 'queued');

-- queued_runs: whose turn is next
SELECT * FROM runs WHERE state = 'queued' AND ended IS NULL AND seq > :after
ORDER BY seq LIMIT :limit;

-- lane_going: the runs of a lane that were let in and have not ended, in the order they came
SELECT id, created, state FROM runs
WHERE playbook = :playbook AND lane = :lane AND ended IS NULL ORDER BY seq;

-- lane_end: when the last run of a lane that was carried out ended
SELECT max(ended) AS ended FROM runs
WHERE playbook = :playbook AND lane = :lane AND ended IS NOT NULL AND started IS NOT NULL;

-- lane_admitted: when the newest runs of a playbook were let in
SELECT created FROM runs
WHERE playbook = :playbook AND created > :since AND state <> 'skipped'
ORDER BY created DESC LIMIT :limit;

-- lane_ends: how the last runs of a playbook ended since it was last resumed, newest first
SELECT state FROM runs
WHERE playbook = :playbook AND state IN ('succeeded', 'failed')
  AND ended > COALESCE((SELECT max(failures) FROM pauses WHERE playbook IN (:playbook, '')), 0)
ORDER BY ended DESC LIMIT :limit;

-- starts_since: when runs were started, oldest first
SELECT started FROM runs WHERE started > :since ORDER BY started;

-- runs_under_way: the runs for an incident that have not ended
SELECT runs.* FROM runs INDEXED BY runs_unfinished CROSS JOIN events ON events.id = runs.event
WHERE runs.ended IS NULL AND events.incident = :incident ORDER BY runs.seq;

-- steps_asking: the steps of a run that wait for a person
SELECT path FROM steps
WHERE run = :run AND outcome IS NULL AND json_extract(question, '$.kind') = :kind ORDER BY seq;

-- unfinished_runs: what a restart has to go on with, oldest first
SELECT * FROM runs WHERE state IN ('running', 'waiting') AND ended IS NULL ORDER BY seq;

-- run_by_id: one run
SELECT * FROM runs WHERE id = :id;

-- runs_like: a run by the end of its id, for people who copy a part of it
SELECT * FROM runs WHERE id IN (SELECT id FROM runs WHERE id LIKE '%' || :end LIMIT 2);

-- runs_going_page: the newest runs in a state before the end, before a place in the order
SELECT * FROM runs WHERE state = :state AND ended IS NULL AND seq < :before
ORDER BY seq DESC LIMIT :limit;

-- runs_ended_page: the same, in a state of the end
SELECT * FROM runs WHERE state = :state AND ended IS NOT NULL AND seq < :before
ORDER BY seq DESC LIMIT :limit;

-- playbook_runs_going_page: those of one playbook, among all in that state before the end
SELECT * FROM runs WHERE +playbook = :playbook AND state = :state AND ended IS NULL AND seq < :before
ORDER BY seq DESC LIMIT :limit;

-- playbook_runs_ended_page: those of one playbook, in a state of the end
SELECT * FROM runs
WHERE playbook = :playbook AND state = :state AND ended IS NOT NULL AND seq < :before
ORDER BY seq DESC LIMIT :limit;

-- runs_of_event: what an event started
SELECT * FROM runs WHERE event = :event ORDER BY seq;

-- steps_of_run: everything a run did, in order
SELECT * FROM steps WHERE run = :run ORDER BY seq;

-- beginnings: what several runs are carried out for, what they began with, and why they are to end
SELECT runs.id AS run, runs.began, runs.cancelled, events.*
FROM json_each(:runs) CROSS JOIN runs ON runs.id = value CROSS JOIN events ON events.id = runs.event;

-- steps_of_runs: what several runs did, each in order; not what went out, which decides nothing
SELECT run, path, attempt, type, id, name, NULL AS plan, NULL AS request, started, wake, ended,
       outcome, result, error, retryable, variables, stops, repeats, question, again, by, handed
FROM steps WHERE run IN (SELECT value FROM json_each(:runs)) ORDER BY seq;

-- start_step: an attempt is about to take effect, or waits for its time; the same one again is a repeat
INSERT INTO steps (run, path, attempt, type, id, name, plan, request, started, handed, wake)
VALUES (:run, :path, :attempt, :type, :id, :name, :plan, :request, :started, :handed, :wake)
ON CONFLICT (run, path, attempt) DO UPDATE SET
    repeats = repeats + 1, plan = excluded.plan, request = excluded.request,
    wake = COALESCE(excluded.wake, wake)
WHERE outcome IS NULL;

-- step_at_once: an attempt that was over when it began
INSERT INTO steps (run, path, attempt, type, id, name, plan, request, started, handed, ended, outcome,
                   result, error, retryable, variables, stops, again, by)
VALUES (:run, :path, :attempt, :type, :id, :name, :plan, :request, :started, :handed, :ended, :outcome,
        :result, :error, :retryable, :variables, :stops, :again, :by)
ON CONFLICT (run, path, attempt) DO UPDATE SET
    repeats = repeats + 1, plan = excluded.plan, request = excluded.request,
    ended = excluded.ended, outcome = excluded.outcome, result = excluded.result,
    error = excluded.error, retryable = excluded.retryable, variables = excluded.variables,
    stops = excluded.stops, again = excluded.again, by = excluded.by
WHERE outcome IS NULL;

-- pause_step: the attempt is done at a time to come
UPDATE steps SET wake = :wake
WHERE run = :run AND path = :path AND attempt = :attempt AND outcome IS NULL;

-- settle_step: the outcome of an attempt, whether it was started or never got so far
INSERT INTO steps (run, path, attempt, type, id, name, ended, outcome, result, error, retryable,
                   variables, stops, again, by)
VALUES (:run, :path, :attempt, :type, :id, :name, :ended, :outcome, :result, :error, :retryable,
        :variables, :stops, :again, :by)
ON CONFLICT (run, path, attempt) DO UPDATE SET
    ended = excluded.ended, outcome = excluded.outcome, result = excluded.result,
    error = excluded.error, retryable = excluded.retryable, variables = excluded.variables,
    stops = excluded.stops, again = excluded.again, by = excluded.by
WHERE outcome IS NULL;

-- ask_step: the attempt waits for a person
UPDATE steps SET question = :question
WHERE run = :run AND path = :path AND attempt = :attempt AND outcome IS NULL;

-- cancel_run: a person ends it; the first one stands
UPDATE runs SET cancelled = :cancelled WHERE id = :run AND ended IS NULL AND cancelled IS NULL;

-- insert_order: a person said something to a run
INSERT INTO orders (run, verb, path, by, at) VALUES (:run, :verb, :path, :by, :at);

-- orders: what people said behind a place in the order, and nobody looked at yet
SELECT * FROM orders WHERE obeyed IS NULL AND seq > :after ORDER BY seq;

-- obey_order: it was looked at
UPDATE orders SET obeyed = :at WHERE seq = :seq AND obeyed IS NULL;

-- open_orders: what people said to one run, and nobody looked at yet
SELECT * FROM orders WHERE run = :run AND obeyed IS NULL ORDER BY seq;

-- pauses: the playbooks that are paused
SELECT playbook, by, at, reason FROM pauses WHERE until IS NULL ORDER BY playbook;

-- pause: nothing more of a playbook begins; the first one stands
INSERT INTO pauses (playbook, by, at, reason) VALUES (:playbook, :by, :at, :reason)
ON CONFLICT (playbook) DO UPDATE SET
    by = excluded.by, at = excluded.at, reason = excluded.reason, until = NULL
WHERE until IS NOT NULL;

-- resume: it goes on, and what failed before does not count for its breaker
INSERT INTO pauses (playbook, by, at, until, failures) VALUES (:playbook, :by, :at, :at, :at)
ON CONFLICT (playbook) DO UPDATE SET until = :at, failures = :at;

-- insert_audit: somebody had the engine do something
INSERT INTO audit (at, act, by, whence, playbook, run, path, event, made, detail)
VALUES (:at, :act, :by, :whence,
        COALESCE(:playbook, (SELECT playbook FROM runs WHERE id = :run)),
        :run, :path, :event, :made, :detail);

-- audit_page: what people did last, before a place in the order
SELECT * FROM audit
WHERE seq < :before
  AND (:playbook IS NULL OR playbook = :playbook)
  AND (:by IS NULL OR by = :by)
ORDER BY seq DESC LIMIT :limit;

-- audit_of_run: what people did to a run or by it, and what it is made by, in order
SELECT * FROM audit WHERE run = :run
UNION SELECT * FROM audit WHERE made = :run
ORDER BY seq;

-- playbook_names: the playbooks that ever were loaded
SELECT DISTINCT name FROM playbooks WHERE version <> '' ORDER BY name;

-- events_after: the next events in the order, to see whether they may go
SELECT seq, id, received, matched FROM events WHERE seq > :after ORDER BY seq LIMIT :limit;

-- ends_of_event: when the runs of an event ended, and how many rows their steps are
SELECT id, ended, (SELECT count(*) FROM steps WHERE run = runs.id) AS steps
FROM runs WHERE event = :event;

-- weight_of_event: about how many bytes an event takes, with everything it started
SELECT length(payload) + length(headers) + COALESCE(length(judgements), 0)
    + COALESCE((
        SELECT sum(COALESCE(length(result), 0) + COALESCE(length(request), 0)
                   + COALESCE(length(plan), 0) + COALESCE(length(variables), 0) + 100)
        FROM steps JOIN runs ON runs.id = steps.run WHERE runs.event = events.id
    ), 0) + 500 AS bytes
FROM events WHERE id = :event;

-- delete_steps: some steps of an event's runs
DELETE FROM steps WHERE seq IN (
    SELECT steps.seq FROM runs JOIN steps ON steps.run = runs.id
    WHERE runs.event = :event ORDER BY steps.seq LIMIT :limit
);

-- mark_pruned: says of runs that steps of theirs are gone, should anybody look before they are too
UPDATE runs SET reason = 'pruned in part' WHERE event = :event;

-- delete_orders: what people said to the runs of an event
DELETE FROM orders WHERE run IN (SELECT id FROM runs WHERE event = :event);

-- delete_runs: the runs of an event
DELETE FROM runs WHERE event = :event;

-- delete_event: one event
DELETE FROM events WHERE id = :event;

-- runs_gone: which of these runs are not there any more
SELECT value AS id FROM json_each(:runs)
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = value);

-- delete_ended: what was in force for none of the events that are there. The last ones stay, because
-- their number is not to be given again
DELETE FROM in_force
WHERE until < (SELECT max(until) FROM in_force)
  AND ended < COALESCE((SELECT received FROM events ORDER BY seq LIMIT 1), ended + 1);

-- delete_playbooks: texts that no run goes by, none is about to, no going run may still ask for, and
-- no event was judged by
DELETE FROM playbooks WHERE version IN (
    SELECT version FROM playbooks
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.version = playbooks.version)
      AND version NOT IN (SELECT value FROM json_each(:loaded))
      AND version NOT IN (SELECT version FROM in_force)
      AND NOT EXISTS (SELECT 1 FROM runs WHERE ended IS NULL AND created < :since)
    LIMIT :limit
);

-- check_run_states: runs in a state that there is not
SELECT id FROM runs WHERE state NOT IN (SELECT value FROM json_each(:states));

-- check_run_ends: runs that are over without an end, or have one and are not over
SELECT id FROM runs
WHERE (ended IS NOT NULL) <> (state IN (SELECT value FROM json_each(:settled)));

-- check_step_outcomes: steps with an outcome and no end, an end and no outcome, or an outcome that
-- there is not
SELECT run || ' ' || path AS id FROM steps
WHERE (outcome IS NULL) <> (ended IS NULL)
   OR outcome NOT IN (SELECT value FROM json_each(:outcomes));

-- check_steps_before_runs: runs that did something and never began
SELECT id FROM runs WHERE began IS NULL AND EXISTS (SELECT 1 FROM steps WHERE run = runs.id);

-- check_runs_before_verdicts: runs of events that nothing has judged
SELECT runs.id FROM runs JOIN events ON events.id = runs.event WHERE events.matched IS NULL;

-- check_verdicts: events that are judged without verdicts, or have some and are not judged
SELECT id FROM events WHERE (matched IS NULL) <> (judgements IS NULL);

-- check_json: rows whose JSON cannot be read
SELECT id FROM events
WHERE NOT (json_valid(payload) AND json_valid(headers) AND json_valid(query)
           AND json_valid(COALESCE(judgements, '[]')))
UNION ALL
SELECT id FROM runs WHERE NOT json_valid(COALESCE(began, '{}'))
UNION ALL
SELECT run || ' ' || path FROM steps
WHERE NOT (json_valid(COALESCE(result, '0')) AND json_valid(COALESCE(request, '0'))
           AND json_valid(COALESCE(variables, '0')));

-- unjudged: how many events no playbook was asked about yet
SELECT count(*) FROM events WHERE matched IS NULL;

-- unfinished_by_state: how many runs have not ended
SELECT state, count(*) AS total FROM runs WHERE ended IS NULL GROUP BY state;

-- stats_of_events: how many events there are, and from when
SELECT count(*) AS total,
       (SELECT count(*) FROM events WHERE matched IS NULL) AS unjudged,
       (SELECT received FROM events ORDER BY seq LIMIT 1) AS oldest,
       (SELECT received FROM events ORDER BY seq DESC LIMIT 1) AS newest
FROM events;

-- stats_of_runs: how many runs there are in each state
SELECT state, count(*) AS total FROM runs GROUP BY state ORDER BY state;

-- stats_of_steps: how many attempts at steps, and how many of them are going on
SELECT count(*) AS total, count(*) - count(outcome) AS open FROM steps;

-- stats_of_playbooks: how many versions of playbooks are kept, of how many playbooks
SELECT count(*) AS total, count(DISTINCT name) AS names FROM playbooks;
