"""Every notebook runs from top to bottom."""
