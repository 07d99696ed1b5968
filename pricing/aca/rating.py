"""Premiums of members and families from a plan's base rate (45 CFR 147.102)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.aca.market import age_factors, is_rated
from pricing.errors import InputError
from pricing.inputs import Column, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rows import rows_in_words

#: Columns of covered members: one row each.
MEMBERS = (
    Column("family_id", "text"),
    Column("age_years", "integer", minimum=0, maximum=130),
    Column("base_rate", above=0.0),
    Column("area_factor", default=1.0, above=0.0),
    Column("tobacco_factor", default=1.0, minimum=1.0),
)


@dataclass(frozen=True)
class Premiums:
    """Premiums of members and of families.

    Attributes
    ----------
    members : pyarrow.Table
        One row per member, as given: family_id, age_years, age_factor, is_rated, rate [dollars a month, whole cents],
        premium (the rate if rated, else 0).
    families : pyarrow.Table
        family_id, members, rated_members, premium [dollars a month].
    """

    members: pa.Table
    families: pa.Table
    rates: Rates

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(
            ("age_factor", "oldest_rated_age", "first_adult_age", "most_rated_children", "tobacco_limit")
        )


def round_cents(dollars: Numbers) -> Numbers:
    """Return dollars in whole cents, halves up, on their decimal value (as a rate table prints them)."""
    cent = Decimal("0.01")
    rounded = [float(Decimal(f"{value:.6f}").quantize(cent, ROUND_HALF_UP)) for value in np.ravel(dollars)]
    return np.array(rounded).reshape(np.shape(dollars))


def member_rates(
    base_rate: Any, *, age_years: Any, area_factor: Any = 1.0, tobacco_factor: Any = 1.0, rates: Rates
) -> Numbers:
    """Return monthly rates: base rate (age 21, no tobacco) x age factor x area factor x tobacco factor, to the cent.

    Parameters
    ----------
    base_rate, age_years, area_factor, tobacco_factor : float or array, broadcast together
        Dollars a month; whole years; factors.
    rates : Rates
        Of program "aca"; they hold the age curve.

    Raises
    ------
    InputError
        A tobacco factor is below 1 or above the legal limit.
    """
    tobacco = np.asarray(tobacco_factor, np.float64)
    limit = rates.number("tobacco_limit")
    bad = np.atleast_1d((tobacco < 1) | (tobacco > limit))
    if bad.any():
        raise InputError(
            f"tobacco_factor must lie between 1 and {limit:g}; it does not in {rows_in_words(bad)}."
        )
    age = age_factors(np.asarray(age_years), rates)
    return round_cents(
        np.asarray(base_rate, np.float64) * age * np.asarray(area_factor, np.float64) * tobacco
    )


def premiums(members: Any, *, benefit_year: int, rates: Rates | None = None) -> Premiums:
    """Return the premiums of families: every adult, and of the children the oldest, as many as are rated.

    Parameters
    ----------
    members : path, DataFrame, Arrow table, mapping
        One row per covered member (`MEMBERS` lists the columns): family_id, age_years, base_rate [dollars a month at
        age 21 in the plan], optionally area_factor and tobacco_factor.
    benefit_year : int
    rates : Rates, optional
        They hold the federal age curve; a State with one of its own needs `overrides` in `load_rates`.

    Raises
    ------
    InputError
        A column is missing or holds impossible values.

    References
    ----------
    .. [1] `cfr147_102` (c)(1), (e) in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    columns = read_columns(members, MEMBERS, role="members")
    rate = member_rates(
        columns["base_rate"], age_years=columns["age_years"], area_factor=columns["area_factor"],
        tobacco_factor=columns["tobacco_factor"], rates=rates,
    )  # fmt: skip
    rated = is_rated(columns["age_years"], columns["family_id"].astype(str), rates)
    premium = np.where(rated, rate, 0.0)
    table = pa.table(
        {
            "family_id": pa.array(columns["family_id"]),
            "age_years": pa.array(columns["age_years"]),
            "age_factor": pa.array(age_factors(columns["age_years"], rates)),
            "is_rated": pa.array(rated),
            "rate": pa.array(rate),
            "premium": pa.array(premium),
        }
    )
    return Premiums(table, _families(columns["family_id"], rated, premium), rates)


def _families(families: npt.NDArray[Any], rated: npt.NDArray[np.bool_], premium: Numbers) -> pa.Table:
    names, family = np.unique(families.astype(str), return_inverse=True)
    return pa.table(
        {
            "family_id": pa.array(names.tolist(), pa.string()),
            "members": pa.array(np.bincount(family)),
            "rated_members": pa.array(np.bincount(family, rated).astype(np.int64)),
            "premium": pa.array(np.round(np.bincount(family, premium), 2)),
        }
    )


def out_of_pocket_limit(*, benefit_year: int, rates: Rates | None = None) -> dict[str, float]:
    """Return the annual limitation on cost sharing [dollars]: self-only, family, and with cost-sharing reductions.

    Returns
    -------
    dict of str to float
        "self_only", "family", and "csr_LOW-HIGH" by income in percent of the poverty level where the year has it.

    References
    ----------
    .. [1] `cfr156_130`, `payment_notices` in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    self_only = rates.number("moop_self_only")
    limits = {"self_only": self_only, "family": self_only * rates.number("moop_family_multiple")}
    if rates.has("moop_csr_reduction", "100-200"):
        for incomes, cut in rates.by_key("moop_csr_reduction").items():
            limits[f"csr_{incomes}"] = _rounded_down(self_only * (1 - cut), rates)
    return limits


def limit_of_adjustment(premium_adjustment: float, *, benefit_year: int, rates: Rates | None = None) -> float:
    """Return the self-only limit that a premium adjustment percentage (1.6002 for 160.02 %) leads to [dollars].

    Raises
    ------
    InputError
        The percentage is not above 0.
    """
    rates = rates or load_rates("aca", benefit_year)
    if not premium_adjustment > 0:
        raise InputError("the premium adjustment percentage must be above 0, such as 1.6002.")
    return _rounded_down(rates.number("moop_base") * premium_adjustment, rates)


def _rounded_down(dollars: float, rates: Rates) -> float:
    step = rates.number("moop_rounding")
    return float(np.floor(round(dollars, 4) / step) * step)
