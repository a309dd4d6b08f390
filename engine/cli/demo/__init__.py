"""The demo: everything in one process, with simulated targets."""
