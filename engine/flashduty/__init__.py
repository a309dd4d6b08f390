"""Flashduty: what the engine says to it, and a simulated one to say it to."""
