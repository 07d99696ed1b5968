"""Members too many for memory: does `riskadj score --memory` keep its word, and does each member score as if alone?

`python -m benchmarks.scale --members 20000000` writes a population of that size, scores it within the memory asked for,
counts every row, and scores a sample of the members again by themselves. Results go to benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import riskadj
from benchmarks import population
from benchmarks.agreement import DisagreementError
from benchmarks.measure import DISTRIBUTIONS, ROOT, environment, machine, processors, status_bytes
from benchmarks.options import add_options, working_directory

RESULTS = Path(__file__).resolve().parent / "results" / "scale.json"
SAMPLE = 1_000


def measure(
    directory: Path,
    *,
    members: int,
    order: str,
    memory: str,
    payment_year: int,
    diagnosis_filter: str,
    sample: int = SAMPLE,
) -> dict[str, Any]:
    """Return what scoring took, after counts and the sample were found right.

    Raises
    ------
    DisagreementError
        Counts do not add up, or a member of the sample has another score alone.
    """
    service_year = riskadj.load_payment_year(population.PROGRAM, payment_year).collection[0].year
    extracts = population.make_extracts(directory, members=members, order=order, service_year=service_year)
    files = [extracts / f"{name}.parquet" for name in ("enrollment", "diagnoses")]
    scores = directory / "scale-scores"
    rules = {"payment_year": payment_year, "diagnosis_filter": diagnosis_filter, "rejects": "write"}
    took = score_within(files, scores, memory=memory, rules=rules)
    report = json.loads((scores / "run.json").read_text(encoding="utf-8"))
    check_counts(report, files, scores)
    return {
        "members": members,
        "order": order,
        "payment_year": payment_year,
        "diagnosis_filter": diagnosis_filter,
        "memory": memory,
        "enrollment_rows": report["counts"]["enrollment"]["rows_read"],
        "diagnosis_rows": report["counts"]["diagnoses"]["file_rows_read"],
        "extract_bytes": sum(path.stat().st_size for path in files),
        **took,
        "phases": report["seconds"],
        "notes": [note for note in report["notes"] if "passes" in note],
        "sample_rows_equal": check_sample(files, scores, sample, rules),
    }


def score_within(
    files: list[Path], output: Path, *, memory: str, rules: dict[str, Any]
) -> dict[str, float | None]:
    """Score the files as the command line does; return seconds and peak memory of the process."""
    options = [word for name, value in rules.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    inputs = [
        word
        for role, path in zip(("enrollment", "diagnoses"), files, strict=True)
        for word in (f"--{role}", str(path))
    ]
    command = [sys.executable, "-m", "riskadj", "score", *inputs, *options, "--memory", memory]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--output", str(output), "--overwrite"],
        cwd=ROOT,
        env=environment(processors()),
        stdout=subprocess.DEVNULL,
    )
    peaks = watched(process)
    if process.returncode:
        raise RuntimeError("riskadj score failed; its message stands above")
    return {"seconds": time.perf_counter() - begin, **peaks}


def watched(process: subprocess.Popen[bytes]) -> dict[str, float | None]:
    """Return the peaks of a process [MB]: of anonymous memory, and of all resident memory, file pages included."""
    peaks: dict[str, float | None] = {"peak_anonymous_mb": None, "max_rss_mb": None}
    while process.poll() is None:
        for name, field in (("peak_anonymous_mb", "RssAnon"), ("max_rss_mb", "VmHWM")):
            found = status_bytes(Path(f"/proc/{process.pid}/status"), field)
            if found is not None:
                peaks[name] = max(peaks[name] or 0.0, found / 1e6)
        time.sleep(0.02)
    return peaks


def check_counts(report: dict[str, Any], files: list[Path], scores: Path) -> None:
    """Raise DisagreementError unless every row of the files is accounted for."""
    enrolled, diagnosed = report["counts"]["enrollment"], report["counts"]["diagnoses"]
    kinds = ("outside_collection", "filtered", "mapped", "unmapped", "unknown")
    sums = {
        "enrollment rows read": (enrolled["rows_read"], population.count_rows(files[0])),
        "enrollment rows": (enrolled["rows_used"] + enrolled["rows_rejected"], enrolled["rows_read"]),
        "payment scores": (population.count_rows(scores / "payment_scores.parquet"), enrolled["rows_used"]),
        "diagnosis rows read": (diagnosed["file_rows_read"], population.count_rows(files[1])),
        "diagnosis rows": (diagnosed["rows_used"] + diagnosed["rows_rejected"], diagnosed["rows_read"]),
        "diagnosis rows by kind": (sum(diagnosed[f"rows_{kind}"] for kind in kinds), diagnosed["rows_used"]),
        "rejects": (
            population.count_rows(scores / "rejects.parquet"),
            enrolled["rows_rejected"] + diagnosed["rows_rejected"],
        ),
    }
    for name, (found, expected) in sums.items():
        if found != expected:
            raise DisagreementError(f"{name}: {found:,} where {expected:,} are due")


def check_sample(files: list[Path], scores: Path, n_members: int, rules: dict[str, Any]) -> int:
    """Score members spread over the extract by themselves; return the rows compared, or raise DisagreementError."""
    ids = sample_ids(files[0], n_members)
    enrollment, diagnoses = (rows_of(path, ids) for path in files)
    alone = riskadj.score(enrollment, diagnoses, **rules)
    n_rows = 0
    for name in ("payment_scores", "model_scores"):
        ours, theirs = getattr(alone, name), rows_of(scores / f"{name}.parquet", ids)
        if sorted_rows(ours) != sorted_rows(theirs):
            raise DisagreementError(f"{name}: members of the sample score otherwise alone")
        n_rows += ours.num_rows
    return n_rows


def sample_ids(enrollment: Path, n_members: int) -> pa.Array:
    """Return ids spread evenly over the rows of the enrollment."""
    ids = pq.read_table(enrollment, columns=["member_id"])["member_id"]
    step = max(1, len(ids) // n_members)
    return ids.take(pa.array(range(0, len(ids), step))).combine_chunks().unique()


def rows_of(path: Path, ids: pa.Array) -> pa.Table:
    """Return the rows of some members, read a row group at a time."""
    with pq.ParquetFile(path) as file:
        parts = []
        for number in range(file.num_row_groups):
            member_id = file.read_row_group(number, columns=["member_id"])["member_id"]
            wanted = pc.is_in(member_id.cast(ids.type), ids)
            if pc.any(wanted).as_py():
                parts.append(file.read_row_group(number).filter(wanted))
    return pa.concat_tables(parts)


def sorted_rows(table: pa.Table) -> list[str]:
    """Return the rows as text, sorted; floats as they print, which tells every bit."""
    return sorted(repr(sorted(row.items())) for row in table.to_pylist())


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--members", type=int, default=20_000_000)
    parser.add_argument("--order", choices=["member", "random"], default="member", help="of the diagnoses")
    parser.add_argument("--memory", default="4GB", help="what `riskadj score` is told to stay below")
    options = parser.parse_args()
    with working_directory(options.work) as directory:
        found = measure(
            directory,
            members=options.members,
            order=options.order,
            memory=options.memory,
            payment_year=options.payment_year or population.year_of_two_models(),
            diagnosis_filter=options.diagnosis_filter,
        )
    text = json.dumps({"machine": machine(DISTRIBUTIONS), "scale": found}, indent=2) + "\n"
    print(text, end="")
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
