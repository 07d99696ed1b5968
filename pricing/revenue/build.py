"""From terms, scores and members to the factors of revenue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pricing.errors import InputError
from pricing.experience.months import years_of
from pricing.medicare.bid import sequestration
from pricing.parameters import Overrides, Rates, load_rates
from pricing.revenue.assumed import Assumed
from pricing.revenue.cohorts import Cohorts
from pricing.revenue.factors import Factors
from pricing.revenue.scores import Scores
from pricing.revenue.terms import Terms
from pricing.rows import Integers, Numbers


@dataclass(frozen=True)
class Priced:
    """Everything of revenue but members and scores; arrays of shape (n_cohorts, n_months).

    Attributes
    ----------
    terms : mapping of str to ndarray
        By the names of `pricing.revenue.factors.Factors`.
    steps : mapping of str to mapping of str to ndarray
        Of "rate" and "rebate": the base year's terms and the factors that make the month's of them.
    rates : Rates
        Of the base year.
    """

    terms: Mapping[str, Numbers] = field(repr=False)
    steps: Mapping[str, Mapping[str, Numbers]] = field(repr=False)
    rates: Rates

    def factors(self, members: Numbers, part_c: Scores, part_d: Scores | None, *, vintage: str) -> Factors:
        """Return the factors of revenue by the scores of a run."""
        part_d_score = np.zeros_like(members) if part_d is None else part_d.of_run(vintage)
        return Factors(members=members, score=part_c.of_run(vintage), part_d_score=part_d_score, **self.terms)


def price(assumed: Assumed, terms: Terms, *, overrides: Overrides = None) -> Priced:
    """Return rates, rebates and premiums by cohort and month.

    Raises
    ------
    InputError
        There are members on dialysis but no rate for them, or low-income payments without knowing who gets them.
    """
    cohorts, months = assumed.cohorts, assumed.months
    rates = load_rates("medicare", int(years_of(months[:1])[0]), overrides=overrides)
    status = cohorts.values("status") if "status" in cohorts.by else np.full(len(cohorts), "")
    is_hospice = (status == "hospice")[:, None]
    rate = {"terms": _rate(terms, cohorts, months), **_changes(assumed, terms, "rate")}
    rebate = {"terms": terms.of_month("rebate_pmpm", months), **_changes(assumed, terms, "rebate")}
    drugs = _since_terms(assumed, terms, "part_d_trend")
    found = {
        "frailty": terms.of_month("frailty", months),
        "rate": np.where(is_hospice, 0.0, _product(rate)),
        "premium_offset": np.where(is_hospice, 0.0, terms.of_month("basic_member_premium", months)),
        "kept": np.broadcast_to(_kept(cohorts, status, rates)[:, None], assumed.shape),
        "rebate": _product(rebate),
        "sequestration": assumed.array("sequestration", otherwise=_law(assumed, overrides)),
        "member_premium": terms.of_month("member_premium", months),
        "part_d_bid": terms.of_month("part_d_bid", months) * drugs,
        "part_d_premium": terms.of_month("part_d_basic_premium", months),
        "part_d_low_income": _low_income(terms, cohorts, months) * drugs,
        "part_d_reinsurance": terms.of_month("part_d_reinsurance_pmpm", months) * drugs,
    }
    return Priced(found, {"rate": rate, "rebate": rebate}, rates)


def _product(steps: Mapping[str, Numbers]) -> Numbers:
    first, *others = steps.values()
    for factor in others:
        first = first * factor
    return first


def _changes(assumed: Assumed, terms: Terms, what: str) -> dict[str, Numbers]:
    return {
        f"{what} trend": _since_terms(assumed, terms, f"{what}_trend"),
        f"{what} change": assumed.array(f"{what}_change"),
    }


def _since_terms(assumed: Assumed, terms: Terms, parameter: str) -> Numbers:
    """Return growth since January of the year whose terms hold, or since the base month."""
    index = assumed.index(parameter)
    return index / np.take_along_axis(index, terms.begins(assumed.months), axis=1)


def _rate(terms: Terms, cohorts: Cohorts, months: Integers) -> Numbers:
    rate = terms.of_month("payment_rate", months)
    if "status" not in cohorts.by:
        return rate
    is_dialysis = cohorts.values("status") == "dialysis"
    esrd = terms.of_month("esrd_payment_rate", months)
    without = is_dialysis & (esrd == 0).any(axis=1)
    if without.any():
        raise InputError(
            f"{int(without.sum()):,} cohorts are on dialysis and have no esrd_payment_rate; give it in the terms."
        )
    return np.where(is_dialysis[:, None], esrd, rate)


def _kept(cohorts: Cohorts, status: Numbers, rates: Rates) -> Numbers:
    """Return the share of the payment kept: 1, or the factor of members for whom Medicare pays second."""
    if "payer" not in cohorts.by:
        return np.ones(len(cohorts))
    is_second = cohorts.values("payer") == "secondary"
    is_esrd = np.isin(status.astype(str), ("dialysis", "graft"))
    by_kind = np.where(
        is_esrd, rates.number("msp_factor", "esrd"), rates.number("msp_factor", "aged_disabled")
    )
    return np.where(is_second, by_kind, 1.0)


def _law(assumed: Assumed, overrides: Overrides) -> Numbers:
    """Return the share withheld by law in each month."""
    years = years_of(assumed.months)
    by_year = {
        year: load_rates("medicare", year, overrides=overrides) for year in sorted(set(years.tolist()))
    }
    calendar_months = assumed.months % 12 + 1
    share = np.empty(len(years))
    for year, rates in by_year.items():
        share[years == year] = sequestration(calendar_months[years == year], rates)
    return np.broadcast_to(share, assumed.shape)


def _low_income(terms: Terms, cohorts: Cohorts, months: Integers) -> Numbers:
    dollars = terms.of_month("part_d_low_income_pmpm", months)
    if not dollars.any():
        return dollars
    if "low_income" not in cohorts.by:
        raise InputError(
            "terms have part_d_low_income_pmpm, but no cohort says who has the subsidy; make cohorts by low_income."
        )
    return np.where((cohorts.values("low_income") == "yes")[:, None], dollars, 0.0)
