"""What a user can run."""
