"""Scores in memory, broken down by any columns of their enrollment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import OptionError
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.results.impact.grouping import row_labels
from riskadj.results.rates import rates_of_rows
from riskadj.results.summary.breakdown import AS_PAID, Breakdown, Part
from riskadj.results.summary.groups import Labels, find_attributes, labels_of_column
from riskadj.results.summary.prevalence import Prevalence
from riskadj.results.summary.suppression import check_min_cell
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import rows_of_model
from riskadj.tables.model import ModelTables

if TYPE_CHECKING:
    from riskadj.results.scores import Scores

SEGMENT = "segment"


def break_down(
    scores: Scores,
    by: Sequence[str],
    *,
    min_cell: int | None = None,
    rate: float | str | None = None,
    attributes: Any = None,
) -> pa.Table:
    """Return members, months and mean scores by model and any columns; see `Scores.summary`."""
    by, run = names_of_groups(by), scores.scoring_run
    check_min_cell(min_cell)
    own = None if attributes is None else find_attributes(run, attributes)
    rates = rates_of_rows(run, rate, source=scores.sources[0], attributes=own)
    labels = {name: row_labels(run, scores.sources[0], name, own) for name in by if name != SEGMENT}
    every_rate = np.full(run.population.n_rows, np.nan) if rates is None else rates
    total = Breakdown(by)
    is_new = np.zeros(run.population.n_rows, np.bool_)
    for model_id, rows, table in paid_rows(scores):
        model = next(one.plan.model for one in run.models if one.plan.model.id == model_id)
        segment = labels_of_column(table["segment"])
        new_codes = [segment.names.index(name) for name in new_segments(model) if name in segment.names]
        paid_as_new = np.isin(segment.codes, new_codes)
        is_new[rows] |= paid_as_new
        found = {name: segment if name == SEGMENT else labels[name].take(rows) for name in by}
        total.add(
            Part(
                model_id,
                found,
                run.population.member_of_row[rows].astype(np.uint64),
                values_of(one_chunk(table["months_enrolled"])).astype(np.float64),
                _floats(table["raw_risk_score"]),
                _floats(table["payment_risk_score"]),
                every_rate[rows],
                paid_as_new,
            )
        )
    if SEGMENT not in by:
        total.add(_as_paid(scores, labels, every_rate, is_new))
    return total.table(min_cell, with_rates=rates is not None)


def prevalence_of(
    scores: Scores, by: Sequence[str], *, min_cell: int | None = None, attributes: Any = None
) -> pa.Table:
    """Return the prevalence of payment HCCs by model and any columns; see `Scores.prevalence`."""
    by, run = names_of_groups(by), scores.scoring_run
    check_min_cell(min_cell)
    own = None if attributes is None else find_attributes(run, attributes)
    labels = {name: row_labels(run, scores.sources[0], name, own) for name in by if name != SEGMENT}
    total = Prevalence(by)
    for model_id, rows, table in paid_rows(scores):
        segment = labels_of_column(table["segment"]) if SEGMENT in by else None
        found = {
            name: labels[name].take(rows) if segment is None or name != SEGMENT else segment for name in by
        }
        members = run.population.member_of_row[rows].astype(np.uint64)
        total.add(model_id, found, members, table["hccs"])
    return total.table(min_cell)


def _as_paid(
    scores: Scores,
    labels: dict[str, Labels],
    rates: npt.NDArray[np.float64],
    is_new: npt.NDArray[np.bool_],
) -> Part:
    payments = scores.payment_scores
    return Part(
        AS_PAID,
        labels,
        scores.scoring_run.population.member_of_row.astype(np.uint64),
        values_of(one_chunk(payments["months_enrolled"])).astype(np.float64),
        np.full(payments.num_rows, np.nan),
        _floats(payments["payment_risk_score"]),
        rates,
        is_new,
    )


def paid_rows(scores: Scores) -> Iterator[tuple[str, npt.NDArray[np.int64], pa.Table]]:
    """Yield, model after model, the rows of model_scores that pay and the enrollment row of each."""
    run = scores.scoring_run
    rows = rows_of_table(run)
    models = labels_of_column(scores.model_scores["model_id"])
    pays = values_of(one_chunk(scores.model_scores["weight"])) != 0.0
    for model in run.models:
        wanted = models.is_name(model.plan.model.id) & pays
        yield model.plan.model.id, rows[wanted], scores.model_scores.filter(from_numpy(wanted, pa.bool_()))


def rows_of_table(run: ScoringRun) -> npt.NDArray[np.int64]:
    """Return the enrollment row of each row of model_scores."""
    pieces = [np.zeros(0, np.int64)]
    for model in run.models:
        repeats = len(model.plan.segments) if run.options.segments == "all" else 1
        for begin, end in run.population.ranges():
            pieces += [rows_of_model(run.population, model, begin, end)[0]] * repeats
    return np.concatenate(pieces)


def new_segments(model: ModelTables) -> list[str]:
    """Return the segments that only new enrollees are paid under."""
    rows = list(model.records("segments"))
    return sorted({row["segment"] for row in rows if row.get("is_new_enrollee") == "1"})


def names_of_groups(by: Sequence[str] | str) -> tuple[str, ...]:
    """Return the names that results are broken down by, from a list or from text with commas.

    Raises
    ------
    OptionError
        A name stands twice, or is model_id.
    """
    names = (
        tuple(name.strip() for name in by.split(",") if name.strip()) if isinstance(by, str) else tuple(by)
    )
    if len(set(names)) < len(names) or "model_id" in names:
        raise OptionError("by= names a column twice, or model_id, by which every table is broken down.")
    return names


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    array = one_chunk(column)
    return np.where(is_valid(array), values_of(array), np.nan)
