"""Who may send events, and how to read what they sent."""
