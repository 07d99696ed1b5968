"""A report of one scoring run: what a written directory of scores holds, as one page of HTML.

Files are read a row group at a time. Every number of the page stands in a table of `read_report` first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import one_chunk, values_of
from riskadj.extracts.enrollment import CARRIED
from riskadj.extracts.rejects import REASONS
from riskadj.results.summary.breakdown import AS_PAID, Breakdown, Part
from riskadj.results.summary.groups import AGE_BAND, Labels, age_bands, labels_of_column
from riskadj.results.summary.prevalence import Prevalence
from riskadj.results.summary.related import (
    GapsPart,
    ImpactPart,
    MarginalPart,
    ScoreBins,
    Table,
    read_gaps,
    read_impact,
    read_marginal,
)
from riskadj.results.summary.score_groups import new_segments
from riskadj.results.summary.suppression import check_min_cell
from riskadj.results.summary.written import WrittenScores, floats_of, member_keys
from riskadj.tables.model import ModelTables

MOST_HCCS = 20
#: Most groups of one column that the page shows.
MOST_GROUPS = 200


@dataclass(frozen=True)
class Report:
    """The numbers of a report, table by table; a number that may not be shown is None.

    Attributes
    ----------
    run : dict
        The run report, as in run.json.
    counts, rejects, by_segment, by_age, distribution, prevalence : list of dict
        One dict a row.
    by_column : dict of str to list of dict
        Broken down by the columns that payment_scores carries.
    mean_payment_risk_score : float or None
        As paid, weighted by months. [1.000 = average beneficiary]
    impact, gaps, marginal
        What directories of other questions say of the same population, where they were given.
    """

    run: dict[str, Any]
    counts: Table
    rejects: Table
    by_segment: Table
    by_age: Table
    by_column: dict[str, Table]
    distribution: Table
    prevalence: Table
    mean_payment_risk_score: float | None
    min_cell: int | None
    impact: ImpactPart | None = None
    gaps: GapsPart | None = None
    marginal: MarginalPart | None = None


@dataclass
class _Totals:
    """What is added up while the files are read."""

    by_segment: Breakdown = field(default_factory=lambda: Breakdown(("segment",)))
    by_age: Breakdown = field(default_factory=lambda: Breakdown((AGE_BAND,)))
    by_column: dict[str, Breakdown] = field(default_factory=dict)
    paid: Breakdown = field(default_factory=lambda: Breakdown(()))
    prevalence: Prevalence = field(default_factory=lambda: Prevalence(()))
    bins: ScoreBins = field(default_factory=ScoreBins)


def read_report(
    directory: str | Path,
    *,
    min_cell: int | None = None,
    maps_dir: str | Path | None = None,
    impact: str | Path | None = None,
    gaps: str | Path | None = None,
    marginal: str | Path | None = None,
) -> Report:
    """Return the numbers of a report on a directory that `riskadj score` wrote.

    Parameters
    ----------
    directory : path
    min_cell : int, optional
        Blank numbers of fewer members, and of others where totals would tell them. [members]
    maps_dir : path, optional
        The tables that the scores were made with, if not those that ship.
    impact, gaps, marginal : path, optional
        Directories that these commands wrote of the same population, with the same tables.

    Raises
    ------
    ExtractError
        The directory holds no scores, or another one does not belong to them.
    ManifestError
        The tables are not those that the scores were made with.
    """
    check_min_cell(min_cell)
    written = WrittenScores.of(directory, maps_dir=maps_dir)
    run, models, totals = written.run, written.models, _Totals()
    _add_models(totals, written)
    _add_payments(totals, written)
    (paid,) = totals.paid.table(min_cell).to_pylist()
    by_segment = totals.by_segment.table(min_cell).to_pylist()
    order = _largest_first(by_segment)
    return Report(
        run=run,
        counts=_counts(run),
        rejects=[
            {"reason": REASONS.get(reason, reason), "rows": n_rows}
            for reason, n_rows in run["counts"]["rejects"].items()
        ],
        by_segment=sorted(by_segment, key=order),
        by_age=sorted(totals.by_age.table(min_cell).to_pylist(), key=order),
        by_column={name: total.table(min_cell).to_pylist() for name, total in totals.by_column.items()},
        distribution=totals.bins.table(min_cell),
        prevalence=_most_frequent(sorted(totals.prevalence.table(min_cell).to_pylist(), key=order), models),
        mean_payment_risk_score=paid["mean_payment_risk_score_by_months"],
        min_cell=min_cell,
        impact=None if impact is None else read_impact(Path(impact), run, min_cell),
        gaps=None if gaps is None else read_gaps(Path(gaps), run, min_cell),
        marginal=None if marginal is None else read_marginal(Path(marginal), run, min_cell),
    )


def _largest_first(by_segment: Table) -> Callable[[dict[str, Any]], int]:
    """Return a key that sorts rows by the member months of their model, most first."""
    months: dict[str, int] = {}
    for row in by_segment:
        months[row["model_id"]] = max(months.get(row["model_id"], 0), row["member_months"] or 0)
    return lambda row: -months[row["model_id"]]


def _add_models(totals: _Totals, written: WrittenScores) -> None:
    columns = (
        "member_id", "segment", "months_enrolled", "age_years", "raw_risk_score", "payment_risk_score", "hccs",
    )  # fmt: skip
    new = {name: new_segments(model) for name, model in written.models.items()}
    for model_id, table in written.model_rows(columns):
        _add_model(totals, model_id, table, new[model_id])


def _add_model(totals: _Totals, model_id: str, table: pa.Table, new: Sequence[str]) -> None:
    segment = labels_of_column(table["segment"])
    ages = values_of(one_chunk(table["age_years"]))
    members = member_keys(table["member_id"])
    for breakdown, labels in (
        (totals.by_segment, {"segment": segment}),
        (totals.by_age, {AGE_BAND: age_bands(ages)}),
    ):
        breakdown.add(
            Part(
                model_id=model_id,
                labels=labels,
                members=members,
                months=floats_of(table["months_enrolled"]),
                raw=floats_of(table["raw_risk_score"]),
                payment=floats_of(table["payment_risk_score"]),
                rates=np.full(table.num_rows, np.nan),
                is_new=np.isin(np.array(segment.names)[segment.codes], list(new)),
            )
        )
    totals.prevalence.add(model_id, {}, members, table["hccs"])


def _add_payments(totals: _Totals, written: WrittenScores) -> None:
    columns = ("member_id", "months_enrolled", "payment_risk_score", *CARRIED)
    for table in written.payments(columns):
        members, payment = member_keys(table["member_id"]), floats_of(table["payment_risk_score"])
        labels = {name: labels_of_column(table[name]) for name in CARRIED if name in table.column_names}
        for name, label in labels.items():
            _add_paid(totals.by_column.setdefault(name, Breakdown((name,))), {name: label}, table, members)
        _add_paid(totals.paid, {}, table, members)
        totals.bins.add(members, payment)


def _add_paid(
    total: Breakdown, labels: dict[str, Labels], table: pa.Table, members: npt.NDArray[np.uint64]
) -> None:
    lacking = np.full(table.num_rows, np.nan)
    months, payment = floats_of(table["months_enrolled"]), floats_of(table["payment_risk_score"])
    nobody = np.zeros(table.num_rows, np.bool_)
    total.add(Part(AS_PAID, labels, members, months, lacking, payment, lacking, nobody))


def _counts(run: dict[str, Any]) -> Table:
    kinds = ("rows_read", "rows_used", "rows_rejected")
    return [
        {"extract": role, **{kind: run["counts"][role][kind] for kind in kinds}}
        for role in ("enrollment", "diagnoses")
    ]


def _most_frequent(rows: Table, models: dict[str, ModelTables]) -> Table:
    """Return the most frequent HCCs of each model, those that may be shown, with their labels."""
    labels = {
        (name, row["hcc"]): row["label"] for name, model in models.items() for row in model.records("labels")
    }
    kept: Table = []
    for row in rows:
        n_kept = sum(one["model_id"] == row["model_id"] for one in kept)
        if row["members_with_hcc"] is not None and n_kept < MOST_HCCS:
            title = labels[row["model_id"], row["hcc"]]
            kept.append({"model_id": row["model_id"], "hcc": row["hcc"], "label": title} | row)
    return kept
