"""What each score is the sum of: one row per enrollment row, model and variable that scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy
from riskadj.scoring.plan import set_bits
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, ScoredRows, bit_lists, labels, score_range, span_columns

_LABEL, _NAME = pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int16(), pa.string())


def factor_lines(run: ScoringRun) -> pa.Table:
    """Return the lines of every row of model_scores, model after model (columns: see `Scores.factors`)."""
    schema = pa.schema(
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
    batches = (_batch(run, *part, schema) for part in _scored(run))
    return pa.Table.from_batches(batches, schema).unify_dictionaries()


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
