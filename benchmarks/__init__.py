"""Benchmarks: one file per question, peers that must give the same scores, results with the machine they come from."""
