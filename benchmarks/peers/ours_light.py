"""riskadj as `riskadj score --no-lists` runs it: what it writes is what its peers write."""

from __future__ import annotations

from benchmarks.peers import ours
from benchmarks.workload import Workload


def score(work: Workload) -> dict[str, float]:
    """Score a workload into a directory; return the seconds of each phase."""
    return ours.score(work, lists=False)
