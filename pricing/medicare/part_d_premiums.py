"""Part D premiums: the national averages, a plan's own premium and direct subsidy, the penalty for joining late."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Column, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_cents, round_to

#: Kinds of plans; only the first two count in the national average (42 CFR 423.279(b)).
COUNTED = ("pdp", "mapd")
KINDS = (*COUNTED, "msa", "pffs", "snp", "pace", "cost")
#: Columns of the plans that bid: one row each.
BIDS = (
    Column("plan_id", "text"),
    Column("plan_type", "text", allowed=KINDS),
    Column("standardised_bid", above=0.0),
    Column("enrollment", minimum=0.0),
)


def national_average_bid(bids: Any) -> float:
    """Return the national average monthly bid: standardised bids, weighted by enrollment [dollars a month].

    Parameters
    ----------
    bids : path, DataFrame, Arrow table, mapping
        One row per plan (`BIDS`): plan_type, standardised_bid, enrollment in the reference month. Plans of kinds that
        do not count are left out.

    Returns
    -------
    float
        Dollars a month.

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or nobody is enrolled in a plan that counts.

    References
    ----------
    .. [1] 42 CFR 423.279: `usc1395w113` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> national_average_bid({"plan_id": ["a", "b", "c"], "plan_type": ["pdp", "mapd", "pace"],
    ...     "standardised_bid": [250.0, 230.0, 900.0], "enrollment": [1, 3, 5]})
    235.0
    """
    plans = read_columns(bids, BIDS, role="bids", key=("plan_id",))
    weights = np.where(np.isin(plans["plan_type"].astype(str), COUNTED), plans["enrollment"], 0.0)
    if not weights.sum() > 0:
        raise InputError(
            f"{plans.label}: nobody is enrolled in a plan that counts; these do: {', '.join(COUNTED)}."
        )
    return float(np.average(plans["standardised_bid"], weights=weights))


def base_beneficiary_premium(
    *, payment_year: int, uncapped: float, previous: float, rates: Rates | None = None
) -> float:
    """Return the base beneficiary premium: the formula's, but at most the year's growth over the year before.

    Parameters
    ----------
    payment_year : int
    uncapped : float
        25.5 percent of expected cost, from `uncapped_premium` [dollars a month].
    previous : float
        The prior year's base beneficiary premium [dollars a month].
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a month]

    Raises
    ------
    InputError
        A premium is negative.

    References
    ----------
    .. [1] `usc1395w113` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    if not (uncapped >= 0 and previous >= 0):
        raise InputError("base premiums cannot be negative or missing.")
    if not rates.has("part_d_premium_growth_limit"):
        return float(round_cents(uncapped))
    return float(round_cents(min(uncapped, previous * rates.number("part_d_premium_growth_limit"))))


def uncapped_premium(
    *, payment_year: int, national_average_bid: float, reinsurance: float, rates: Rates | None = None
) -> float:
    """Return the base premium before the limit on its growth [dollars a month].

    Parameters
    ----------
    payment_year : int
    national_average_bid : float
        National average monthly bid amount [dollars a month].
    reinsurance : float
        Share of expected cost that reinsurance pays: reinsurance / (reinsurance + bids), from 0 to below 1.
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a month, unrounded]

    Raises
    ------
    InputError
        The share is none, or the bid is negative.

    References
    ----------
    .. [1] 42 CFR 423.286(b), (c); `usc1395w113` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> round(uncapped_premium(payment_year=2025, national_average_bid=179.45, reinsurance=0.1825), 2)
    55.98
    """
    rates = rates or load_rates("medicare", payment_year)
    if not 0 <= reinsurance < 1:
        raise InputError("reinsurance is a share of expected cost, from 0 to below 1.")
    if not national_average_bid >= 0:
        raise InputError("the national average bid cannot be negative or missing.")
    return rates.number("part_d_premium_share") / (1 - reinsurance) * national_average_bid


def basic_premium(standardised_bid: float, *, payment_year: int, rates: Rates | None = None) -> float:
    """Return a plan's basic premium: the base premium plus what its bid is above the average, at least 0.

    Parameters
    ----------
    standardised_bid : float
        At a risk score of 1.000 [dollars a month].
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a month]

    Raises
    ------
    InputError
        The bid is no finite number.
    UnknownRateError
        The year has no national average bid or base premium.
    """
    rates = rates or load_rates("medicare", payment_year)
    return max(float(adjusted_premium(standardised_bid, rates)), 0.0)


def adjusted_premium(standardised_bid: Any, rates: Rates) -> Numbers:
    """Return the base premium plus what a bid is above the national average [dollars a month]; it may be below 0.

    References
    ----------
    .. [1] 42 CFR 423.286(d)(1).
    """
    bid = np.asarray(standardised_bid, np.float64)
    if not np.isfinite(bid).all():
        raise InputError("standardised bids must be finite numbers.")
    above = bid - rates.number("part_d_national_average_bid")
    return rates.number("part_d_base_premium") + above


def direct_subsidy(
    standardised_bid: Any, *, risk_score: Any, payment_year: int, rates: Rates | None = None
) -> Numbers:
    """Return the monthly direct subsidy: standardised bid x RxHCC payment score - basic premium [dollars a month].

    A bid so low that the premium would be negative leaves a premium of 0, and what is below 0 raises the subsidy:
    before risk adjustment it is the same for every plan of the country.

    Parameters
    ----------
    standardised_bid : float or array
        At a risk score of 1.000 [dollars a month].
    risk_score : float or array, broadcast together
        Part D payment risk score. [1.000 = average enrollee]
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [dollars a month]

    Raises
    ------
    InputError
        A bid is no finite number, or a score is negative.
    UnknownRateError
        The year has no national average bid or base premium.

    References
    ----------
    .. [1] 42 CFR 423.286(d)(1), 423.329(a)(1); `usc1395w115` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> direct_subsidy([179.45, 100.0], risk_score=1.0, payment_year=2025).round(2).tolist()
    [142.67, 142.67]
    """
    rates = rates or load_rates("medicare", payment_year)
    bid, score = np.asarray(standardised_bid, np.float64), np.asarray(risk_score, np.float64)
    if not (score >= 0).all():
        raise InputError("risk scores cannot be negative or missing.")
    return bid * score - adjusted_premium(bid, rates)


def late_enrollment_penalty(months: int, *, payment_year: int, rates: Rates | None = None) -> float:
    """Return the monthly penalty for months without creditable coverage, to ten cents [dollars a month].

    Parameters
    ----------
    months : int
        Without creditable coverage.
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a month]

    Raises
    ------
    InputError
        The months are negative.
    UnknownRateError
        The year has no base premium.
    """
    rates = rates or load_rates("medicare", payment_year)
    if not months >= 0:
        raise InputError("months without coverage cannot be negative or missing.")
    penalty = rates.number("part_d_late_penalty") * months * rates.number("part_d_base_premium")
    return float(round_to(penalty, rates.number("part_d_penalty_rounding")))
