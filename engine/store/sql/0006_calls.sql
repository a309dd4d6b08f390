-- Playbooks that call others.

ALTER TABLE playbooks ADD COLUMN calls TEXT; -- JSON: [text, file] of each that it calls; NULL: none
ALTER TABLE steps ADD COLUMN handed TEXT;    -- JSON: inputs and vars of the playbook it carries out
