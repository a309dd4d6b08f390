-- What a run answered to the call that waited for it.

ALTER TABLE runs ADD COLUMN answer TEXT; -- JSON: label -> text; NULL: it answers nobody, or has not yet
