-- The state of git that a version's text was loaded from.

ALTER TABLE playbooks ADD COLUMN git_commit TEXT; -- `-dirty` behind it: with changes; NULL: no checkout
