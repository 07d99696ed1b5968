"""Model tables: read, check, seal, import."""
