"""Part D for low incomes and high ones: premium subsidy, regional benchmark, de minimis; income-related amounts."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Column, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_cents, round_to

#: Columns of a region's plans: one row each.
REGION = (
    Column("plan_id", "text"),
    Column("basic_premium", minimum=0.0),
    Column("low_income_enrollment", minimum=0.0),
    Column("is_stand_alone", "flag"),
)


def low_income_benchmark(region: Any) -> float:
    """Return the benchmark of a region: plans' basic premiums, weighted by their low-income enrollment.

    Parameters
    ----------
    region : path, DataFrame, Arrow table, mapping
        One row per plan that counts (`REGION`): basic_premium [dollars a month], low_income_enrollment, is_stand_alone.
        It leaves out PACE, private fee-for-service and cost plans.

    Returns
    -------
    float
        At least the lowest basic premium of a stand-alone plan. [dollars a month, unrounded]

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or nobody with low income is enrolled.

    References
    ----------
    .. [1] 42 CFR 423.780(b): `cfr423_780` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> low_income_benchmark({"plan_id": ["a", "b"], "basic_premium": [30.0, 50.0],
    ...     "low_income_enrollment": [300, 100], "is_stand_alone": [True, False]})
    35.0
    """
    plans = read_columns(region, REGION, role="region", key=("plan_id",))
    weights = plans["low_income_enrollment"]
    if not weights.sum() > 0:
        raise InputError(f"{plans.label}: nobody with low income is enrolled; give low_income_enrollment.")
    average = float(np.average(plans["basic_premium"], weights=weights))
    alone = plans["basic_premium"][plans["is_stand_alone"].astype(bool)]
    return max(average, float(alone.min())) if len(alone) else average


def low_income_premium(
    basic_premium: Any,
    *,
    benchmark: float,
    payment_year: int,
    waives: Any = False,
    rates: Rates | None = None,
) -> tuple[Numbers, Numbers]:
    """Return the premium subsidy, and what is left for enrollees with the full subsidy.

    Parameters
    ----------
    basic_premium : float or array
        Of the plan's basic coverage [dollars a month].
    benchmark : float
        The region's (`low_income_benchmark`) [dollars a month].
    payment_year : int
    waives : bool or array
        Whether the plan waives what is left, as far as it is de minimis.
    rates : Rates, optional

    Returns
    -------
    subsidy, left : ndarray of float64 [dollars a month]

    Raises
    ------
    InputError
        A premium or the benchmark is negative.

    References
    ----------
    .. [1] 42 CFR 423.780(a), (b), (f): `cfr423_780` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> subsidy, left = low_income_premium([30.0, 36.5, 40.0], benchmark=35.0, payment_year=2026, waives=True)
    >>> subsidy.tolist(), left.tolist()
    ([30.0, 35.0, 35.0], [0.0, 0.0, 5.0])
    """
    rates = rates or load_rates("medicare", payment_year)
    premium = np.asarray(basic_premium, np.float64)
    if not (premium >= 0).all() or not benchmark >= 0:
        raise InputError("basic premiums and the low-income benchmark cannot be negative or missing.")
    subsidy = np.minimum(premium, benchmark)
    left = premium - subsidy
    is_waived = np.asarray(waives, np.bool_) & (round_cents(left) <= rates.number("part_d_de_minimis"))
    return subsidy, np.where(is_waived, 0.0, left)


def income_related_amount(bracket: int, *, payment_year: int, rates: Rates | None = None) -> float:
    """Return what enrollees of an income bracket pay on top of their Part D premium [dollars a month, whole dimes].

    Parameters
    ----------
    bracket : int
        Number of the bracket: 0 for incomes below the first, then 1 upward.
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a month]

    Raises
    ------
    InputError
        There is no such bracket.
    UnknownRateError
        The year has no base premium.

    References
    ----------
    .. [1] 42 USC 1395w-113(a)(7): `usc1395w113` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> income_related_amount(1, payment_year=2025)
    13.7
    """
    rates = rates or load_rates("medicare", payment_year)
    shares = rates.by_key("part_d_irmaa_share")
    if bracket != 0 and str(bracket) not in shares:
        raise InputError(f"income bracket {bracket} does not exist; there are 0 to {len(shares)}.")
    if bracket == 0:
        return 0.0
    usual = rates.number("part_d_premium_share")
    amount = rates.number("part_d_base_premium") * (shares[str(bracket)] - usual) / usual
    return float(round_to(amount, rates.number("premium_rounding", "part_d")))
