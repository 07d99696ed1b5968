"""How long until something happens: `riskadj --help`, `import riskadj`, the first score of a small file.

Every figure is the median of fresh processes, interpreter start included, with compiled kernels on disk and files in
the file cache; the bare interpreter is shown beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import population
from benchmarks.measure import ROOT, environment, processors
from benchmarks.options import add_options, working_directory
from riskadj import load_payment_year

MEMBERS = 1000


def measure(directory: Path, *, payment_year: int, rounds: int) -> dict[str, Any]:
    """Return the median seconds of each beginning."""
    year = load_payment_year(population.PROGRAM, payment_year)
    extracts = population.make_extracts(
        directory, members=MEMBERS, order="random", service_year=year.collection[0].year
    )
    files = [str(extracts / f"{name}.parquet") for name in ("enrollment", "diagnoses")]
    score = (
        f"import riskadj; riskadj.score(*{files!r}, payment_year={payment_year}, rejects='write')"
        ".payment_scores.num_rows"
    )
    programs = {"bare interpreter": "pass", "import riskadj": "import riskadj", "first score": score}
    commands = {name: ["-c", program] for name, program in programs.items()}
    if find_spec("riskadj.cli"):
        commands["riskadj --help"] = ["-m", "riskadj", "--help"]
    for arguments in commands.values() if rounds > 1 else ():
        run(arguments)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(max(rounds, 1)):
        for name, arguments in commands.items():
            found[name].append(run(arguments))
    return {
        "members": MEMBERS,
        "diagnosis_rows": population.count_rows(extracts / "diagnoses.parquet"),
        "payment_year": payment_year,
        "rounds": rounds,
        "seconds": {name: statistics.median(seconds) for name, seconds in found.items()},
    }


def run(arguments: list[str]) -> float:
    """Return the seconds that a fresh interpreter takes."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(processors()),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        year = options.payment_year or population.year_of_two_models()
        print(json.dumps(measure(directory, payment_year=year, rounds=options.rounds), indent=2))


if __name__ == "__main__":
    main()
