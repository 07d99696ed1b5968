"""Medical savings account plans: what Medicare deposits for enrollees and pays the plan (42 USC 1395w-23(e)).

The bid tool of these plans is a worksheet of its own whose cell logic is not published; here are the statute's
mechanics only, from a premium that the caller has priced.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Numbers, read_columns
from pricing.medicare.bid import SERVICE_AREA

MONTHS = 12


def savings_deposits(service_area: Any, *, msa_premium: float) -> pa.Table:
    """Return what is deposited in the account of each county's enrollees.

    Parameters
    ----------
    service_area : path, DataFrame, Arrow table, mapping
        One row per county (`SERVICE_AREA`): member_months, rate [dollars a month at 1.000].
    msa_premium : float
        What the plan asks for its benefit above the deductible, the same for everybody [dollars a month].

    Returns
    -------
    pyarrow.Table
        county_code, member_months, rate, deposit [dollars a year: twelve times what the rate is above the premium].

    Raises
    ------
    InputError
        A column is missing or holds impossible values; the premium is not above 0, or above the rate of a county:
        such a plan leaves nothing to save.

    References
    ----------
    .. [1] `usc1395w23` (e)(1); 42 CFR 422.314(c). Not checked against CMS's bid tool for these plans.

    Examples
    --------
    >>> savings_deposits({"county_code": ["1"], "member_months": [60], "rate": [1000.0]}, msa_premium=800.0)[
    ...     "deposit"].to_pylist()
    [2400.0]
    """
    if not msa_premium > 0:
        raise InputError("msa_premium must be above 0.")
    areas = read_columns(service_area, SERVICE_AREA, role="service area", key=("county_code",))
    areas.refuse(areas["rate"] < msa_premium, f"a rate below the premium of {msa_premium:,.2f}")
    deposit = MONTHS * (areas["rate"] - msa_premium)
    return areas.with_columns(deposit=deposit).table()


def savings_payment(*, rate: Any, risk_score: Any, deposit: Any) -> Numbers:
    """Return what Medicare pays the plan each month: the rate at the member's risk score less a twelfth of the deposit.

    Parameters
    ----------
    rate : float or array
        Of the county [dollars a month at 1.000].
    risk_score : float or array
        Of the member. [1.000 = average fee-for-service beneficiary]
    deposit : float or array
        Of a year [dollars].

    Returns
    -------
    ndarray of float64 [dollars a month]

    Raises
    ------
    InputError
        A number is negative.

    References
    ----------
    .. [1] 42 CFR 422.304(c)(2). Before sequestration.

    Examples
    --------
    >>> float(savings_payment(rate=1000.0, risk_score=1.1, deposit=2400.0))
    900.0
    """
    values = [np.asarray(number, np.float64) for number in (rate, risk_score, deposit)]
    if not all((value >= 0).all() for value in values):
        raise InputError("rates, risk scores and deposits cannot be negative or missing.")
    paid: Numbers = values[0] * values[1] - values[2] / MONTHS
    return paid
