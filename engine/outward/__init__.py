"""What goes out over HTTP for a step: where it may go, and what may come back."""
