"""Benchmarks of Medicare Advantage regions, for regional plans (42 USC 1395w-27a(f); 42 CFR 422.258(c))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, read_columns

#: Columns of a region's counties: one row each.
COUNTIES = (
    Column("county_code", "text"),
    Column("rate", above=0.0),
    Column("eligibles", minimum=0.0),
)
#: Columns of the regional plans' bids: one row each.
BIDS = (
    Column("plan_id", "text"),
    Column("standardised_bid", above=0.0),
    Column("enrollment", minimum=0.0),
)


@dataclass(frozen=True)
class RegionalBenchmark:
    """A region's benchmark at a risk score of 1.000 [dollars a month] and what it is made of.

    Attributes
    ----------
    statutory_amount : float
        Mean of the counties' rates, weighted by those who may join Medicare Advantage. [dollars a month]
    average_bid : float
        Mean of the regional plans' bids. [dollars a month]
    statutory_share : float
        Of those who may join Medicare Advantage in the nation, the share who did not.
    benchmark : float
        Both components by their shares. [dollars a month]
    """

    statutory_amount: float
    average_bid: float
    statutory_share: float
    benchmark: float

    def table(self) -> pa.Table:
        """Return one row per component: component, amount, weight, contribution."""
        weights = [self.statutory_share, 1 - self.statutory_share]
        amounts = [self.statutory_amount, self.average_bid]
        parts = [amount * weight for amount, weight in zip(amounts, weights, strict=True)]
        return pa.table(
            {"component": ["statutory", "plan bids"], "amount": amounts, "weight": weights, "contribution": parts}
        )  # fmt: skip


def regional_benchmark(counties: Any, *, bids: Any, statutory_share: float) -> RegionalBenchmark:
    """Return the benchmark of a region: a statutory and a plan-bid component.

    Parameters
    ----------
    counties : path, DataFrame, Arrow table, mapping
        Of the region, one row each (`COUNTIES`): rate [dollars a month at 1.000, at the plan's bonus], eligibles (who
        may join Medicare Advantage).
    bids : path, DataFrame, Arrow table, mapping
        Of the region's plans, one row each (`BIDS`): standardised_bid [dollars a month at 1.000], enrollment in the
        reference month. Where nobody is enrolled yet every plan weighs the same.
    statutory_share : float
        Of the nation's eligibles, the share not enrolled in Medicare Advantage, 0 to 1, as CMS announces it.

    Returns
    -------
    RegionalBenchmark

    Raises
    ------
    InputError
        A column is missing or holds impossible values, nobody is eligible, or the share is none.

    References
    ----------
    .. [1] `usc1395w27a` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> regional_benchmark({"county_code": ["1", "2"], "rate": [900.0, 1100.0], "eligibles": [3, 1]},
    ...     bids={"plan_id": ["a"], "standardised_bid": [850.0], "enrollment": [10]}, statutory_share=0.6).benchmark
    910.0
    """
    if not 0 <= statutory_share <= 1:
        raise InputError("statutory_share is a share of those who may join Medicare Advantage, from 0 to 1.")
    areas = read_columns(counties, COUNTIES, role="counties", key=("county_code",))
    plans = read_columns(bids, BIDS, role="bids", key=("plan_id",))
    if not areas["eligibles"].sum() > 0:
        raise InputError(f"{areas.label}: nobody may join Medicare Advantage; give eligibles.")
    statutory = float(np.average(areas["rate"], weights=areas["eligibles"]))
    weights = plans["enrollment"] if plans["enrollment"].sum() > 0 else None
    average = float(np.average(plans["standardised_bid"], weights=weights))
    benchmark = statutory_share * statutory + (1 - statutory_share) * average
    return RegionalBenchmark(statutory, average, statutory_share, benchmark)
