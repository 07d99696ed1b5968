"""What each score is the sum of: one row per enrollment row, model and variable that scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy
from riskadj.extracts.write import REPORT, write_json, write_parquet
from riskadj.scoring.plan import set_bits
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_metadata, run_report
from riskadj.scoring.score_rows import ModelRun, ScoredRows, bit_lists, labels, score_range, span_columns

#: File of the lines.
FACTORS = "factors"
_LABEL, _NAME = pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int16(), pa.string())


def factor_lines(run: ScoringRun) -> pa.Table:
    """Return the lines of every row of model_scores, model after model (columns: see `Scores.factors`)."""
    return pa.Table.from_batches(_batches(run), _schema(run)).unify_dictionaries()


def write_factors(run: ScoringRun, path: Path) -> dict[str, Any]:
    """Write what `factor_lines` returns into the directory `path`, a range of rows at a time; return the run report."""
    lines: Counter[tuple[str, bool]] = Counter()

    def counted() -> Iterator[pa.RecordBatch]:
        for batch in _batches(run):
            n_demographic = batch.column("is_demographic").true_count
            (model_id,) = batch.column("model_id").dictionary.to_pylist()
            lines[model_id, True] += n_demographic
            lines[model_id, False] += batch.num_rows - n_demographic
            yield batch

    metadata = run_metadata(run_report(run))
    write_parquet(path / f"{FACTORS}.parquet", counted(), schema=_schema(run), metadata=metadata)
    run.clock.lap("factors")
    counts = [{"model_id": name, "is_demographic": kind, "lines": n} for (name, kind), n in lines.items()]
    report = run_report(run) | {"factors": counts}
    write_json(path / REPORT, report)
    return report


def _schema(run: ScoringRun) -> pa.Schema:
    return pa.schema(
        [
            ("member_id", run.population.enrollment.member_id.type),
            ("enrollment_start_date", pa.date32()),
            ("enrollment_end_date", pa.date32()),
            ("model_id", _LABEL),
            ("segment", _LABEL),
            ("variable", _NAME),
            ("is_demographic", pa.bool_()),
            ("relative_factor", pa.float64()),
        ]
    )


def _batches(run: ScoringRun) -> Iterator[pa.RecordBatch]:
    schema = _schema(run)
    return (_batch(run, *part, schema) for part in _scored(run))


def _scored(run: ScoringRun) -> Iterator[tuple[ModelRun, ScoredRows]]:
    every = run.options.segments == "all"
    for model in run.models:
        for begin, end in run.population.ranges():
            for scored in score_range(run.population, model, begin, end, every_segment=every):
                yield model, scored


def _batch(run: ScoringRun, model: ModelRun, scored: ScoredRows, schema: pa.Schema) -> pa.RecordBatch:
    plan, n_variables = model.plan, len(model.plan.variables)
    begins, bits = bit_lists(scored.sums.scored, set_bits(range(n_variables), plan.n_words))
    line = np.repeat(np.arange(len(scored.rows)), np.diff(begins))
    segments = scored.segments[line]
    columns = model.factor_columns[run.population.profiles.of_row[scored.rows], scored.segments][line]
    unit = np.array([float(divisor) * 10**plan.decimals for divisor in plan.divisors])
    is_demographic = (plan.demographic_mask[bits >> 6] >> (bits & 63).astype(np.uint64)) & np.uint64(1)
    return pa.RecordBatch.from_arrays(
        [
            *span_columns(run.population.enrollment, scored.rows[line]),
            labels(np.zeros(len(line), np.int8), [plan.model.id]),
            labels(segments.astype(np.int8), plan.segments),
            pa.DictionaryArray.from_arrays(from_numpy(bits, pa.int16()), model.variable_names),
            from_numpy(is_demographic.astype(bool), pa.bool_()),
            from_numpy(plan.factors[columns, bits] / unit[segments], pa.float64()),
        ],
        schema=schema,
    )
