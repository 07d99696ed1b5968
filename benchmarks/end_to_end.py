"""How long from Parquet to scores, two models, against a bare decode, DuckDB, Polars and hccinfhir?

Every contestant runs in a process of its own; all are called in turn, round after round, so that ratios stand within
one run. Before any timing, every row of every contestant is compared with riskadj's scores. "Cold" is the first call
of a fresh process, its imports included, with kernels compiled and files in the file cache; "warm" is the median of the
later calls.
riskadj writes more than the others: the lists of HCCs and variables of every row, counts and rejects. Without the
lists (--no-lists), which is timed too, it writes what they write.
"""

from __future__ import annotations

import argparse
import json
import statistics
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from benchmarks import agreement, population
from benchmarks.measure import Child, Runs, interleaved, processors
from benchmarks.options import add_options, working_directory
from benchmarks.peers import CONTESTANTS
from benchmarks.workload import Workload
from riskadj import load_payment_year

OURS = ("riskadj", "riskadj_light")
POPULATION_CONTESTANTS = ("decode", *OURS, "duckdb", "polars")
SAMPLE = 2000


def measure(
    directory: Path,
    *,
    members: int,
    order: str,
    payment_year: int,
    diagnosis_filter: str,
    rounds: int,
    sample: int,
) -> dict[str, Any]:
    """Return the results of one population: seconds, ratios, memory of every contestant that is installed."""
    year = load_payment_year(population.PROGRAM, payment_year)
    extracts = population.make_extracts(
        directory, members=members, order=order, service_year=year.collection[0].year
    )
    output = directory / "output"
    output.mkdir(exist_ok=True)
    base = Workload(
        enrollment=str(extracts / "enrollment.parquet"),
        diagnoses=str(extracts / "diagnoses.parquet"),
        output="",
        payment_year=payment_year,
        diagnosis_filter=diagnosis_filter,
        diagnosis_columns=population.diagnosis_columns(year, diagnosis_filter),
        threads=processors(),
    )
    names = [name for name in POPULATION_CONTESTANTS if CONTESTANTS[name].version]
    works = {
        name: replace(base, output=str(output / (name if name in OURS else f"{name}.parquet")))
        for name in names
    }
    result: dict[str, Any] = {
        "members": members,
        "order": order,
        "payment_year": payment_year,
        "diagnosis_filter": diagnosis_filter,
        "enrollment_rows": population.count_rows(extracts / "enrollment.parquet"),
        "diagnosis_rows": population.count_rows(extracts / "diagnoses.parquet"),
        "columns_decoded": list(base.diagnosis_columns),
        "rounds": rounds,
        "skipped": [name for name in (*POPULATION_CONTESTANTS, "hccinfhir") if not CONTESTANTS[name].version],
    }
    if rounds > 1:
        with Child("riskadj", threads=base.threads) as compiles:
            compiles.call(works["riskadj"])
    with ExitStack() as stack:
        children = [stack.enter_context(Child(name, threads=base.threads)) for name in names]
        for child in children:
            child.call(works[child.name])
        result["rows_compared"] = {
            name: agreement.check(
                Path(works["riskadj"].output), Path(works[name].output), title=CONTESTANTS[name].title
            )
            for name in names
            if name not in ("decode", *OURS)
        }
        runs = interleaved(children, works, rounds)
    result["contestants"] = {name: described(found, runs["decode"]) for name, found in runs.items()}
    result["riskadj_phases"] = phases(runs["riskadj"])
    if CONTESTANTS["hccinfhir"].version and sample:
        result["hccinfhir"] = member_by_member(base, Path(works["riskadj"].output), sample, rounds)
        ours = result["contestants"]["riskadj"]["warm_seconds"]
        ours_per_second = result["enrollment_rows"] * 2 / ours
        for name in ("", "_from_codes"):
            theirs = result["hccinfhir"][f"members_per_second{name}"]
            result["hccinfhir"][f"riskadj_times_faster{name}"] = ours_per_second / theirs
    return result


def described(runs: Runs, decode: Runs) -> dict[str, Any]:
    """Return a contestant's measurements; the ratio is of medians within the run."""
    return {
        "cold_seconds": runs.first_seconds,
        "warm_seconds": runs.median_seconds,
        "warm_all": runs.seconds,
        "times_decode": runs.median_seconds / decode.median_seconds,
        "peak_anonymous_mb": None if runs.peak_anonymous_bytes is None else runs.peak_anonymous_bytes / 1e6,
        "max_rss_mb": runs.max_rss_bytes / 1e6,
    }


def phases(runs: Runs) -> dict[str, float]:
    """Return the median seconds of each phase of riskadj, from its run report."""
    calls = runs.returned or [runs.first_returned]
    return {name: statistics.median(found[name] for found in calls) for name in calls[0]}


def member_by_member(work: Workload, ours: Path, size: int, rounds: int) -> dict[str, Any]:
    """Return hccinfhir's speed on a sample, and how many of its raw scores are ours."""
    from benchmarks.peers import hccinfhir_members as peer

    scores = agreement.read(ours / "model_scores.parquet", lists=True)
    model_id = scores["model_id"].unique().to_pylist()[-1]
    scores = scores.filter(pc.equal(scores["model_id"], model_id))
    chosen = np.unique(np.linspace(0, scores.num_rows - 1, min(size, scores.num_rows)).astype(int))
    scores = scores.take(chosen)
    keys = list(
        zip(scores["member_id"].to_pylist(), scores["enrollment_start_date"].to_pylist(), strict=True)
    )
    members = peer.read_sample(work, keys)
    scorer = peer.make_scorer(model_id, work.payment_year, diagnosis_filter=work.diagnosis_filter)
    theirs, hccs = peer.score_sample(scorer, members)
    from_lines, _ = peer.score_sample(scorer, members, peer.score_lines)
    seconds = {
        score: statistics.median(
            peer.seconds_of_sample(scorer, members, score) for _ in range(max(rounds, 1))
        )
        for score in (peer.score_lines, peer.score_codes)
    }
    wrong = agreement.differences(scores["raw_risk_score"].to_numpy(), theirs)
    other_hccs = np.array(
        [set(own) != found for own, found in zip(scores["hccs"].to_pylist(), hccs, strict=True)]
    )
    return {
        "model_id": model_id,
        "sample": len(members),
        "equal_raw_scores": int((~wrong).sum()),
        "unequal_other_hccs": int((wrong & other_hccs).sum()),
        "unequal_same_hccs": int((wrong & ~other_hccs).sum()),
        "equal_raw_scores_from_lines": int(
            (~agreement.differences(scores["raw_risk_score"].to_numpy(), from_lines)).sum()
        ),
        "members_per_second": len(members) / seconds[peer.score_lines],
        "members_per_second_from_codes": len(members) / seconds[peer.score_codes],
    }


def main() -> None:
    """Run one population and print its results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--order", choices=["random", "member"], default="random")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="members that hccinfhir scores")
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        result = measure(
            directory,
            members=options.members,
            order=options.order,
            payment_year=options.payment_year or population.year_of_two_models(),
            diagnosis_filter=options.diagnosis_filter,
            rounds=options.rounds,
            sample=options.sample,
        )
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
