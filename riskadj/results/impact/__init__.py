"""The same population under two models, years, releases or filters: the change attributed cause by cause."""
