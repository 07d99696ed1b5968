"""A contestant in a process of its own: `python -m benchmarks.contestant NAME` scores what it is sent.

A line is a workload as JSON; the answer is the seconds that scoring took and whatever the contestant returned.
With ``--riskadj-from DIRECTORY`` riskadj comes from another checkout (`benchmarks.compare`).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers import CONTESTANTS
from benchmarks.workload import Workload


def use_riskadj_from(directory: str) -> None:
    """Import riskadj and its tables from another checkout; everything else stays where it is."""
    sys.path.insert(0, directory)
    found = [import_module(name) for name in ("riskadj", "hcc_maps")]
    sys.path.remove(directory)
    if not all(Path(next(iter(module.__path__))).is_relative_to(directory) for module in found):
        raise ImportError("riskadj did not come from the checkout")


def answer(name: str, work: Workload) -> dict[str, Any]:
    """Score once; the first call of a process includes the contestant's own imports."""
    begin = time.perf_counter()
    returned = import_module(CONTESTANTS[name].module).score(work)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "returned": returned, "max_rss": max_rss_bytes()}


def max_rss_bytes() -> int:
    """Return the most resident memory so far; Linux's own high-water mark, because ru_maxrss outlives an exec there."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Answer until the input ends."""
    name = sys.argv[1]
    if "--riskadj-from" in sys.argv:
        use_riskadj_from(sys.argv[sys.argv.index("--riskadj-from") + 1])
    for line in sys.stdin:
        cells = json.loads(line)
        cells["diagnosis_columns"] = tuple(cells["diagnosis_columns"])
        sys.stdout.write(json.dumps(answer(name, Workload(**cells))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
