"""Premiums of members and families from a plan's base rate (45 CFR 147.102)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.aca.family_tiers import tiers_of_families
from pricing.aca.market import is_rated
from pricing.aca.state_rating import RatingRules, rating_rules
from pricing.errors import InputError
from pricing.inputs import Array, Column, Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_cents

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of covered members: one row each.
MEMBERS = (
    Column("family_id", "text"),
    Column("age_years", "integer", minimum=0, maximum=130),
    Column("base_rate", above=0.0),
    Column("area_factor", default=1.0, above=0.0),
    Column("tobacco_factor", default=1.0, minimum=1.0),
    Column("is_child", "flag", default=...),
)


@dataclass(frozen=True)
class Premiums:
    """Premiums of members and of families.

    Attributes
    ----------
    members : pyarrow.Table
        One row per member, as given: family_id, age_years, age_factor, is_rated, rate [dollars a month, whole cents],
        premium (the rate if rated, else 0). Where families are rated by tiers, rate is that of one adult, everybody is
        rated, and the family's premium stands on its first row.
    families : pyarrow.Table
        family_id, members, rated_members, tier (empty where members are rated one by one), premium [dollars a month].
    rules : RatingRules
        Of the State.
    """

    members: pa.Table
    families: pa.Table
    rules: RatingRules

    TABLES: ClassVar[Mapping[str, str]] = {
        "members": "member_premiums",
        "families": "family_premiums",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What the premiums were made from, and their sum [dollars a month]."""
        return {
            "benefit_year": self.rules.rates.year,
            "state": self.rules.state or "federal rules",
            "market": self.rules.market,
            "parameters_sha256": self.rules.rates.sha256,
            "counts": {"members": self.members.num_rows, "families": self.families.num_rows},
            "premium": round(float(self.families["premium"].to_numpy().sum()), 2),
        }

    def summary(self) -> pd.DataFrame:
        """Return families and their premium [dollars a month] by number of members, or by tier (pandas)."""
        by = "tier" if self.rules.tiers else "members"
        groups = self.to_pandas("families").groupby(by, sort=False)["premium"]
        return groups.agg(families="size", premium="sum", mean="mean").sort_index()

    def plot(self) -> Figure:
        """Return a figure: how many families pay which premium."""
        from riskadj.charts import BLUE, new_figure, show_dollars

        figure, (axes,) = new_figure(width=8.0)
        axes.hist(self.families["premium"].to_numpy(), bins="auto", color=BLUE)
        show_dollars(axes.xaxis)
        axes.set_xlabel("premium of a family, dollars a month")
        axes.set_ylabel("families")
        return figure

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rules.assumptions


def member_rates(
    base_rate: Any,
    *,
    age_years: Any,
    area_factor: Any = 1.0,
    tobacco_factor: Any = 1.0,
    rules: RatingRules | None = None,
    rates: Rates | None = None,
) -> Numbers:
    """Return monthly rates: base rate (factor 1, no tobacco) x age factor x area factor x tobacco factor, to the cent.

    Parameters
    ----------
    base_rate, age_years, area_factor, tobacco_factor : float or array, broadcast together
        Dollars a month; whole years; factors.
    rules : RatingRules, optional
        Of a State (`rating_rules`); default: the federal ones of `rates`.
    rates : Rates, optional
        Of program "aca"; needed without `rules`.

    Returns
    -------
    ndarray of float64 [dollars a month, to the cent]

    Raises
    ------
    InputError
        A base rate or area factor is not above 0, an age is no whole number from 0 up, or a tobacco factor is below 1,
        above the State's limit, or for an age that may not use tobacco.
    """
    rules = rules or rating_rules(rates=rates)
    base, area, tobacco = (
        np.asarray(values, np.float64) for values in (base_rate, area_factor, tobacco_factor)
    )
    if not (base > 0).all() or not (area > 0).all():
        raise InputError("base rates and area factors must be above 0.")
    rules.check_tobacco(tobacco, age_years=age_years)
    return round_cents(base * (rules.factors(age_years) * area * tobacco))


