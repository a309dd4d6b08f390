"""config.yaml: where the engine listens, what it may know, and its limits."""
