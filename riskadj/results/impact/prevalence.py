"""How many have each HCC in two runs, and what it is worth to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_strings
from riskadj.kernels.tally import tally_variables
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, score_range


@dataclass(frozen=True)
class _Tally:
    """One HCC in one run: rows, share of the months of the rows that the model scores, and raw value per such month."""

    label: str
    rows: int
    share: float
    value: float


def compare_hccs(before: ScoringRun, after: ScoringRun) -> pa.Table:
    """Return one row per model and payment HCC that any row has, hierarchies applied.

    Returns
    -------
    pyarrow.Table
        model_id, hcc, label; and before and after: rows, share (of the member months that the model scores), value
        (mean of the HCC's own factor over those months, before any divisor) [raw risk score]. 0 where a run's model has
        the HCC and nobody of it; null where the run does not use the model.
    """
    sides = [_tallies(run) for run in (before, after)]
    models = [{model.plan.model.id for model in run.models} for run in (before, after)]
    keys = list(dict.fromkeys((*sides[0], *sides[1])))
    columns: dict[str, pa.Array] = {
        "model_id": from_strings([model_id for model_id, _ in keys]),
        "hcc": from_strings([hcc for _, hcc in keys]),
        "label": from_strings([(sides[1].get(key) or sides[0][key]).label for key in keys]),
    }
    for name, kind in (("rows", pa.int64()), ("share", pa.float64()), ("value", pa.float64())):
        for side, word in enumerate(("before", "after")):
            values = [
                getattr(sides[side][key], name)
                if key in sides[side]
                else 0
                if key[0] in models[side]
                else None
                for key in keys
            ]
            columns[f"{name}_{word}"] = pa.array(values, kind)
    return pa.table(columns)


def _tallies(run: ScoringRun) -> dict[tuple[str, str], _Tally]:
    result: dict[tuple[str, str], _Tally] = {}
    for model in run.models:
        rows, months, worth, all_months = _count(run, model)
        labels = {row["hcc"]: row["label"] for row in model.plan.model.records("labels")}
        unit = max(all_months, 1)
        for bit in np.flatnonzero(rows).tolist():
            hcc = model.plan.variables[bit]
            value = worth[bit] / unit / 10**model.plan.decimals
            result[model.plan.model.id, hcc] = _Tally(labels[hcc], int(rows[bit]), months[bit] / unit, value)
    return result


def _count(
    run: ScoringRun, model: ModelRun
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Return, by variable: rows, months, and months times factor; and the months of all rows that the model scores."""
    rows, months, worth = (np.zeros(len(model.plan.variables), np.int64) for _ in range(3))
    of_row = run.population.enrollment.months_enrolled.astype(np.int64)
    of_row = of_row if of_row.any() else np.ones(len(of_row), np.int64)
    n_months = 0
    for begin, end in run.population.ranges():
        for scored in score_range(run.population, model, begin, end):
            profile = run.population.profiles.of_row[scored.rows]
            columns = model.factor_columns[profile, scored.segments]
            weights = of_row[scored.rows]
            n_months += int(weights.sum())
            hccs = scored.variables & model.hcc_mask
            tally_variables(hccs, columns, model.plan.factors, weights, rows, months, worth)
    return rows, months, worth, n_months
