"""What steps start on this machine: it is marked, found again, and never outlives its step."""
