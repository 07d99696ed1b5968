"""Every benchmark, one table: `python -m benchmarks`; results in benchmarks/results/latest.{json,md} and the README.

``--smoke`` runs all of it on a tiny population, to see that it runs and that contestants agree; it writes no results,
and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import (
    adjudication,
    end_to_end,
    marginal,
    memory,
    population,
    programs,
    revenue_draws,
    scale,
    startup,
)
from benchmarks.measure import DISTRIBUTIONS, machine
from benchmarks.options import add_options, working_directory
from benchmarks.readme import write_block
from benchmarks.report import markdown, readme

RESULTS = Path(__file__).resolve().parent / "results"
ORDERS = ("random", "member")
PEERS = ("duckdb", "polars", "hccinfhir")


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured."""

    populations: tuple[int, ...] = (100_000, 1_000_000)
    orders: tuple[str, ...] = ORDERS
    sample: int = end_to_end.SAMPLE
    repeated: int = 100_000
    memory_calls: int = 2
    marginal: int = 1_000_000
    programs: int = programs.MEMBERS
    claim_lines: int = 10_000_000
    designs: int = 100
    draws_of: int = 1_000_000
    draws: int = 1_000


SMOKE = Sizes((500,), ("random",), 50, 500, 1, 500, 500, 2_000, 3, 500, 5)


def measure(directory: Path, sizes: Sizes, options: argparse.Namespace) -> dict[str, Any]:
    """Run every benchmark."""
    year = options.payment_year or population.year_of_two_models()
    rounds = 0 if options.smoke else options.rounds
    of_year = {"payment_year": year, "rounds": rounds}
    rules = {"payment_year": year, "diagnosis_filter": options.diagnosis_filter}
    results: dict[str, Any] = {"machine": machine((*DISTRIBUTIONS, *PEERS)), "end_to_end": []}
    for members in sizes.populations:
        for order in sizes.orders:
            progress(f"end to end: {members:,} members, {order} order")
            results["end_to_end"].append(
                end_to_end.measure(
                    directory, members=members, order=order, sample=sizes.sample, rounds=rounds, **rules
                )
            )
    others: dict[str, Callable[[], dict[str, Any]]] = {
        "memory": partial(
            memory.measure, directory, members=sizes.repeated, calls=sizes.memory_calls, **rules
        ),
        "startup": partial(startup.measure, directory, **of_year),
        "marginal": partial(
            marginal.measure, directory, members=sizes.marginal, order="random", rounds=rounds, **rules
        ),
        "programs": partial(programs.measure, directory, members=sizes.programs, **of_year),
        "adjudication": partial(
            adjudication.measure, lines=sizes.claim_lines, designs=sizes.designs, rounds=rounds
        ),
        "revenue_draws": partial(
            revenue_draws.measure, members=sizes.draws_of, draws=sizes.draws, cohorts=revenue_draws.COHORTS
        ),
    }
    for name, work in others.items():
        progress(name)
        results[name] = work()
    return results


def progress(text: str) -> None:
    """Say on stderr what is under way."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run, print, and write the results unless it is a smoke run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    add_options(parser)
    parser.add_argument("--smoke", action="store_true", help="tiny and quick: does everything run and agree")
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        results = measure(directory, SMOKE if options.smoke else Sizes(), options)
    of_scale = json.loads(scale.RESULTS.read_text(encoding="utf-8"))
    text = markdown(results, of_scale)
    print(text)
    if not options.smoke:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "latest.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "latest.md").write_text(text, encoding="utf-8")
        write_block("speed", readme(results, of_scale))


if __name__ == "__main__":
    main()
