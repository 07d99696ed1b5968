"""Marginal values against scoring: `python -m benchmarks.marginal --members 1000000`

Each round scores a population, values every captured HCC of it, and finds what the HCCs rest on, in one process; the
ratios are of the same round, so that what else the machine does falls on all three. Medians are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import partial
from pathlib import Path
from typing import Any

import riskadj
from benchmarks import population
from benchmarks.measure import DISTRIBUTIONS, machine, timed
from benchmarks.options import add_options, working_directory

#: What is timed beside scoring, with its options of `marginal`.
QUESTIONS: dict[str, dict[str, Any]] = {
    "marginal values": {"by": ()},
    "marginal values and what they rest on": {},
}


def measure(
    directory: Path, *, members: int, order: str, payment_year: int, diagnosis_filter: str, rounds: int
) -> dict[str, Any]:
    """Return the median seconds of scoring, and each question as a multiple of it; a first round compiles."""
    service_year = riskadj.load_payment_year(population.PROGRAM, payment_year).collection[0].year
    extracts = population.make_extracts(directory, members=members, order=order, service_year=service_year)
    files = (extracts / "enrollment.parquet", extracts / "diagnoses.parquet")
    rules = {"payment_year": payment_year, "diagnosis_filter": diagnosis_filter}
    of_scoring, ratios = [], {name: [] for name in QUESTIONS}
    for number in range(max(rounds, 1) + 1):
        scores, seconds = timed(partial(riskadj.score, *files, rejects="write", **rules))
        taken = {name: timed(partial(scores.marginal, **options))[1] for name, options in QUESTIONS.items()}
        if number:
            of_scoring.append(seconds)
            for name, found in taken.items():
                ratios[name].append(found / seconds)
    return {
        "members": members,
        "order": order,
        **rules,
        "rounds": rounds,
        "scoring_seconds": statistics.median(of_scoring),
        "times_scoring": {name: statistics.median(found) for name, found in ratios.items()},
    }


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--order", choices=["random", "member"], default="random")
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        found = measure(
            directory,
            members=options.members,
            order=options.order,
            payment_year=options.payment_year or population.year_of_two_models(),
            diagnosis_filter=options.diagnosis_filter,
            rounds=options.rounds,
        )
    print(json.dumps({"machine": machine(DISTRIBUTIONS), "marginal": found}, indent=2))


if __name__ == "__main__":
    main()
