"""ACA plans month by month: members, billed months, risk, age and premium, as enrolled and as expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.aca.market import ENROLLEES, billable_of
from pricing.aca.state_rating import state_factors
from pricing.aca.transfer_formula import PLAN
from pricing.errors import InputError
from pricing.experience.months import first_days, month_numbers, month_of, name_of
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.revenue.assumed import Assumed
from pricing.revenue.assumptions import Scenario
from pricing.revenue.cohorts import Cohorts
from pricing.revenue.projection import ENROLLMENT, Flows, flows_of, project

MONTHS_OF_A_YEAR = 12
#: Columns of enrollees: one row per member and span in a plan.
SPANS = (*ENROLLEES, Column("enrollment_start_date", "date"))
#: What a plan has in a month: members, months billed for, months x score, billed x age factor, billed x premium.
MEASURES = ("members", "billed", "risk", "age", "premium")


@dataclass(frozen=True)
class PlanMonths:
    """Plans and rating areas of a benefit year, month by month.

    Attributes
    ----------
    plans : pyarrow.Table
        One row per plan and rating area: state, market, issuer_id, plan_id, rating_area, metal_level; in order.
    measures : mapping of str to float64 array of shape (n_plans, 12)
        `MEASURES` [member months; member months x score; member months x factor; dollars].
    rates : Rates
        Of program "aca".
    run : dict
        How they came about.
    """

    plans: pa.Table
    measures: Mapping[str, Numbers] = field(repr=False)
    rates: Rates
    run: Mapping[str, Any] = field(repr=False)

    @property
    def first_month(self) -> int:
        """January of the benefit year [months since January 1970]."""
        return month_of(date(self.rates.year, 1, 1))

    def projected(self, *, base_month: date | str, scenario: Scenario | None = None) -> PlanMonths:
        """Return the year with the months after a base month as expected of those enrolled then.

        Parameters
        ----------
        base_month : date or str
            The last month that is known, such as ``"2026-04"``; months up to it stay as enrolled.
        scenario : Scenario, optional
            Who dies, leaves, moves and joins (``where`` by the columns of `plans`). Default: nobody, and each later
            month repeats the base month. Who joins brings the means of the plan's base members, times its score factor.

        Raises
        ------
        InputError
            The base month lies outside the year or has no members, or the scenario assumes anything but enrollment.
        """
        wanted = scenario or Scenario("as in the base month")
        column = month_of(base_month) - self.first_month
        if not 0 <= column < MONTHS_OF_A_YEAR:
            raise InputError(
                f"base_month {name_of(month_of(base_month))} is not in benefit year {self.rates.year}."
            )
        if not self.measures["members"][:, column].any():
            raise InputError(
                f"nobody is enrolled in base_month {name_of(month_of(base_month))}; give an earlier one."
            )
        other = next((row.parameter for row in wanted.rows if row.parameter not in ENROLLMENT), None)
        if other is not None:
            raise InputError(
                f"scenario '{wanted.name}' assumes {other}; ACA plans take enrollment only: {', '.join(ENROLLMENT)}."
            )
        later = self._later(wanted, column)
        measures = {name: np.hstack([self.measures[name][:, :column], later[name]]) for name in MEASURES}
        told = {"base_month": name_of(month_of(base_month)), "scenario": wanted.name}
        return replace(self, measures=measures, run={**self.run, **told})

    def _later(self, scenario: Scenario, column: int) -> dict[str, Numbers]:
        """Return the measures from the base month on, each of shape (n_plans, n_months)."""
        months = self.first_month + np.arange(column, MONTHS_OF_A_YEAR)
        base = {name: values[:, column] for name, values in self.measures.items()}
        flows = flows_of(Assumed(scenario, Cohorts(self.plans), months), base["members"])
        members = base.pop("members")
        means = {
            name: np.divide(v, members, out=np.zeros_like(v), where=members > 0) for name, v in base.items()
        }
        risk = {name: {"risk": parts["risk"]} for name, parts in (("scores", base), ("means", means))}
        found = project(_with_average_people(flows), members, scores=base, means=means)
        sick = project(flows, members, **risk)
        return {"members": found.members, **found.scores, "risk": sick.scores["risk"]}

    def market(self) -> pa.Table:
        """Return the year's market, ready for `risk_transfer`: plans that billed nobody all year are left out."""
        total = {name: values.sum(axis=1) for name, values in self.measures.items()}
        kept = total["billed"] > 0
        ratios = {"plrs": "risk", "arf": "age", "premium_pmpm": "premium"}
        columns: dict[str, Any] = {"billable_member_months": total["billed"][kept]}
        columns |= {name: total[part][kept] / total["billed"][kept] for name, part in ratios.items()}
        table = self.plans.filter(pa.array(kept))
        for name, values in columns.items():
            table = table.append_column(name, pa.array(values))
        return table


