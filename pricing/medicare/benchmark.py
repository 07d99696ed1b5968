"""County benchmarks of Medicare Advantage (42 USC 1395w-23(n), (o); 42 CFR 422.258)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates

QUARTILES = ("1", "2", "3", "4")
#: Columns of counties: one row each.
COUNTIES = (
    Column("county_code", "text"),
    Column("ffs_base", above=0.0),
    Column("quartile", "integer", minimum=1, maximum=4),
    Column("previous_quartile", "integer", default=..., minimum=1, maximum=4),
    Column("is_qualifying", "flag", default=False),
    Column("pre_aca_cap", default=..., above=0.0),
)
#: Columns of counties that are ranked.
RANKED = (
    Column("county_code", "text"),
    Column("ffs_base", above=0.0),
    Column("is_territory", "flag", default=False),
)
PARAMETERS = ("applicable_percentage", "bonus", "bonus_minimum_stars", "bonus_multiple_of_qualifying_county")


def bonus_percentage(stars: float | None, *, rates: Rates, is_new_plan: bool = False) -> float:
    """Return the quality bonus of a contract, added to the applicable percentage [share of fee-for-service cost].

    Parameters
    ----------
    stars : float or None
        Star rating, in halves; None: not rated (no bonus unless the plan is new).
    rates : Rates
        Of program "medicare" and the payment year.
    is_new_plan : bool
        The parent organization had no contract in the last three years.

    Returns
    -------
    float [share of fee-for-service cost]

    Raises
    ------
    InputError
        The rating is impossible.
    """
    if is_new_plan:
        return rates.number("bonus", "new")
    check_stars(stars, rates)
    rated = stars is not None and stars >= rates.number("bonus_minimum_stars")
    return rates.number("bonus", "rated") if rated else 0.0


def check_stars(stars: float | None, rates: Rates) -> None:
    """Raise InputError unless a star rating is one that CMS gives: 1 to 5 in halves."""
    low, high = rates.number("lowest_stars"), rates.number("highest_stars")
    if stars is not None and not (low <= stars <= high and (2 * stars) % 1 == 0):
        raise InputError(
            f"a star rating of {stars:g} does not exist; ratings run from {low:g} to {high:g} in halves."
        )


def county_quartiles(counties: Any) -> pa.Table:
    """Rank counties into quartiles of fee-for-service cost, as next year's benchmarks need them.

    Counties of the States and the District of Columbia are ranked; those of territories are placed by where the others
    are cut. Counties of the same cost share a quartile, the one of higher spending.

    Parameters
    ----------
    counties : path, DataFrame, Arrow table, mapping
        One row per county (`RANKED` lists the columns): county_code, ffs_base [dollars a month], optionally
        is_territory.

    Returns
    -------
    pyarrow.Table
        county_code, quartile (1 = highest spending).

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or every county is of a territory.

    References
    ----------
    .. [1] `usc1395w23` (n)(2)(C) in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> county_quartiles({"county_code": list("ABCDE"), "ffs_base": [900, 1300, 1000, 1100, 950],
    ...     "is_territory": [False, False, False, False, True]})["quartile"].to_pylist()
    [4, 1, 3, 2, 4]
    """
    columns = read_columns(counties, RANKED, role="counties", key=("county_code",))
    cost, ranks = columns["ffs_base"], ~columns["is_territory"].astype(np.bool_)
    columns.refuse(np.full(columns.n_rows, not ranks.any()), "no county of a State to rank by")
    ranked = np.sort(cost[ranks])[::-1]
    lowest = [ranked[-(-len(ranked) * int(each) // len(QUARTILES)) - 1] for each in QUARTILES[:-1]]
    quartile = 1 + sum((cost < cut for cut in lowest), start=np.zeros(columns.n_rows, np.int64))
    return pa.table({"county_code": pa.array(columns["county_code"]), "quartile": pa.array(quartile)})


def county_benchmarks(
    counties: Any,
    *,
    payment_year: int,
    stars: float | None,
    is_new_plan: bool = False,
    rates: Rates | None = None,
) -> pa.Table:
    """Return the benchmark of each county for a contract's star rating.

    Parameters
    ----------
    counties : path, DataFrame, Arrow table, mapping
        One row per county (`COUNTIES` lists the columns): ffs_base [dollars a month: fee-for-service cost with its
        carve-outs], quartile of last year's ranking (1 = highest spending; `county_quartiles` ranks), optionally
        previous_quartile (a change of quartile takes the mean of both percentages for a year), is_qualifying (the bonus
        is doubled), pre_aca_cap
        [dollars a month: the amount that the benchmark may not exceed].
    payment_year : int
    stars : float or None
        The rating that the payment year's bonus follows, of the year before.
    is_new_plan : bool
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    pyarrow.Table
        county_code, applicable_percentage (bonus included), bonus, specified_amount, benchmark [dollars a month],
        is_capped.

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or the rating is impossible.

    References
    ----------
    .. [1] `usc1395w23` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    columns = read_columns(counties, COUNTIES, role="counties", key=("county_code",))
    bonus = _bonuses(columns, bonus_percentage(stars, rates=rates, is_new_plan=is_new_plan), rates)
    percentage = _percentages(columns, rates) + bonus
    specified = columns["ffs_base"] * percentage
    cap = columns["pre_aca_cap"] if "pre_aca_cap" in columns else np.full(columns.n_rows, np.inf)
    return pa.table(
        {
            "county_code": pa.array(columns["county_code"]),
            "applicable_percentage": pa.array(percentage),
            "bonus": pa.array(bonus),
            "specified_amount": pa.array(specified),
            "benchmark": pa.array(np.minimum(specified, cap)),
            "is_capped": pa.array(specified > cap),
        }
    )


def _percentages(columns: Columns, rates: Rates) -> Numbers:
    by_quartile = np.array([rates.number("applicable_percentage", quartile) for quartile in QUARTILES])
    now = by_quartile[columns["quartile"] - 1]
    if "previous_quartile" not in columns:
        return now
    before = by_quartile[columns["previous_quartile"] - 1]
    return (now + before) / 2


def _bonuses(columns: Columns, bonus: float, rates: Rates) -> Numbers:
    multiple = rates.number("bonus_multiple_of_qualifying_county")
    return np.where(columns["is_qualifying"].astype(np.bool_), bonus * multiple, bonus)
