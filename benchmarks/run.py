"""Every benchmark, one table: `python -m benchmarks`; results in benchmarks/results/latest.{json,md}.

``--smoke`` runs all of it on a tiny population, to see that it runs and that contestants agree; it writes no results,
and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import end_to_end, memory, population, startup
from benchmarks.measure import machine
from benchmarks.options import add_options, working_directory
from benchmarks.report import markdown

RESULTS = Path(__file__).resolve().parent / "results"
SIZES, ORDERS = (100_000, 1_000_000), ("random", "member")
DISTRIBUTIONS = ("riskadj", "numpy", "numba", "pyarrow", "duckdb", "polars", "hccinfhir")


def measure(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run every benchmark."""
    payment_year = options.payment_year or population.year_of_two_models()
    sizes, orders, rounds = (options.members, ORDERS, options.rounds)
    sample, repeated = end_to_end.SAMPLE, min(options.members)
    if options.smoke:
        sizes, orders, rounds, sample, repeated = (500,), ("random",), 0, 50, 500
    results: dict[str, Any] = {"machine": machine(DISTRIBUTIONS), "end_to_end": []}
    for members in sizes:
        for order in orders:
            progress(f"end to end: {members:,} members, {order} order")
            results["end_to_end"].append(
                end_to_end.measure(
                    directory,
                    members=members,
                    order=order,
                    payment_year=payment_year,
                    diagnosis_filter=options.diagnosis_filter,
                    rounds=rounds,
                    sample=sample,
                )
            )
    progress("memory")
    results["memory"] = memory.measure(
        directory,
        members=repeated,
        payment_year=payment_year,
        diagnosis_filter=options.diagnosis_filter,
        calls=1 if options.smoke else 2,
    )
    progress("start-up")
    results["startup"] = startup.measure(directory, payment_year=payment_year, rounds=rounds)
    return results


def progress(text: str) -> None:
    """Say on stderr what is under way."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run, print, and write the results unless it is a smoke run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, nargs="+", default=list(SIZES), help="population sizes")
    parser.add_argument("--smoke", action="store_true", help="tiny and quick: does everything run and agree")
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        results = measure(directory, options)
    text = markdown(results)
    print(text)
    if not options.smoke:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "latest.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "latest.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
