"""Dollars rounded as rate tables and premiums print them: halves up, on their decimal value."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.inputs import Numbers

CENT = 0.01
#: Decimals of a unit that count: what differs by less is the noise of floating point.
_DECIMALS_OF_A_UNIT = 4


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
    units = np.round(np.asarray(dollars, np.float64) * per_dollar, _DECIMALS_OF_A_UNIT)
    rounded: Numbers = np.floor(units + 0.5) / per_dollar
    return rounded


def round_cents(dollars: Any) -> Numbers:
    """Return dollars in whole cents, halves up."""
    return round_to(dollars, CENT)
