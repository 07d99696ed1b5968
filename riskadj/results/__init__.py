"""What people ask of scores."""
