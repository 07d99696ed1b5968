"""Out-of-pocket drug cost spread over the months of a year: the Medicare Prescription Payment Plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import Rates, load_rates

MONTHS = 12


def smoothed_payments(
    out_of_pocket: Any, *, payment_year: int, first_month: Any = 1, rates: Rates | None = None
) -> Numbers:
    """Return what enrollees pay each month if they spread their out-of-pocket cost.

    In the first month of the election at most the threshold less what was incurred before, divided by the months left;
    then each month what is still owed and newly incurred, divided by the months left. A plan's cash flow only: over the
    year everybody pays what they incurred.

    Parameters
    ----------
    out_of_pocket : array of shape (n, 12), or (12,) for one enrollee
        Covered cost that the enrollee incurs each month [dollars].
    payment_year : int
        Its out-of-pocket threshold applies.
    first_month : int or array of shape (n,)
        Month of the election, 1 to 12; earlier cost is paid as it is incurred.
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64, shape (n, 12) [dollars, unrounded]

    Raises
    ------
    InputError
        The year has a coverage gap, a cost is negative, a year's cost exceeds the threshold, or a month is none.

    References
    ----------
    .. [1] 42 USC 1395w-102(b)(2)(E): `usc1395w102` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> paid = smoothed_payments([500.0] * 4 + [0.0] * 8, payment_year=2025)
    >>> [round(float(dollars), 2) for dollars in paid[0, :5]]
    [166.67, 75.76, 125.76, 181.31, 181.31]
    """
    rates = rates or load_rates("medicare", payment_year)
    if rates.has("part_d_initial_coverage_limit"):
        raise InputError(
            f"{rates.year} has a coverage gap; costs are spread from the year on in which it is gone."
        )
    cost = np.atleast_2d(np.asarray(out_of_pocket, np.float64))
    threshold = rates.number("part_d_threshold")
    first = np.broadcast_to(np.asarray(first_month, np.int64), (len(cost),))
    _check(cost, first, threshold)
    paid, owed = np.zeros_like(cost), np.zeros(len(cost))
    incurred = np.zeros(len(cost))
    for month in range(1, MONTHS + 1):
        new, left = cost[:, month - 1], MONTHS + 1 - month
        most = np.where(month == first, (threshold - incurred) / left, np.inf)
        spread = np.where(month == first, np.minimum(new, most), (owed + new) / left)
        paid[:, month - 1] = np.where(month < first, new, spread)
        owed = owed + new - paid[:, month - 1]
        incurred = incurred + new
    return paid


def _check(cost: Numbers, first: Any, threshold: float) -> None:
    if cost.ndim != 2 or cost.shape[1] != MONTHS:
        raise InputError(f"out_of_pocket needs a cost for each of {MONTHS} months.")
    if not (np.isfinite(cost).all() and (cost >= 0).all()):
        raise InputError("out-of-pocket cost must be finite and not negative.")
    if (cost.sum(axis=1) > threshold + 0.5 / 100).any():
        raise InputError(f"a year's out-of-pocket cost is above the threshold of {threshold:,.2f} dollars.")
    if ((first < 1) | (first > MONTHS)).any():
        raise InputError("months run from 1 to 12.")
