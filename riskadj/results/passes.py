"""Scoring in passes: members too many for the memory asked for are scored a share at a time, by their id's hash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.errors import OptionError
from riskadj.extracts.open import Extract
from riskadj.extracts.write import write_parquet
from riskadj.results.scores import (
    MODEL_SCORES,
    PAYMENT_SCORES,
    REJECTS,
    write_report,
    write_run,
)
from riskadj.scoring.capture import CaptureCounts
from riskadj.scoring.codes import CodeBook
from riskadj.scoring.members import MemberPass
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.reading import read_run, survey_share
from riskadj.scoring.run import Progress, common_id_type
from riskadj.scoring.run_report import code_counts, run_metadata
from riskadj.scoring.shares import whole_of
from riskadj.tables.payment_year import load_payment_year

#: What a run takes: for itself, and for each enrollment row (measured with two models; benchmarks/memory.py).
BYTES_OF_RUN = 200_000_000
BYTES_PER_ROW = 350
#: Fewer rows than this are never split.
LEAST_ROWS_PER_PASS = 100_000


def write_passes(
    enrollment: Extract,
    diagnoses: Extract,
    options: ScoreOptions,
    path: Path,
    progress: Progress | None = None,
    drugs: Extract | None = None,
) -> dict[str, Any]:
    """Score a population into files of the directory `path`, in as many passes as the memory asks for.

    Returns
    -------
    dict
        The run report; its counts are those of all passes together.

    Raises
    ------
    OptionError
        The memory is too little even for a pass over few members.
    """
    n_passes = count_passes(enrollment, options.memory)
    if n_passes == 1:
        run = read_run(enrollment, diagnoses, options, progress=progress, drugs=drugs).without_ids()
        return write_run(run, path, progress)
    id_type = common_id_type(enrollment.id_type, diagnoses, drugs)
    passes = [MemberPass(number, n_passes, id_type) for number in range(n_passes)]
    year = load_payment_year(options.program, options.payment_year, maps_dir=options.maps_dir)
    surveys = [survey_share(enrollment, options, part) for part in passes]
    whole = whole_of(surveys, options, year, enrollment.files)
    reports: list[dict[str, Any]] = []
    totals = CaptureCounts()
    folders = [path / f"pass-{part.number}" for part in passes]

    def score_pass(part: MemberPass) -> CodeBook:
        """Score one pass; what it held is given back before the next one begins."""
        run = read_run(
            enrollment, diagnoses, options, progress=progress, member_pass=part, whole=whole, drugs=drugs
        ).without_ids()
        folders[part.number].mkdir()
        reports.append(write_run(run, folders[part.number], progress))
        totals.add(run.counts)
        return run.book

    book = [score_pass(part) for part in passes][-1]
    report = joined_report(reports, code_counts(book, totals))
    report["notes"].append(f"scored in {n_passes} passes over the extracts; rows stand pass after pass")
    for name in (MODEL_SCORES, PAYMENT_SCORES):
        _join_files([folder / name for folder in folders], path / name, report)
    rejects = pa.concat_tables(pq.ParquetFile(folder / REJECTS).read() for folder in folders)
    order = [("file", "ascending"), ("row_number", "ascending")]
    write_parquet(path / REJECTS, rejects.sort_by(order), metadata=run_metadata(report))
    for folder in folders:
        shutil.rmtree(folder)
    write_report(path, report)
    return report


def count_passes(enrollment: Extract, memory: int | None) -> int:
    """Return how many passes keep a run below `memory` bytes; 1 if there is no limit.

    Raises
    ------
    OptionError
        The memory is too little even for a pass over few members.
    """
    if memory is None:
        return 1
    n_rows = enrollment.n_rows if enrollment.n_rows is not None else _count_rows(enrollment)
    rows_per_pass = (memory - BYTES_OF_RUN) // BYTES_PER_ROW
    if rows_per_pass < min(n_rows, LEAST_ROWS_PER_PASS):
        least = BYTES_OF_RUN + BYTES_PER_ROW * LEAST_ROWS_PER_PASS
        raise OptionError(
            f"memory of {memory / 1e6:,.0f} MB is too little; give at least {least / 1e6:,.0f} MB."
        )
    return -(-n_rows // rows_per_pass)


def _count_rows(extract: Extract) -> int:
    return sum(chunk.read().num_rows for chunk in extract.chunks(["member_id"]))


def _join_files(parts: list[Path], path: Path, report: dict[str, Any]) -> None:
    schema = pq.ParquetFile(parts[0]).schema_arrow.remove_metadata()
    write_parquet(path, _row_groups(parts), schema=schema, metadata=run_metadata(report))


def _row_groups(parts: list[Path]) -> Iterator[pa.Table]:
    for part in parts:
        file = pq.ParquetFile(part)
        for number in range(file.num_row_groups):
            yield file.read_row_group(number).replace_schema_metadata(None)


def joined_report(reports: Sequence[dict[str, Any]], codes: dict[str, int]) -> dict[str, Any]:
    """Return the report of a whole from those of its shares: counts and seconds of all, notes that hold in each."""
    joined: dict[str, Any] = json.loads(json.dumps(reports[0]))
    for report in reports[1:]:
        _add(joined["counts"], report["counts"])
        _add(joined["seconds"], report["seconds"])
        joined["notes"] = [note for note in joined["notes"] if note in report["notes"]]
    joined["counts"]["codes"] = codes
    return joined


def _add(total: dict[str, Any], more: dict[str, Any]) -> None:
    """Add numbers, branch by branch; lists and words are the same in every pass."""
    for key, value in more.items():
        if isinstance(value, dict):
            _add(total.setdefault(key, {}), value)
        elif isinstance(value, int | float):
            total[key] = round(total.get(key, 0) + value, 3)
