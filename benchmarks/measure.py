"""Time and memory: contestants in child processes, runs interleaved, medians."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from benchmarks.workload import Workload

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.01
#: Distributions whose versions stand beside results.
DISTRIBUTIONS = ("riskadj", "numpy", "numba", "pyarrow")

T = TypeVar("T")


@dataclass
class Runs:
    """What was measured of one contestant.

    Attributes
    ----------
    first_seconds : float
        First call of a fresh process: its imports included, compiled kernels and files in the file cache.
    seconds : list of float
        Later calls of the same process.
    peak_anonymous_bytes : int or None
        Most memory that is no file page, over all calls; None where the system does not tell.
    max_rss_bytes : int
        Most resident memory, mapped file pages included.
    returned : list
        What the contestant returned at each later call.
    """

    first_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)
    peak_anonymous_bytes: int | None = None
    max_rss_bytes: int = 0
    returned: list[Any] = field(default_factory=list)
    first_returned: Any = None

    @property
    def median_seconds(self) -> float:
        """Median of the warm calls; the first call where there are none."""
        return statistics.median(self.seconds or [self.first_seconds])


class Child:
    """A contestant in its own process."""

    def __init__(self, name: str, *, threads: int, riskadj_from: Path | None = None) -> None:
        command = [sys.executable, "-m", "benchmarks.contestant", name]
        if riskadj_from is not None:
            command += ["--riskadj-from", str(riskadj_from)]
        self.name, self.runs = name, Runs()
        self._called = False
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads),
        )

    def call(self, work: Workload) -> None:
        """Score once and note time and memory."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with AnonymousMemory(self._process.pid) as memory:
            self._process.stdin.write(json.dumps(asdict(work)) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} failed; its message stands above")
        answer = json.loads(line)
        self.runs.max_rss_bytes = max(self.runs.max_rss_bytes, answer["max_rss"])
        if memory.peak_bytes is not None:
            self.runs.peak_anonymous_bytes = max(self.runs.peak_anonymous_bytes or 0, memory.peak_bytes)
        if self._called:
            self.runs.seconds.append(answer["seconds"])
            self.runs.returned.append(answer["returned"])
        else:
            self._called = True
            self.runs.first_seconds, self.runs.first_returned = answer["seconds"], answer["returned"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> Child:
        """Return the child."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


class AnonymousMemory:
    """Watches the anonymous memory of a process while the block runs."""

    def __init__(self, process_id: int) -> None:
        self.peak_bytes: int | None = None
        self._status = Path(f"/proc/{process_id}/status")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            found = status_bytes(self._status, "RssAnon")
            if found is None:
                return
            self.peak_bytes = max(self.peak_bytes or 0, found)

    def __enter__(self) -> AnonymousMemory:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._done.set()
        self._thread.join()


def status_bytes(status: Path, field: str) -> int | None:
    """Return a field of a /proc status file, such as RssAnon; None where there is none."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:  # no /proc, or the process has ended
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), None)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a child: every library gets the same number of threads."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": str(ROOT)}


def interleaved(children: Sequence[Child], works: Mapping[str, Workload], rounds: int) -> dict[str, Runs]:
    """Call every child in turn, `rounds` times over: whatever else the machine does falls on all alike."""
    for _ in range(rounds):
        for child in children:
            child.call(works[child.name])
    return {child.name: child.runs for child in children}


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what `work` returns, and its seconds."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def processors() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(distributions: Sequence[str]) -> dict[str, Any]:
    """Return what a result depends on: date, processor, versions."""
    versions = {}
    for name in distributions:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": date.today().isoformat(),
        "processors": processors(),
        "processor": processor_name(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
    }


def processor_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
