"""Doing it, and surviving: runs, the flow that decides, the runner that performs, the ledger."""
