"""Published risk adjustment tables as data: one folder per program, payment year and model release. No logic."""
