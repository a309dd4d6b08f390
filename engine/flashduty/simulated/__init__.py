"""A simulated Flashduty account: what it holds, and the rules it keeps."""
