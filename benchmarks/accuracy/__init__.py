"""`python -m benchmarks.accuracy`: cases and random members, against every scorer that pip installs."""
