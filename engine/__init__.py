"""Flashduty says what happened, playbooks say what to do, the engine does it and remembers."""