def plan_months(
    enrollees: Any, *, benefit_year: int, score_completion: float = 1.0, rates: Rates | None = None
) -> PlanMonths:
    """Return plans month by month from scored enrollees.

    Parameters
    ----------
    enrollees : path, DataFrame, Arrow table, mapping or Columns
        One row per member and span in a plan, `SPANS` lists the columns: those of `market_of_enrollees`, and
        enrollment_start_date. `enrollees_of_scores` makes them.
    benefit_year : int
    score_completion : float
        Share of the year's complete risk score that is in the scores given: 0.92 where claims to come will add an
        eleventh. Scores are divided by it. Default: they are complete.
    rates : Rates, optional
        As for `market_of_enrollees`.

    Returns
    -------
    PlanMonths

    Raises
    ------
    InputError
        A column is missing or impossible, a span does not lie in the benefit year, or `score_completion` is not
        above 0.

    Notes
    -----
    months_enrolled of a span lie in the months from the first whose first day it covers, as scoring counts them, one
    month in each; where the year has not so many left, they begin with what is left of the month before.
    """
    if not score_completion > 0:
        raise InputError(f"score_completion must be above 0; it is {score_completion:g}.")
    rates = rates or load_rates("aca", benefit_year)
    columns = read_columns(enrollees, SPANS, role="enrollees")
    billable = billable_of(columns, rates)
    rows, months, parts = _spread(columns, month_of(date(benefit_year, 1, 1)))
    keys = list(zip(*(columns[name] for name in PLAN), strict=True))
    names = sorted(set(keys))
    position = {name: number for number, name in enumerate(names)}
    cell = np.array([position[key] for key in keys], np.int64)[rows] * MONTHS_OF_A_YEAR + months
    billed = np.where(billable[rows], parts, 0.0)
    values = {
        "members": parts,
        "billed": billed,
        "risk": parts * columns["payment_risk_score"][rows] / score_completion,
        "age": billed * state_factors(columns, rates)[rows],
        "premium": billed * columns["premium_pmpm"][rows],
    }
    shape = (len(names), MONTHS_OF_A_YEAR)
    return PlanMonths(
        plans=pa.table({n: pa.array([row[at] for row in names], pa.string()) for at, n in enumerate(PLAN)}),
        measures={n: _summed(cell, v, shape) for n, v in values.items()},
        rates=rates,
        run={"benefit_year": benefit_year, "enrollees": columns.n_rows, "plans": len(names),
             "score_completion": score_completion},
    )  # fmt: skip


def _spread(columns: Columns, january: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers]:
    """Return row, month of the year (0 to 11) and share of that month of every row and month with coverage."""
    days = columns["enrollment_start_date"].astype("datetime64[D]").astype(np.int64)
    left, rows, months, parts = columns["months_enrolled"].astype(np.float64), [], [], []
    month = month_numbers(days - 1) + 1 - january  # the first whose first day is covered
    columns.refuse(month < 0, "enrollment_start_date lies before the benefit year")
    begins_before = left > MONTHS_OF_A_YEAR - month
    month = month - begins_before
    room = np.where(begins_before, _left_of_month(days), 1.0)
    while (left > 0).any():
        part = np.minimum(left, room)
        here = np.flatnonzero(left > 0)
        columns.refuse(
            (left > 1e-9) & (month >= MONTHS_OF_A_YEAR), "months_enrolled reach beyond the benefit year"
        )
        rows.append(here)
        months.append(month[here])
        parts.append(part[here])
        left, month, room = left - part, month + 1, np.ones(len(left))
        left = np.where(left < 1e-9, 0.0, left)
    return np.concatenate(rows), np.concatenate(months), np.concatenate(parts)


def _summed(cell: npt.NDArray[np.int64], values: Numbers, shape: tuple[int, int]) -> Numbers:
    return np.bincount(cell, values, shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _left_of_month(days: npt.NDArray[np.int64]) -> Numbers:
    """Return the share of each day's month that is left, the day included."""
    month = month_numbers(days)
    begin, end = first_days(month), first_days(month + 1)
    result: Numbers = (end - days) / (end - begin)
    return result


def _with_average_people(flows: Flows) -> Flows:
    """Return flows in which whoever goes or joins is like those there."""
    ones = np.ones_like(flows.death)
    return replace(
        flows, death_score=ones, lapse_score=ones, arrival_scores=dict.fromkeys(flows.arrival_scores, ones),
        transitions=tuple(replace(each, score=ones) for each in flows.transitions),
    )  # fmt: skip
