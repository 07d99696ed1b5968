"""The tables of a calibration, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.calibration.costs import MONTHS_A_YEAR
from riskadj.calibration.design import Floats
from riskadj.calibration.fit import ModelFit, SegmentFit
from riskadj.calibration.metrics import (
    GroupSums,
    age_sex_groups,
    deciles,
    fit_of,
    group_sums,
)
from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.terms import STATUS_FIELDS

FITTED, VALIDATED, STARTING = "fitted", "cross-validated", "starting model"
ALL = "all"
KEPT = "kept: the segment was not fitted"


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows of like keys as a table; NaN becomes null."""
    return pa.table({name: _column([row[name] for row in rows]) for name in rows[0]})


def _column(values: list[Any]) -> pa.Array:
    if isinstance(values[0], str):
        return from_strings(values)
    if isinstance(values[0], int):
        return from_numpy(np.array(values, np.int64), pa.int64())
    numbers = np.array(values, np.float64)
    return from_numpy(numbers, pa.float64(), valid=np.isfinite(numbers))


# --- factors ---------------------------------------------------------------------------------------------------------


def factor_table(fit: ModelFit) -> pa.Table:
    """Return one row per segment and variable of the starting model; segments not fitted keep their factors."""
    labels = {row["hcc"]: row["label"] for row in fit.design.plan.model.records("labels")}
    rows = []
    for number, segment in enumerate(fit.design.segments):
        found = fit.segments.get(number)
        columns = _kept(segment.starting_factors) if found is None else _fitted(found, fit.denominator)
        for position, name in enumerate(segment.names):
            rows.append(
                {
                    "segment": segment.name,
                    "variable": name,
                    "label": labels.get(name, ""),
                    **{key: values[position] for key, values in columns.items()},
                    "starting_factor": float(segment.starting_factors[position]),
                }
            )
    return _table(rows)


def _fitted(segment: SegmentFit, denominator: float) -> dict[str, Sequence[Any]]:
    found = segment.inference
    return {
        "factor": (segment.factors / denominator).tolist(),
        "std_error": (found.std_error / denominator).tolist(),
        "t": found.t.tolist(),
        "p_value": found.p_value.tolist(),
        "factor_low": (found.low / denominator).tolist(),
        "factor_high": (found.high / denominator).tolist(),
        "dollars_annual": segment.factors.tolist(),
        "n_members": segment.sums.n_members_of_variable.tolist(),
        "status": segment.ties.status,
    }


def _kept(starting_factors: Floats) -> dict[str, Sequence[Any]]:
    n, unknown = len(starting_factors), float("nan")
    numbers = ("std_error", "t", "p_value", "factor_low", "factor_high", "dollars_annual")
    return {
        "factor": starting_factors.tolist(),
        **{name: [unknown] * n for name in numbers},
        "n_members": [0] * n,
        "status": [KEPT] * n,
    }


# --- predictions -----------------------------------------------------------------------------------------------------


def predictions_of(fit: ModelFit) -> dict[str, Floats]:
    """Return the predicted cost of each row under each prediction. [dollars a year]

    The starting model's scores are scaled so that their mean cost is the actual one.
    """
    seen, weight = fit.predictions, fit.observed.weight
    scale = (weight @ fit.observed.cost) / (weight @ seen.starting)
    validated = {VALIDATED: seen.cross_validated} if _is_validated(fit) else {}
    return {FITTED: seen.fitted, **validated, STARTING: seen.starting * scale}


def _is_validated(fit: ModelFit) -> bool:
    return any(segment.fold_factors.shape[1] > 1 for segment in fit.segments.values())


def fit_table(fit: ModelFit) -> pa.Table:
    """Return how well each prediction fits, by segment and over all rows."""
    return _table(list(_fit_rows(fit)))


def _fit_rows(fit: ModelFit) -> Iterator[dict[str, Any]]:
    observed, members = fit.observed, fit.design.population.member_of_row
    groups = [(fit.design.segments[n].name, observed.segment == n, [s]) for n, s in fit.segments.items()]
    every = (ALL, np.ones(len(observed.rows), np.bool_), list(fit.segments.values()))
    for name, rows, segments in (*groups, every):
        n_parameters = sum(segment.ties.n_parameters for segment in segments)
        for prediction, predicted in predictions_of(fit).items():
            measured = fit_of(
                observed.cost[rows], predicted[rows], observed.weight[rows],
                n_parameters=n_parameters if prediction == FITTED else None,
            )  # fmt: skip
            yield {
                "segment": name,
                "prediction": prediction,
                "n_rows": int(rows.sum()),
                "n_members": len(np.unique(members[observed.rows[rows]])),
                "member_months": float(observed.weight[rows].sum() * MONTHS_A_YEAR),
                "n_parameters": n_parameters,
                **asdict(measured),
            }


# --- groups ----------------------------------------------------------------------------------------------------------


def ratio_table(fit: ModelFit) -> pa.Table:
    """Return mean actual and predicted costs by decile of prediction, age and sex, and condition."""
    return _table(list(_ratio_rows(fit)))


def _ratio_rows(fit: ModelFit) -> Iterator[dict[str, Any]]:
    observed, population = fit.observed, fit.design.population
    of_profile = population.profiles.columns
    profile = population.profiles.of_row[observed.rows]
    age_sex, bands = age_sex_groups(
        of_profile["age_years"][profile], of_profile["sex"][profile], STATUS_FIELDS["sex"]
    )
    overall = float(observed.weight @ observed.cost / observed.weight.sum())
    for prediction, predicted in predictions_of(fit).items():
        groups = deciles(predicted, observed.weight)
        names = [str(number) for number in range(1, 11)]
        for grouping, group, labels in (("decile", groups, names), ("age_sex", age_sex, bands)):
            sums = group_sums(group, len(labels), observed.cost, predicted, observed.weight)
            yield from _group_rows(grouping, labels, prediction, sums, overall)
        yield from _group_rows("condition", _hccs(fit), prediction, _of_hccs(fit, prediction), overall)


def _hccs(fit: ModelFit) -> list[str]:
    return list(fit.design.plan.variables[: fit.design.plan.n_hccs])


def _of_hccs(fit: ModelFit, prediction: str) -> GroupSums:
    """Return the sums of rows with each payment HCC; a row with several is in several."""
    n_rows, years, actual, fitted, validated, starting = fit.predictions.of_hcc.T
    weight = fit.observed.weight
    scale = (weight @ fit.observed.cost) / (weight @ fit.predictions.starting)
    predicted = {FITTED: fitted, VALIDATED: validated, STARTING: starting * scale}[prediction]
    return GroupSums(n_rows, years, actual, predicted, np.full(len(years), np.nan))


def _group_rows(
    grouping: str, labels: Sequence[str], prediction: str, sums: GroupSums, overall: float
) -> Iterator[dict[str, Any]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "mean_actual": sums.actual / sums.years,
            "std_error_actual": sums.std_error,
            "mean_predicted": sums.predicted / sums.years,
            "predictive_ratio": sums.predicted / sums.actual,
            "actual_to_expected": sums.actual / sums.predicted,
            "relative_cost": sums.actual / sums.years / overall,
        }
    for number in np.flatnonzero(sums.n_rows > 0).tolist():
        yield {
            "grouping": grouping,
            "group": labels[number],
            "prediction": prediction,
            "n_rows": int(sums.n_rows[number]),
            "member_months": float(sums.years[number] * MONTHS_A_YEAR),
            **{name: float(values[number]) for name, values in columns.items()},
        }
