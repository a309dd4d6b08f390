"""What keeps a playbook from being carried out, found before an incident does."""
