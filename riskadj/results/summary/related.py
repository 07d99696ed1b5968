"""What directories of impact, gaps and marginal values say of the same scores, for the page of a report.

A directory is taken only if it was made from the same tables and the same population as the scores. Counts of fewer
than `min_cell` are blank here as they are in the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskadj.errors import ExtractError
from riskadj.results.summary.breakdown import DistinctMembers
from riskadj.results.summary.suppression import hidden_cells
from riskadj.results.summary.written import floats_of, member_keys, read_run, readable, row_groups

#: Width and number of the bars in which scores are counted; the last holds all that are higher.
BIN_WIDTH, N_BINS = 0.25, 20

Table = list[dict[str, Any]]
Run = dict[str, Any]


@dataclass
class ScoreBins:
    """Counts rows and members by score."""

    def __post_init__(self) -> None:
        self._rows = np.zeros(N_BINS, np.int64)
        self._members = DistinctMembers()

    def add(self, members: npt.NDArray[np.uint64], scores: npt.NDArray[np.float64]) -> None:
        """Add rows; those without a score (NaN) are in no bin."""
        has = ~np.isnan(scores)
        at = np.clip((scores[has] / BIN_WIDTH).astype(np.int32), 0, N_BINS - 1)
        self._rows += np.bincount(at, minlength=N_BINS)
        self._members.add(at, members[has])

    def table(self, min_cell: int | None) -> Table:
        """Return from, to, rows and members of each bin; blank where they are few, or would tell of such."""
        members = self._members.counts(N_BINS)
        hidden = np.zeros(N_BINS, np.bool_) if min_cell is None else hidden_cells(members, min_cell)
        return [
            {
                "from": number * BIN_WIDTH,
                "to": None if number == N_BINS - 1 else (number + 1) * BIN_WIDTH,
                "rows": None if hidden[number] else int(self._rows[number]),
                "members": None if hidden[number] else int(members[number]),
            }
            for number in range(N_BINS)
        ]


@dataclass(frozen=True)
class ImpactPart:
    """The walk between two runs, and their scores.

    Attributes
    ----------
    names : tuple of str
        Of the two runs.
    causes : list of dict
        cause, change, level and rows_changed of the causes that change anything.
    before, after : list of dict
        Distributions of scores, as `ScoreBins.table` gives them.
    """

    names: tuple[str, str]
    causes: Table
    before: Table
    after: Table

    @property
    def start(self) -> float:
        """Mean payment risk score before. [1.000 = average beneficiary]"""
        first: dict[str, float] = self.causes[0]
        return first["level"] - first["change"]


@dataclass(frozen=True)
class GapsPart:
    """Recapture of conditions.

    Attributes
    ----------
    rates : list of dict
        model_id, kind, year, conditions, recaptured_to_date and recapture_rate at the last month that has data; of this
        year, then of the prior year where it is known.
    recapture, prior_year : pyarrow.Table
        The curves behind them, without models and kinds of few conditions.
    """

    rates: Table
    recapture: pa.Table
    prior_year: pa.Table


@dataclass(frozen=True)
class MarginalPart:
    """What captured HCCs are worth, those of most value first, and what share of it rests on one value alone."""

    value_by_hcc: pa.Table
    value_at_risk: pa.Table


def read_impact(folder: Path, scores: Run, min_cell: int | None) -> ImpactPart:
    """Return what the page shows of a directory that `riskadj impact` wrote.

    Raises
    ------
    ExtractError
        It is no such directory, or neither of its runs is that of the scores.
    """
    run = read_run(folder, "impact", "impact_causes.parquet", "impact_rows.parquet")
    reasons = [_difference(run[side], scores, some_models=True) for side in ("before", "after")]
    if all(reasons):
        raise ExtractError(
            f"{folder}: neither of its runs is that of the scores (before: {reasons[0]}; after: {reasons[1]}); "
            "make both from the same extracts and tables."
        )
    causes = _table(folder, "impact_causes").to_pylist()
    told = [row for row in causes if row["change"] or row["rows_changed"]] or causes[:1]
    bins = {"before": ScoreBins(), "after": ScoreBins()}
    columns = [f"payment_risk_score_{side}" for side in bins]
    for table in row_groups(folder / "impact_rows.parquet", ("member_id", *columns)):
        members = member_keys(table["member_id"])
        for name, side in zip(columns, bins.values(), strict=True):
            side.add(members, floats_of(table[name]))
    return ImpactPart(
        names=(run["before"]["name"], run["after"]["name"]),
        causes=[
            {
                "cause": row["cause"].replace("_", " "),
                "change": row["change"],
                "level": row["level"],
                "rows_changed": _few_blank(row["rows_changed"], min_cell),
            }
            for row in told
        ],
        before=bins["before"].table(min_cell),
        after=bins["after"].table(min_cell),
    )


def read_gaps(folder: Path, scores: Run, min_cell: int | None) -> GapsPart:
    """Return what the page shows of a directory that `riskadj gaps` wrote.

    Raises
    ------
    ExtractError
        It is no such directory, or not of the scores' tables and population.
    """
    run = read_run(folder, "gaps", "recapture.parquet", "recapture_prior_year.parquet")
    _check(folder, run, scores)
    tables = [_table(folder, name) for name in ("recapture", "recapture_prior_year")]
    rates = [row for table in tables for row in _rates(table, min_cell)]
    shown = [_without_few(table, min_cell) for table in tables]
    return GapsPart(rates, *shown)


def read_marginal(folder: Path, scores: Run, min_cell: int | None) -> MarginalPart:
    """Return what the page shows of a directory that `riskadj marginal` wrote.

    Raises
    ------
    ExtractError
        It is no such directory, or not of the scores' tables and population.
    """
    run = read_run(folder, "marginal", "value_by_hcc.parquet", "value_at_risk.parquet")
    _check(folder, run, scores)
    tables = [_table(folder, name) for name in ("value_by_hcc", "value_at_risk")]
    values, risks = (table.filter(pc.greater_equal(table["rows"], min_cell or 0)) for table in tables)
    return MarginalPart(values.sort_by([("score_months", "descending")]), risks)


def _table(folder: Path, name: str) -> pa.Table:
    with readable(folder / f"{name}.parquet") as path:
        return pq.read_table(path)


def _check(folder: Path, run: Run, scores: Run) -> None:
    reason = _difference(run, scores)
    if reason:
        raise ExtractError(
            f"{folder} does not belong to the scores: {reason}; make both from the same extracts and tables."
        )


def _difference(run: Run, scores: Run, *, some_models: bool = False) -> str | None:
    """Return how two runs differ in year, tables or population; None if they do not.

    With `some_models` it is enough that they have one model in common.
    """
    for name in ("program", "payment_year"):
        if run[name] != scores[name]:
            return f"its {name.replace('_', ' ')} is {run[name]}, that of the scores {scores[name]}"
    ours, theirs = ({one["model_id"]: one["sha256"] for one in each["models"]} for each in (run, scores))
    common = ours.keys() & theirs.keys()
    if not common or (ours.keys() != theirs.keys() and not some_models):
        return f"it has the models {', '.join(ours)}, the scores {', '.join(theirs)}"
    is_same_year = run["payment_year_tables"] == scores["payment_year_tables"]
    if not is_same_year or any(ours[name] != theirs[name] for name in common):
        return "other model tables (checksums differ)"
    enrollment, of_scores = (each["counts"]["enrollment"] for each in (run, scores))
    for name in ("rows_used", "members", "months_enrolled"):
        if enrollment[name] != of_scores[name]:
            what = name.replace("_", " ")
            return f"another population ({what}: {enrollment[name]:,}; of the scores: {of_scores[name]:,})"
    return None


def _few_blank(number: int, min_cell: int | None) -> int | None:
    return None if min_cell is not None and 0 < number < min_cell else number


def _rates(table: pa.Table, min_cell: int | None) -> Table:
    """Return conditions and recapture of each model and kind, all groups together, at the last month with data."""
    known = table.filter(pc.is_valid(table["recaptured_to_date"]))
    if not known.num_rows:
        return []
    last = max(known["month"].cast(pa.string()).to_pylist())
    known = known.filter(pc.equal(known["month"].cast(pa.string()), last))
    sums: dict[tuple[str, str], list[int]] = {}
    for row in known.select(["model_id", "kind", "conditions", "recaptured_to_date"]).to_pylist():
        total = sums.setdefault((row["model_id"], row["kind"]), [0, 0])
        total[0] += row["conditions"]
        total[1] += row["recaptured_to_date"]
    return [_rate(*key, last, n, seen, min_cell) for key, (n, seen) in sorted(sums.items())]


def _rate(
    model_id: str, kind: str, month: str, conditions: int, seen: int, min_cell: int | None
) -> dict[str, Any]:
    few = min_cell is not None and (0 < seen < min_cell or 0 < conditions - seen < min_cell)
    return {
        "model_id": model_id,
        "kind": kind,
        "to": month,
        "conditions": _few_blank(conditions, min_cell),
        "recaptured_to_date": None if few else seen,
        "recapture_rate": None if few or not conditions else seen / conditions,
    }


def _without_few(table: pa.Table, min_cell: int | None) -> pa.Table:
    """Return a recapture table without the models and kinds of which a rate may not be shown."""
    few = {(row["model_id"], row["kind"]) for row in _rates(table, min_cell) if row["recapture_rate"] is None}
    names = zip(table["model_id"].to_pylist(), table["kind"].to_pylist(), strict=True)
    return table.filter(pa.array([name not in few for name in names], pa.bool_()))
