"""Risk adjustment among Medicaid plans: rates by plan, budget neutral in every region and rate cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.medicaid.capitation import CELL, CapitationRates
from pricing.medicaid.rate_cells import ALL, EVENT, MEMBER_MONTH, check_decimals, places_of
from pricing.rounding import cents_that_add_up, round_cents, round_to
from pricing.rows import add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Rates to adjust: one row per rate cell and region.
CELL_RATES = (
    Column("rate_cell", "text"),
    Column("region", "text", default=ALL),
    Column("unit", "text", default=MEMBER_MONTH, allowed=(MEMBER_MONTH, EVENT)),
    Column("rate", above=0.0),
)
#: Scores: one row per plan (MCO), rate cell and region.
SCORES = (
    Column("mco", "text"),
    Column("rate_cell", "text"),
    Column("region", "text", default=ALL),
    Column("member_months", above=0.0),
    Column("raw_score", above=0.0),
)


@dataclass(frozen=True)
class RiskAdjustedRates:
    """Capitation rates of each plan after risk adjustment.

    Attributes
    ----------
    rates : pyarrow.Table
        One row per mco, rate_cell and region: member_months, raw_score, average_score (of the cell in its region),
        factor (its mean by member months is 1), cell_rate and rate [dollars per member month], payment_before and
        payment [dollars, whole cents], change [dollars].
    pools : pyarrow.Table
        One row per rate_cell and region: mcos, member_months, average_score, mean_factor, payment_before, payment
        [dollars]: the two are the same to the cent.
    run : dict
    """

    rates: pa.Table
    pools: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"rates": "risk_adjusted_rates", "pools": "risk_adjustment_pools"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    def summary(self) -> pd.DataFrame:
        """Return each MCO's member months, mean factor, and payment before and after [dollars]."""
        frame = self.to_pandas().assign(weighted=lambda rows: rows.factor * rows.member_months)
        names = ["member_months", "weighted", "payment_before", "payment", "change"]
        found = frame.groupby("mco", sort=True)[names].sum().reset_index()
        found.insert(2, "mean_factor", found.pop("weighted") / found.member_months)
        return found

    def plot(self) -> Figure:
        """Return a figure: what risk adjustment moves between plans, and their factors by region and cell."""
        from pricing.medicaid.plots import plot_risk_adjustment

        return plot_risk_adjustment(self.rates)


def risk_adjusted_rates(rates: Any, scores: Any, *, decimals: int | None = None) -> RiskAdjustedRates:
    """Return rates by plan: the cell's rate times the plan's score over the mean of the cell in its region.

    Parameters
    ----------
    rates : CapitationRates, path, DataFrame, Arrow table or mapping
        rate_cell, region, rate [dollars per member month]; kick payments (unit event) are not risk adjusted.
    scores : path, DataFrame, Arrow table or mapping
        mco, rate_cell, region, member_months [months], raw_score [any common scale], as `average_scores` makes them of
        members. Member months are all of the plan's: unscored members count with the mean of its scored ones.
    decimals : int, optional
        Places to which relative scores are rounded, halves up, before they are brought back to a mean of 1.000.
        Default: none.

    Returns
    -------
    RiskAdjustedRates
        Budget neutral: in every cell and region the payments of all plans are those before, to the cent.

    Raises
    ------
    InputError
        A cell has no rate, or is a kick payment; a plan stands twice in a cell; a number is not allowed.

    References
    ----------
    .. [1] 42 CFR 438.5(a) (budget neutral), (b)(6) and (g): risk adjustment.

    Examples
    --------
    >>> found = risk_adjusted_rates(
    ...     {"rate_cell": ["adult"], "rate": [400.0]},
    ...     {"mco": ["a", "b"], "rate_cell": ["adult"] * 2, "member_months": [100, 300], "raw_score": [1.4, 1.0]})
    >>> [round(rate, 2) for rate in found.rates["rate"].to_pylist()]
    [509.09, 363.64]
    """
    source = rates.rates if isinstance(rates, CapitationRates) else rates
    cells = read_columns(source, CELL_RATES, role="rates", key=CELL)
    plans = read_columns(scores, SCORES, role="scores", key=("mco", *CELL))
    keys = list(zip(*(cells[name] for name in CELL), strict=True))
    cell = places_of(keys, plans, CELL, cells.label)
    plans.refuse(
        cells["unit"][cell] == EVENT, "a kick payment (unit event) is not risk adjusted; leave it out;"
    )
    pool_keys, pool = plans.groups(CELL)
    average, factor = _factors(plans, pool, len(pool_keys), decimals)
    rate = cells["rate"][cell]
    before, after = _payments(plans, rate, factor, pool, len(pool_keys))
    columns = {name: plans[name] for name in ("mco", *CELL, "member_months", "raw_score")}
    table = pa.table({
        **columns, "average_score": average[pool], "factor": factor, "cell_rate": rate, "rate": rate * factor,
        "payment_before": before, "payment": after, "change": np.round(after - before, 2),
    })  # fmt: skip
    unused = len(set(keys) - set(pool_keys) - {keys[n] for n in np.flatnonzero(cells["unit"] == EVENT)})
    run = {
        "plan_rows": plans.n_rows,
        "pools": len(pool_keys),
        "cells_without_scores": unused,
        "payment_before": float(np.round(before.sum(), 2)),
        "payment": float(np.round(after.sum(), 2)),
        "moved": float(np.round(np.maximum(after - before, 0).sum(), 2)),
        "decimals": decimals,
    }
    return RiskAdjustedRates(table, _pool_table(pool_keys, pool, plans, table), run)


def _factors(plans: Columns, pool: Any, n_pools: int, decimals: int | None) -> tuple[Numbers, Numbers]:
    """Return the mean score of each pool, and each row's factor: its mean by member months is 1 in every pool."""
    check_decimals(decimals)
    months = plans["member_months"]

    def mean(values: Numbers) -> Numbers:
        return add_up(pool, months * values, n_pools) / add_up(pool, months, n_pools)

    average = mean(plans["raw_score"])
    relative = plans["raw_score"] / average[pool]
    if decimals is not None:
        relative = round_to(relative, 10.0**-decimals)
        plans.refuse(relative <= 0, f"the relative score rounds to nothing at {decimals} decimals; use more;")
    return average, relative / mean(relative)[pool]


def _payments(
    plans: Columns, rate: Numbers, factor: Numbers, pool: Any, n_pools: int
) -> tuple[Numbers, Numbers]:
    """Return payments of each row before and after, in whole cents that add up to the same in every pool."""
    flat = plans["member_months"] * rate
    totals = round_cents(add_up(pool, flat, n_pools))
    return cents_that_add_up(flat, pool, totals), cents_that_add_up(flat * factor, pool, totals)


def _pool_table(keys: list[tuple[Any, ...]], pool: Any, plans: Columns, rates: pa.Table) -> pa.Table:
    def total(values: Numbers) -> Numbers:
        return add_up(pool, values, len(keys))

    months = plans["member_months"]
    columns: dict[str, Any] = {name: [key[place] for key in keys] for place, name in enumerate(CELL)}
    columns |= {
        "mcos": np.bincount(pool, minlength=len(keys)),
        "member_months": total(months),
        "average_score": total(months * plans["raw_score"]) / total(months),
        "mean_factor": total(months * rates["factor"].to_numpy()) / total(months),
        "payment_before": np.round(total(rates["payment_before"].to_numpy()), 2),
        "payment": np.round(total(rates["payment"].to_numpy()), 2),
    }
    return pa.table(columns)
