"""Extracts in, results out: Parquet, CSV and Arrow objects."""
