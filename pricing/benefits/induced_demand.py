"""Induced demand: how much more people use under richer benefits. An assumption to look at, and to replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pricing.errors import InputError
from pricing.parameters import Rates, load_rates


@dataclass(frozen=True)
class InducedDemand:
    """Use of services by actuarial value.

    Attributes
    ----------
    curve : mapping of float to float
        Actuarial value -> use [factor], such as ``{0.6: 1.00, 0.9: 1.15}``; linear between the points, level outside
        them. Only ratios matter: use changes by ``curve(design) / curve(base)``.
    response : mapping of str to float
        By service category: how much of that change the category takes part in; 1 where it is not named, 0 for services
        that nobody seeks because they are covered.
    source : str

    Raises
    ------
    InputError
        At once, if the curve is empty, falls, or is not positive.
    """

    curve: Mapping[float, float]
    response: Mapping[str, float] = field(default_factory=dict)
    source: str = "given by the caller"

    def __post_init__(self) -> None:
        """Refuse a curve that cannot be one."""
        values = np.array([self.curve[point] for point in sorted(self.curve)], np.float64)
        if not len(values) or not (np.isfinite(values) & (values > 0)).all() or (np.diff(values) < 0).any():
            raise InputError("an induced-demand curve needs points that are positive and do not fall.")
        if any(not 0 <= share <= 1 for share in self.response.values()):
            raise InputError("induced demand: the response of a service category must be between 0 and 1.")

    def use(self, actuarial_value: float) -> float:
        """Return the use at an actuarial value, in the curve's own unit."""
        points = sorted(self.curve)
        return float(np.interp(actuarial_value, points, [self.curve[point] for point in points]))

    def factor(self, actuarial_value: float, base: float, service: str) -> float:
        """Return the use of a service category under a design, relative to its use under the base."""
        change = self.use(actuarial_value) / self.use(base) - 1
        return 1 + self.response.get(service, 1.0) * change


def federal_induced_demand(
    benefit_year: int, *, response: Mapping[str, float] | None = None, rates: Rates | None = None
) -> InducedDemand:
    """Return the induced demand of HHS's risk transfer formula: use at the actuarial values of the metal levels.

    Parameters
    ----------
    benefit_year : int
    response : mapping of str to float, optional
        By service category; HHS has none.
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    InducedDemand

    Raises
    ------
    UnknownRateError
        The year has no such factors.
    InputError
        A response is not between 0 and 1.

    References
    ----------
    .. [1] `transfer_idf` and `metal_av` in pricing/rates/aca/parameters.csv.
    """
    rates = rates or load_rates("aca", benefit_year)
    values = rates.by_key("metal_av")
    curve = {values[level]: use for level, use in rates.by_key("transfer_idf").items() if level in values}
    return InducedDemand(
        curve, dict(response or {}), f"HHS risk transfer formula, benefit year {benefit_year}"
    )
