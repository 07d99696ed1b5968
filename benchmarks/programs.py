"""What a member of the ACA's markets takes beside one of a Medicare plan: `python -m benchmarks.programs`

Synthetic members of a Medicare Advantage plan are scored for Part C, and as many of the ACA's markets for HHS, drugs
included, in the same year, from Parquet to Parquet in one process, in turn. The ratio is of the seconds of a round, a
first round compiles, and medians are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import population
from benchmarks.measure import DISTRIBUTIONS, machine, processors, timed
from benchmarks.options import add_options, working_directory
from riskadj import load_payment_year, make_synthetic
from riskadj.front_door import make_options, score_to_directory

MEDICARE, OTHERS = population.PROGRAM, ("hhs",)
MEMBERS = 200_000


def measure(directory: Path, *, members: int, payment_year: int, rounds: int) -> dict[str, Any]:
    """Return the median seconds of Part C, those of the other programs as multiples of it, and rows read by each."""
    runs, rows = {}, {}
    for program in (MEDICARE, *OTHERS):
        extracts = make_extracts(directory, program, members=members, payment_year=payment_year)
        rows[program] = {name: population.count_rows(file) for name, file in extracts.items()}
        options = make_options(
            payment_year=payment_year, program=program, rejects="write", threads=processors()
        )
        given = (extracts["enrollment"], extracts["diagnoses"], directory / f"{program}-scores")
        runs[program] = partial(
            score_to_directory, *given, drugs=extracts.get("drugs"), options=options, overwrite=True
        )
    of_medicare, ratios = [], {program: [] for program in OTHERS}
    for number in range(max(rounds, 1) + 1):
        seconds = {program: timed(run)[1] for program, run in runs.items()}
        if number:
            of_medicare.append(seconds[MEDICARE])
            for program in OTHERS:
                ratios[program].append(seconds[program] / seconds[MEDICARE])
    return {
        "members": members,
        "payment_year": payment_year,
        "rounds": rounds,
        "rows": rows,
        "medicare_seconds": statistics.median(of_medicare),
        "times_medicare": {program: statistics.median(found) for program, found in ratios.items()},
    }


def make_extracts(directory: Path, program: str, *, members: int, payment_year: int) -> dict[str, Path]:
    """Return the extracts that a program scores: enrollment, diagnoses, and drugs where it has them."""
    path = directory / f"{members}-{program}-{payment_year}"
    if not path.exists():
        service_year = load_payment_year(program, payment_year).collection[0].year
        make_synthetic(
            members,
            seed=population.SEED,
            service_year=service_year,
            program=program,
            directory=path,
            claims=False,
        )
    return {file.stem: file for file in sorted(path.glob("*.parquet"))}


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=MEMBERS)
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        found = measure(
            directory,
            members=options.members,
            payment_year=options.payment_year or population.year_of_two_models(),
            rounds=options.rounds,
        )
    print(json.dumps({"machine": machine(DISTRIBUTIONS), "programs": found}, indent=2))


if __name__ == "__main__":
    main()
