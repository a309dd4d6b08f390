"""Sample events: a body for each thing that Flashduty sends, to rehearse playbooks with."""
