"""Conditions seen before and not yet this year, what each is worth, and how fast they are recaptured."""
