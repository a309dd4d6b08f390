"""`engine new`: playbooks to begin from."""
