"""Does memory grow with diagnosis rows? The same members with their diagnosis rows once and ten times over.

Peak anonymous memory (RssAnon: all that is no file page) of a fresh process, sampled a hundred times a second.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import population
from benchmarks.measure import Child, processors
from benchmarks.options import add_options, working_directory
from benchmarks.workload import Workload
from riskadj import load_payment_year

TIMES = (1, 10)


def measure(
    directory: Path, *, members: int, payment_year: int, diagnosis_filter: str, calls: int = 2
) -> dict[str, Any]:
    """Return peak anonymous memory by number of diagnosis rows."""
    year = load_payment_year(population.PROGRAM, payment_year)
    columns = population.diagnosis_columns(year, diagnosis_filter)
    extracts = population.make_extracts(
        directory, members=members, order="random", service_year=year.collection[0].year
    )
    found = []
    for times in TIMES:
        diagnoses = extracts / "diagnoses.parquet"
        if times > 1:
            diagnoses = population.repeat_rows(diagnoses, directory / "repeated.parquet", times, columns)
        work = Workload(
            enrollment=str(extracts / "enrollment.parquet"),
            diagnoses=str(diagnoses),
            output=str(directory / "memory-scores"),
            payment_year=payment_year,
            diagnosis_filter=diagnosis_filter,
            diagnosis_columns=columns,
            threads=processors(),
        )
        with Child("riskadj", threads=work.threads) as child:
            for _ in range(calls):
                child.call(work)
        peak = child.runs.peak_anonymous_bytes
        found.append(
            {
                "diagnosis_rows": population.count_rows(diagnoses),
                "peak_anonymous_mb": None if peak is None else peak / 1e6,
                "seconds": child.runs.seconds[-1] if child.runs.seconds else child.runs.first_seconds,
            }
        )
    (directory / "repeated.parquet").unlink()
    return {
        "members": members,
        "enrollment_rows": population.count_rows(extracts / "enrollment.parquet"),
        "payment_year": payment_year,
        "diagnosis_filter": diagnosis_filter,
        "runs": found,
    }


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=100_000)
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        result = measure(
            directory,
            members=options.members,
            payment_year=options.payment_year or population.year_of_two_models(),
            diagnosis_filter=options.diagnosis_filter,
        )
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
