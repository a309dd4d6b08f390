"""Finding out what happened while nobody listened: Flashduty does not deliver again."""
