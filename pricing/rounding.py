"""Dollars rounded as rate tables and premiums print them: halves up, on their decimal value."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.inputs import Numbers

CENT = 0.01
#: What falls short of a half by less is the noise of floating point: decimals of a unit, or a share of a large number.
#: Ratios of dollars and cents, and products of factors, may truly fall short of a half by little more.
DECIMALS_OF_A_UNIT = 8
_NOISE_OF_A_NUMBER = 1e-14


def round_to(dollars: Any, unit: float) -> Numbers:
    """Return dollars rounded to a unit (0.01 a cent, 0.10 a dime, 1 a dollar), halves up.

    Parameters
    ----------
    dollars : float or array
        Not negative for prices; a negative half rounds toward zero.
    unit : float
        At most one dollar, and a whole number of them makes a dollar.

    Returns
    -------
    ndarray of float64, the shape of `dollars`

    Examples
    --------
    >>> round_to([0.005, 1.005, 2.675], 0.01).tolist()
    [0.01, 1.01, 2.68]
    """
    per_dollar = round(1 / unit)
    units = np.asarray(dollars, np.float64) * per_dollar
    noise = np.maximum(np.abs(units) * _NOISE_OF_A_NUMBER, 0.5 * 10.0**-DECIMALS_OF_A_UNIT)
    rounded: Numbers = np.floor(units + 0.5 + noise) / per_dollar
    return rounded


def round_cents(dollars: Any) -> Numbers:
    """Return dollars in whole cents, halves up."""
    return round_to(dollars, CENT)


def cents_that_add_up(dollars: Any, group: Any, totals: Any) -> Numbers:
    """Return dollars in whole cents that add up to a total in each group: the largest remainders take the odd cents.

    Parameters
    ----------
    dollars : array of shape (n_rows,)
        In each group they add up to its total but for less than a cent a row.
    group : array of int, shape (n_rows,)
    totals : array of shape (n_groups,)
        Whole cents [dollars].

    Examples
    --------
    >>> cents_that_add_up([1 / 3, 1 / 3, 1 / 3], [0, 0, 0], [1.0]).tolist()
    [0.34, 0.33, 0.33]
    """
    exact = np.asarray(dollars, np.float64) * 100
    rows, wanted = np.asarray(group, np.int64), np.asarray(totals, np.float64) * 100
    cents = np.floor(exact)
    order = np.lexsort((np.arange(len(exact)), -(exact - cents)))
    short = np.rint(wanted - np.bincount(rows, cents, len(wanted))).astype(np.int64)
    for row in order:
        if short[rows[row]] > 0:
            cents[row] += 1
            short[rows[row]] -= 1
    return cents / 100 + 0.0
