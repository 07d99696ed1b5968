"""Marginal values against scoring: `python -m benchmarks.marginal --members 1000000`

Each round scores a population, values every captured HCC of it, and finds what the HCCs rest on, in one process; the
ratios are of the same round, so that what else the machine does falls on all three. Medians are shown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import riskadj
from benchmarks import population
from benchmarks.measure import machine
from benchmarks.options import add_options, working_directory

PHASES = ("score", "marginal values", "marginal values and what they rest on")


def measure(extracts: Path, *, payment_year: int, diagnosis_filter: str, rounds: int) -> list[list[float]]:
    """Return the seconds of each phase, round by round; a first round compiles and is left out."""
    files = (extracts / "enrollment.parquet", extracts / "diagnoses.parquet")
    found = []
    for _ in range(rounds + 1):
        scores, seconds = timed(
            lambda: riskadj.score(
                *files, payment_year=payment_year, diagnosis_filter=diagnosis_filter, rejects="write"
            )
        )
        found.append(
            [seconds, timed(lambda s=scores: s.marginal(by=()))[1], timed(lambda s=scores: s.marginal())[1]]
        )
    return found[1:]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns, and its seconds."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def show(rounds: list[list[float]]) -> None:
    """Print seconds and ratios."""
    for place, phase in enumerate(PHASES):
        seconds = statistics.median(row[place] for row in rounds)
        ratio = statistics.median(row[place] / row[0] for row in rounds)
        print(f"{phase}: {seconds:.3f} s, {ratio:.2f} x scoring, medians of {len(rounds)}")


def main() -> None:
    """Make the population, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--order", choices=["random", "member"], default="random")
    options = parser.parse_args()
    payment_year = options.payment_year or population.year_of_two_models()
    service_year = riskadj.load_payment_year(population.PROGRAM, payment_year).collection[0].year
    with working_directory(options.work) as directory:
        extracts = population.make_extracts(
            directory, members=options.members, order=options.order, service_year=service_year
        )
        print(
            f"{options.members:,} members, {options.order} order, payment year {payment_year}; {machine(())}"
        )
        show(
            measure(
                extracts,
                payment_year=payment_year,
                diagnosis_filter=options.diagnosis_filter,
                rounds=options.rounds,
            )
        )


if __name__ == "__main__":
    main()
