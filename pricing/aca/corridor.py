"""Risk corridors of the first ACA years (42 USC 18062)."""

from __future__ import annotations

from typing import Any

from pricing.corridor import Band, corridor_payment
from pricing.inputs import Numbers
from pricing.parameters import Rates, load_rates


def aca_risk_corridor(
    allowable_cost: Any, target: Any, *, benefit_year: int, rates: Rates | None = None
) -> Numbers:
    """Return what HHS pays a plan (negative: the plan pays) on its allowable cost against its target amount [dollars].

    Parameters
    ----------
    allowable_cost : float or array
        Claims and quality improvement [dollars].
    target : float or array, broadcast together
        Premium less allowable administrative cost [dollars].
    benefit_year : int
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [dollars]
        Positive: to the plan.

    Raises
    ------
    UnknownRateError
        The year had no risk corridor.
    InputError
        The target is not above 0.

    References
    ----------
    .. [1] `usc18062` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> float(aca_risk_corridor(85.0, 100.0, benefit_year=2015))
    -8.1
    """
    rates = rates or load_rates("aca", benefit_year)
    bands = [
        Band(rates.number(f"corridor_{name}"), rates.number(f"corridor_{name}_share"))
        for name in ("first", "second")
    ]
    return corridor_payment(allowable_cost, target, bands=bands)
