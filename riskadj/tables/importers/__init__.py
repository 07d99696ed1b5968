"""Readers of published shapes, one module per shape; each returns plain tables."""
