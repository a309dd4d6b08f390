"""Trying a playbook without an effect: the same flow, with nothing performed."""
