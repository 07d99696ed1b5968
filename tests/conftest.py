"""Settings that every test shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples on every machine and run, no database of past failures; no deadline, for compilation would miss it.
settings.register_profile(
    "house",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# To look for new failures: pytest tests/properties --hypothesis-profile=search
settings.register_profile(
    "search", parent=settings.get_profile("house"), derandomize=False, max_examples=2000
)
settings.load_profile("house")
