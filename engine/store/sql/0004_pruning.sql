-- Whether a playbook's text is still needed has to be found without reading every run.

CREATE INDEX runs_by_version ON runs (version);
