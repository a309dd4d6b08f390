"""Should anything happen? Conditions, their three answers, and why they answered so."""
