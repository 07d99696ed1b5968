"""Medical loss ratio and rebate of an issuer's market in a state (45 CFR 158.221-158.240)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.mlr import credibility, owed
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_to

PARAMETERS = ("mlr_base_credibility", "mlr_deductible_factor", "mlr_standard")
_THOUSANDTH = 0.001


@dataclass(frozen=True)
class LossRatio:
    """A medical loss ratio and the rebate that follows from it.

    Attributes
    ----------
    preliminary : float
        Numerator over denominator. [share of premium]
    base_credibility, deductible_factor : float
        Their product is added to the preliminary ratio. [share of premium; factor]
    ratio : float
        The adjusted ratio, rounded to three decimals, halves up; the preliminary one where experience is not
        credible at all.
    standard : float
        What the ratio is held against. [share of premium]
    is_credible : bool
        False below the least life-years of the table: no rebate is owed.
    rebate : float
        Dollars.
    """

    preliminary: float
    base_credibility: float
    deductible_factor: float
    ratio: float
    standard: float
    is_credible: bool
    rebate: float
    rates: Rates

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)


def loss_ratio(
    *,
    numerator: float,
    denominator: float,
    life_years: float,
    average_deductible: float,
    premium: float,
    market: str,
    reporting_year: int,
    standard: float | None = None,
    is_below_three_years: bool = False,
    rates: Rates | None = None,
) -> LossRatio:
    """Return the credibility-adjusted loss ratio and the rebate.

    Parameters
    ----------
    numerator, denominator : float
        Of three years: claims and quality improvement; premium less taxes and fees [dollars].
    life_years : float
        Of three years.
    average_deductible : float
        Dollars per person.
    premium : float
        Of the reporting year, less taxes and fees: what a rebate is a share of [dollars].
    market : {"individual", "small_group", "large_group"}
    reporting_year : int
    standard : float, optional
        A State's own higher standard [share of premium]; default: the federal one of the market.
    is_below_three_years : bool
        Without credibility the ratio was below the standard in this and each of the two years before, each with
        life-years enough to be credible: then nothing is added.
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    LossRatio

    Raises
    ------
    InputError
        A denominator or premium is not above 0, a number is negative, or the standard is no share.
    UnknownRateError
        The market or year has no standard.

    References
    ----------
    .. [1] `cfr158_232` in pricing/rates/aca/manifest.toml; is_below_three_years: 158.232(d).
    """
    rates = rates or load_rates("aca", reporting_year)
    if not (denominator > 0 and premium > 0):
        raise InputError("the denominator and the premium of a loss ratio must be above 0.")
    if not all(number >= 0 for number in (numerator, life_years, average_deductible)):
        raise InputError("numerator, life_years and average_deductible cannot be negative or missing.")
    wanted = rates.number("mlr_standard", market) if standard is None else standard
    if not 0 < wanted <= 1:
        raise InputError(f"a standard is a share of premium, such as 0.8; it is {wanted}.")
    base, credible = credibility(life_years, rates.by_key("mlr_base_credibility"))
    added, is_credible = 0.0 if is_below_three_years else float(base), bool(credible)
    factor = deductible_factor(average_deductible, rates) if added else 1.0
    preliminary = numerator / denominator
    ratio = float(round_to(preliminary + added * factor, _THOUSANDTH))
    rebate = float(owed(ratio, standard=wanted, revenue=premium, is_credible=is_credible))
    return LossRatio(preliminary, added, factor, ratio, wanted, is_credible, rebate, rates)


def deductible_factor(average_deductible: float, rates: Rates) -> float:
    """Return the factor on credibility of an average deductible: 1 below the table's first step, then interpolated."""
    rows = sorted((float(key), value) for key, value in rates.by_key("mlr_deductible_factor").items())
    deductibles, factors = zip(*rows, strict=True)
    if average_deductible < deductibles[1]:
        return float(factors[0])
    return float(np.interp(average_deductible, deductibles, factors))
