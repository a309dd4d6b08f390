"""What shall be done? Playbooks, their language, their templates, the promise of a step type."""
