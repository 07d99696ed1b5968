"""Runs in forked processes, which start at once because everything is loaded, and what they leave behind.

python -m tests.stress.hurt --kills 1000
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner

import riskadj
from riskadj.cli import app
from riskadj.synthetic import make_synthetic

YEAR = max(release.payment_year for release in riskadj.list_models() if release.program == "medicare")
NEVER, KILLED = 3600.0, -signal.SIGKILL
#: What a run may leave beside its results: a hidden folder that the next run removes.
HIDDEN = ".scores.partial-"


def make_population(folder: Path, n_members: int) -> list[str]:
    """Make an invented population; return the words of the call that scores it."""
    made = make_synthetic(n_members, seed=1, service_year=YEAR - 1, directory=folder, claims=False)
    words = [
        "score", "--payment-year", str(YEAR), "--rejects", "write",
        "--enrollment", str(made["enrollment"]), "--diagnoses", str(made["diagnoses"]),
    ]  # fmt: skip
    CliRunner().invoke(
        app, [*words, "--output", str(folder / "first")], catch_exceptions=False
    )  # loads and compiles
    return words


def run(
    words: list[str], *, hurt: Callable[[], None] | None = None, kill_after: float = NEVER
) -> tuple[int, str]:
    """Run the command line in a fork; return its exit status (negative: the signal) and what it said on stderr."""
    reading, writing = os.pipe()  # a file would fall under the limit on files
    child = os.fork()
    if child == 0:
        _become(words, writing, hurt)
    os.close(writing)
    deadline = time.monotonic() + kill_after
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.0005)
    with os.fdopen(reading, "rb") as said:
        return os.waitstatus_to_exitcode(ended[1]), said.read().decode()


def _become(words: list[str], stderr: int, hurt: Callable[[], None] | None) -> None:
    """Never return: the child runs the command and ends with its status."""
    status = 99
    try:
        os.dup2(stderr, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        if hurt is not None:
            hurt()
        app(words, standalone_mode=False)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 98
    except BaseException:  # noqa: BLE001  (a defect: said on stderr, and the status is 99)
        traceback.print_exc()
    finally:
        os._exit(status)


def whole(output: Path) -> bool:
    """Whether results are there and every file of them can be read to its end; nothing there is whole, too."""
    if not output.exists():
        return True
    names = {path.name for path in output.iterdir()}
    tables = [
        pq.read_table(output / f"{name}.parquet") for name in ("payment_scores", "model_scores", "rejects")
    ]
    return {"run.json", "payment_scores.parquet"} <= names and tables[0].num_rows > 0


def strangers(folder: Path) -> list[str]:
    """Return what stands beside the results and is not a hidden folder of a run."""
    return [
        path.name for path in folder.iterdir() if path.name != "scores" and not path.name.startswith(HIDDEN)
    ]


def kill_at_random(times: int, *, n_members: int, seed: int) -> Counter[str]:
    """Kill runs at random moments and look at what is left each time.

    Every other run overwrites the results of an earlier one. Returns how runs ended and what stood there after.
    """
    moments = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="riskadj-stress-") as place:
        folder = Path(place) / "output"
        folder.mkdir()
        words = make_population(Path(place) / "population", n_members)
        call = [*words, "--output", str(folder / "scores"), "--overwrite"]
        start = time.monotonic()
        assert run(call)[0] == 0
        longest = (time.monotonic() - start) * 1.1
        for number in range(times):
            if number % 2:
                shutil.rmtree(folder / "scores", ignore_errors=True)
            status, said = run(call, kill_after=moments.uniform(0, longest))
            assert status in (0, KILLED), said
            assert whole(folder / "scores"), f"run {number} left half of its results"
            assert strangers(folder) == [], f"run {number} left other files"
            there = "results" if (folder / "scores").exists() else "nothing"
            outcomes[f"{'killed' if status else 'finished'}, {there} there"] += 1
        assert run(call)[0] == 0
        assert [path.name for path in folder.iterdir()] == ["scores"], "the last run did not tidy up"
    return outcomes


def limit_memory(more_bytes: int) -> Callable[[], None]:
    """Return what lets a process have only so many bytes more than it has."""

    def hurt() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return hurt


def limit_files(most_bytes: int) -> Callable[[], None]:
    """Return what lets a process write files of only so many bytes, as a disk that fills would."""

    def hurt() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return hurt


def main() -> None:
    """Kill as many runs as asked and say how they ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for outcome, times in sorted(
        kill_at_random(asked.kills, n_members=asked.members, seed=asked.seed).items()
    ):
        sys.stdout.write(f"{times:6,} {outcome}\n")
    sys.stdout.write("nothing was lost, and nothing looked finished that was not\n")


if __name__ == "__main__":
    main()
