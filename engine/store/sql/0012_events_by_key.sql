-- An event's key was indexed twice. The second time cost every delivery a page of the log, and served
-- the few events alone that are found missing: those are looked for by the first one now.

DROP INDEX events_by_key;
