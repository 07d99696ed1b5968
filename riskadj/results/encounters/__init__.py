"""Encounter completeness: our diagnoses against what CMS accepted of them, and what the others are worth."""
