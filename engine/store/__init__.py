"""The ledger on SQLite: one file, one writer that commits in groups."""
