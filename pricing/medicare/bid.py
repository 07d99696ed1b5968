"""A bid against its benchmark: savings, rebate, premium, payment rates (42 USC 1395w-24; 42 CFR 422.254-422.266)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Numbers, read_columns
from pricing.medicare.benchmark import check_stars
from pricing.parameters import Rates, load_rates

#: Columns of a plan's service area: one row per county.
SERVICE_AREA = (
    Column("county_code", "text"),
    Column("member_months", above=0.0),
    Column("rate", above=0.0),
)
PARAMETERS = ("rebate_minimum_stars", "rebate_percentage", "sequestration", "msp_factor")


@dataclass(frozen=True)
class BidResult:
    """What a bid leads to.

    Attributes
    ----------
    standardised_benchmark, standardised_bid : float
        At a risk score of 1.000 [dollars a month].
    savings, rebate, basic_member_premium : float
        Dollars per member and month; savings and rebate at the plan's projected risk score.
    rebate_percentage : float
        Share of savings that is the rebate.
    counties : pyarrow.Table
        county_code, member_months, rate, isar (intra-service-area ratio), payment_rate [dollars a month at 1.000].
    """

    standardised_benchmark: float
    standardised_bid: float
    projected_risk_score: float
    savings: float
    rebate_percentage: float
    rebate: float
    basic_member_premium: float
    counties: pa.Table
    rates: Rates

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)


def rebate_percentage(stars: float | None, *, rates: Rates, is_new_plan: bool = False) -> float:
    """Return the share of savings that a plan keeps as a rebate, by star rating.

    Parameters
    ----------
    stars : float or None
        Star rating, in halves; None: not rated.
    rates : Rates
        Of program "medicare" and the payment year.
    is_new_plan : bool
        The parent organization had no contract in the last three years.

    Returns
    -------
    float [share of savings]

    Raises
    ------
    InputError
        The rating is impossible.

    References
    ----------
    .. [1] `usc1395w24` in pricing/rates/medicare/manifest.toml.
    """
    if is_new_plan:
        return rates.number("rebate_percentage", "new")
    check_stars(stars, rates)
    for level in ("high", "middle"):
        if stars is not None and stars >= rates.number("rebate_minimum_stars", level):
            return rates.number("rebate_percentage", level)
    return rates.number("rebate_percentage", "low")


def bid_result(
    service_area: Any,
    *,
    standardised_bid: float,
    projected_risk_score: float,
    stars: float | None,
    payment_year: int,
    is_new_plan: bool = False,
    rates: Rates | None = None,
) -> BidResult:
    """Return benchmark, savings, rebate, basic premium and county payment rates of a bid.

    Parameters
    ----------
    service_area : path, DataFrame, Arrow table, mapping
        One row per county (`SERVICE_AREA` lists the columns): member_months projected, rate [dollars a month at 1.000,
        at the plan's bonus].
    standardised_bid : float
        Required revenue for Parts A and B at a risk score of 1.000 [dollars a month].
    projected_risk_score : float
        Of the plan's members. [1.000 = average fee-for-service beneficiary]
    stars : float or None
    payment_year : int
    is_new_plan : bool
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    BidResult

    Raises
    ------
    InputError
        A column is missing or holds impossible values; the bid, score or rating is impossible.

    References
    ----------
    .. [1] `usc1395w24` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    if not standardised_bid > 0 or not projected_risk_score > 0:
        raise InputError("a standardised bid and a projected risk score must be above 0.")
    columns = read_columns(service_area, SERVICE_AREA, role="service area", key=("county_code",))
    benchmark = float(np.average(columns["rate"], weights=columns["member_months"]))
    isar = columns["rate"] / benchmark
    percentage = rebate_percentage(stars, rates=rates, is_new_plan=is_new_plan)
    savings = max(benchmark - standardised_bid, 0.0) * projected_risk_score
    counties = pa.table(
        {
            "county_code": pa.array(columns["county_code"]),
            "member_months": pa.array(columns["member_months"]),
            "rate": pa.array(columns["rate"]),
            "isar": pa.array(isar),
            "payment_rate": pa.array(standardised_bid * isar),
        }
    )
    return BidResult(
        benchmark, standardised_bid, projected_risk_score, savings, percentage, savings * percentage,
        max(standardised_bid - benchmark, 0.0), counties, rates,
    )  # fmt: skip


def implied_bid(
    payment: Any, *, risk_score: Any, rebate: Any = 0.0, basic_member_premium: Any = 0.0
) -> Numbers:
    """Return the standardised bids that published payments imply [dollars a month at a risk score of 1.000].

    A plan with a rebate, or without a basic premium, is paid its bid; any other is paid its bid less the premium.

    Parameters
    ----------
    payment : float or array
        Average risk-adjusted Part C payment, without the rebate [dollars a month].
    risk_score : float or array
        Average of the plan's members. [1.000 = average fee-for-service beneficiary]
    rebate, basic_member_premium : float or array
        Of the plan [dollars a month].

    Returns
    -------
    ndarray of float64 [dollars a month]

    Raises
    ------
    InputError
        A risk score is not above 0, or an amount is negative.

    References
    ----------
    .. [1] 42 CFR 422.264, 422.304(a): `usc1395w24` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> implied_bid([924.0, 1073.0], risk_score=1.05, rebate=[95.55, 0.0], basic_member_premium=[0.0, 40.0]).tolist()
    [880.0, 1060.0]
    """
    paid, score, back, premium = (
        np.asarray(values, np.float64) for values in (payment, risk_score, rebate, basic_member_premium)
    )
    if not (score > 0).all() or not all((values >= 0).all() for values in (paid, back, premium)):
        raise InputError(
            "risk scores must be above 0, and payments, rebates and premiums neither negative nor missing."
        )
    return (paid + np.where(back > 0, 0.0, premium)) / score


def part_c_payment(
    *,
    payment_rate: Any,
    risk_score: Any,
    payment_year: int,
    month: Any,
    rebate: Any = 0.0,
    basic_member_premium: Any = 0.0,
    frailty: Any = 0.0,
    secondary_payer: str | None = None,
    is_hospice: Any = False,
    rates: Rates | None = None,
) -> Numbers:
    """Return monthly Part C payments, after sequestration, unrounded.

    Parameters
    ----------
    payment_rate : float or array
        The county's rate at 1.000, ISAR-scaled [dollars a month].
    risk_score : float or array
        Payment risk score of the member.
    payment_year : int
    month : int or array
        1 to 12: sequestration changed within years.
    rebate, basic_member_premium : float or array
        Dollars a month, not risk adjusted; the premium of a bid above its benchmark lowers the payment.
    frailty : float or array
        Added to the risk score (PACE, fully integrated plans). [same unit]
    secondary_payer : {None, "aged_disabled", "esrd"}
        The share kept where Medicare pays second.
    is_hospice : bool or array
        In hospice months the rebate alone is paid.
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [dollars a month]

    Raises
    ------
    InputError
        A rate, score, rebate or premium is negative, or a month is none.

    References
    ----------
    .. [1] `usc1395w24`, `sequestration_law`, `announcements` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    rate, score, back, premium = (
        np.asarray(values, np.float64) for values in (payment_rate, risk_score, rebate, basic_member_premium)
    )
    if not all((values >= 0).all() for values in (rate, score, back, premium)):
        raise InputError("payment rates, risk scores, rebates and premiums cannot be negative or missing.")
    if not np.isfinite(frailty).all():
        raise InputError("frailty must be a finite number.")
    kept = 1.0 if secondary_payer is None else rates.number("msp_factor", secondary_payer)
    base = np.where(is_hospice, 0.0, (rate * (score + np.asarray(frailty)) - premium) * kept)
    return (base + back) * (1 - sequestration(month, rates))


def sequestration(month: Any, rates: Rates) -> Numbers:
    """Return the share of plan payments withheld in each month (1 to 12) of the rates' year.

    Parameters
    ----------
    month : int or array
        1 to 12.
    rates : Rates
        Of program "medicare" and the payment year.

    Returns
    -------
    ndarray of float64 [share of the payment]

    Raises
    ------
    InputError
        A month is none.
    """
    months = np.asarray(month)
    if not ((months >= 1) & (months <= 12) & (months == np.floor(months))).all():
        raise InputError("months run from 1 to 12.")
    by_month = np.array([rates.number("sequestration", number) for number in range(1, 13)])
    return by_month[months.astype(np.int64) - 1]
