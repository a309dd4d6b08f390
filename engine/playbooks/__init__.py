"""What shall be done? Playbooks: their language, their templates, and the promise of a step type."""
