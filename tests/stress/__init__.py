"""Runs that are hurt on purpose: killed, without memory or disk, fed damaged files; `make stress`, `make fuzz`."""
