-- Every event is looked up among those that were found missing, of which there are few: with an
-- index of these alone, a storm on one incident costs each of its events no more than the first.

CREATE INDEX events_reconciled ON events (action, subject, time) WHERE source = 'reconciled';