def premiums(
    members: Any, *, benefit_year: int, rules: RatingRules | None = None, rates: Rates | None = None
) -> Premiums:
    """Return the premiums of families: of every adult and the oldest children, or of the family's tier.

    Parameters
    ----------
    members : path, DataFrame, Arrow table, mapping
        One row per covered member (`MEMBERS` lists the columns): family_id, age_years, base_rate [dollars a month at
        an age factor of 1 in the plan; of one adult where the State has tiers], optionally area_factor and
        tobacco_factor; is_child where the State has tiers and ages do not tell.
    benefit_year : int
    rules : RatingRules, optional
        Of the State: ``rating_rules("MA", benefit_year=2026)``; default: the federal ones.
    rates : Rates, optional
        Parameters for the federal rules; default: those that ship.

    Returns
    -------
    Premiums

    Raises
    ------
    InputError
        A column is missing or holds impossible values; a tier cannot be told (`tiers_of_families`), or a family in a
        tier has several base rates.

    Notes
    -----
    A family of children only, in a State with tiers, is charged its ratio for each child.

    References
    ----------
    .. [1] `cfr147_102` (c)(1), (c)(2), (e), `state_ratings` in pricing/rates/aca/manifest.toml.
    """
    rules = rules or rating_rules(rates=rates or load_rates("aca", benefit_year))
    columns = read_columns(members, MEMBERS, role="members")
    rate = member_rates(
        columns["base_rate"], age_years=columns["age_years"], area_factor=columns["area_factor"],
        tobacco_factor=columns["tobacco_factor"], rules=rules,
    )  # fmt: skip
    names, family = np.unique(columns["family_id"].astype(str), return_inverse=True)
    if rules.tiers:
        rated = np.ones(columns.n_rows, np.bool_)
        tiers, premium = _tier_premiums(columns, rate, family, rules)
    else:
        rated = is_rated(columns["age_years"], family, rules.rates)
        tiers, premium = [""] * len(names), np.where(rated, rate, 0.0)
    table = pa.table(
        {
            "family_id": pa.array(columns["family_id"]),
            "age_years": pa.array(columns["age_years"]),
            "age_factor": pa.array(rules.factors(columns["age_years"])),
            "is_rated": pa.array(rated),
            "rate": pa.array(rate),
            "premium": pa.array(premium),
        }
    )
    families = pa.table(
        {
            "family_id": pa.array(names.tolist(), pa.string()),
            "members": pa.array(np.bincount(family)),
            "rated_members": pa.array(np.bincount(family, rated).astype(np.int64)),
            "tier": pa.array(tiers, pa.string()),
            "premium": pa.array(np.round(np.bincount(family, premium), 2)),
        }
    )
    return Premiums(table, families, rules)


def _tier_premiums(
    columns: Columns, rate: Numbers, family: Array, rules: RatingRules
) -> tuple[list[str], Numbers]:
    """Return each family's tier, and its premium on its first row."""
    tiers, adults, children = tiers_of_families(columns, family, rules)
    _, first = np.unique(family, return_index=True)
    columns.refuse(rate != rate[first][family], "families whose members have different base rates or areas")
    base = (columns["base_rate"] * columns["area_factor"])[first]
    each = round_cents(base * np.array([rules.tiers[tier] for tier in tiers]))
    premium = np.zeros(columns.n_rows)
    premium[first] = each * np.where(adults == 0, children, 1)
    return tiers, premium


def out_of_pocket_limit(*, benefit_year: int, rates: Rates | None = None) -> dict[str, float]:
    """Return the annual limitation on cost sharing [dollars]: self-only, family, and with cost-sharing reductions.

    Parameters
    ----------
    benefit_year : int
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    dict of str to float
        "self_only", "family", and "csr_LOW-HIGH" by income in percent of the poverty level where the year has it.

    Raises
    ------
    UnknownRateError
        The year has no limits.

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


def high_deductible_limits(
    *, benefit_year: int, coverage: str = "self_only", rates: Rates | None = None
) -> dict[str, float]:
    """Return what a high-deductible health plan beside a health savings account has to keep to [dollars a year].

    Parameters
    ----------
    benefit_year : int
    coverage : {"self_only", "family"}
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    dict of str to float
        "minimum_deductible", "out_of_pocket_limit" of the plan and "contribution_limit" of the account.

    Raises
    ------
    UnknownRateError
        The year has no limits, or there is no such coverage.

    References
    ----------
    .. [1] `usc223` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> high_deductible_limits(benefit_year=2026)
    {'minimum_deductible': 1700.0, 'out_of_pocket_limit': 8500.0, 'contribution_limit': 4400.0}
    """
    rates = rates or load_rates("aca", benefit_year)
    names = ("hdhp_minimum_deductible", "hdhp_out_of_pocket_limit", "hsa_contribution_limit")
    return {name.partition("_")[2]: rates.number(name, coverage) for name in names}


def limit_of_adjustment(premium_adjustment: float, *, benefit_year: int, rates: Rates | None = None) -> float:
    """Return the self-only limit on cost sharing that a premium adjustment percentage leads to [dollars a year].

    Parameters
    ----------
    premium_adjustment : float
        As HHS publishes it for a benefit year, as a factor on the limit of 2014: 1.6002 for 160.02 %.
    benefit_year : int
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    float [dollars a year]

    Raises
    ------
    InputError
        The percentage is not above 0.

    References
    ----------
    .. [1] 45 CFR 156.130(a), (e): `cfr156_130` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> limit_of_adjustment(1.6002, benefit_year=2026)
    10150.0
    """
    rates = rates or load_rates("aca", benefit_year)
    if not premium_adjustment > 0:
        raise InputError("the premium adjustment percentage must be above 0, such as 1.6002.")
    return _rounded_down(rates.number("moop_base") * premium_adjustment, rates)


def _rounded_down(dollars: float, rates: Rates) -> float:
    step = rates.number("moop_rounding")
    return float(np.floor(round(dollars, 4) / step) * step)
