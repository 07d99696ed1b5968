"""The premium tax credit: the benchmark plan, what a household is to contribute, and the rest (26 USC 36B)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_cents, round_to

_MONTHS = 12
_HUNDREDTH_OF_A_PERCENT = 1 / 10_000


def second_lowest_premium(premiums: Any) -> float:
    """Return the premium of the benchmark plan: the second lowest of the silver plans that a household can buy.

    Parameters
    ----------
    premiums : array of shape (n,)
        Of each silver plan, for the household's members and area [dollars a month]. Two plans of the same premium count
        as two; of one plan alone it is that plan's.

    Returns
    -------
    float [dollars a month]

    Raises
    ------
    InputError
        There is no plan, or a premium is negative.

    References
    ----------
    .. [1] 26 CFR 1.36B-3(f): `usc36b` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> second_lowest_premium([480.0, 455.0, 455.0])
    455.0
    """
    ordered = np.sort(np.asarray(premiums, np.float64).ravel())
    if not len(ordered) or not (ordered >= 0).all():
        raise InputError(
            "the benchmark plan needs at least one silver plan, and premiums that are not negative."
        )
    return float(ordered[min(1, len(ordered) - 1)])


def applicable_percentage(
    income_to_poverty: Any, *, benefit_year: int, rates: Rates | None = None
) -> Numbers:
    """Return the share of its income that a household is to contribute to the benchmark plan.

    Parameters
    ----------
    income_to_poverty : float or array
        Household income over the poverty line [ratio: 1.5 is 150 percent].
    benefit_year : int
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [share of household income]
        Linear within each bracket, to the nearest hundredth of a percent; not a number (NaN) where the income has no
        credit. Form 8962 drops the fraction of the percentage of the poverty line first: give whole percents for that.

    Raises
    ------
    InputError
        An income is negative.
    UnknownRateError
        The year has no brackets.

    References
    ----------
    .. [1] 26 USC 36B(b)(3)(A), (c)(1)(A); 26 CFR 1.36B-3(g)(1): `usc36b` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> applicable_percentage([1.0, 1.75, 4.5], benefit_year=2025).round(4).tolist()
    [0.0, 0.01, 0.085]
    """
    rates = rates or load_rates("aca", benefit_year)
    percent = 100 * np.asarray(income_to_poverty, np.float64)
    if not (percent >= 0).all():
        raise InputError("income over the poverty line cannot be negative or missing.")
    firsts, lasts = rates.by_key("ptc_percentage_first"), rates.by_key("ptc_percentage_last")
    lows = np.array(sorted(float(low) for low in firsts))
    limit = rates.number("ptc_income_limit") if rates.has("ptc_income_limit") else np.inf
    highs = np.append(lows[1:], limit)
    bracket = np.searchsorted(lows, percent, side="right") - 1
    first, last = (np.array([values[f"{low:g}"] for low in lows])[bracket] for values in (firsts, lasts))
    part = np.minimum((percent - lows[bracket]) / (highs - lows)[bracket], 1.0)
    has_credit = (percent >= rates.number("ptc_income_least")) & (percent <= limit)
    return np.where(has_credit, round_to(first + (last - first) * part, _HUNDREDTH_OF_A_PERCENT), np.nan)


def premium_tax_credit(
    premium: Any,
    *,
    benchmark_premium: Any,
    household_income: Any,
    income_to_poverty: Any,
    benefit_year: int,
    rates: Rates | None = None,
) -> Numbers:
    """Return the credit of each household: the benchmark premium less its contribution, at most its own premium.

    Parameters
    ----------
    premium, benchmark_premium : float or array, broadcast together
        Of the plan bought and of the benchmark plan (`second_lowest_premium`), for essential health benefits [dollars a
        month].
    household_income : float or array
        Modified adjusted gross income [dollars a year].
    income_to_poverty : float or array
        The same income over the poverty line [ratio: 1.5 is 150 percent].
    benefit_year : int
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [dollars a month, whole cents]
        0 where the income has no credit.

    Raises
    ------
    InputError
        A premium or an income is negative.
    UnknownRateError
        The year has no brackets.

    References
    ----------
    .. [1] 26 USC 36B(b): `usc36b` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> premium_tax_credit(420.0, benchmark_premium=455.0, household_income=30_000, income_to_poverty=2.0,
    ...     benefit_year=2025).tolist()
    405.0
    """
    own, benchmark, income = (
        np.asarray(values, np.float64) for values in (premium, benchmark_premium, household_income)
    )
    if not all((values >= 0).all() for values in (own, benchmark, income)):
        raise InputError("premiums and incomes cannot be negative or missing.")
    share = applicable_percentage(income_to_poverty, benefit_year=benefit_year, rates=rates)
    credit = np.clip(benchmark - share * income / _MONTHS, 0.0, own)
    return round_cents(np.where(np.isnan(share), 0.0, credit))
