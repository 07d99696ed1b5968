"""What a plan is paid and charges, by plan, county and payment year; made of bids and CMS's ratebook, or given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import years_of
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.medicare.bid import BidResult, bid_result
from pricing.medicare.part_d_premiums import adjusted_premium
from pricing.medicare.ratebook import county_rates
from pricing.parameters import Overrides, load_rates
from pricing.revenue.cohorts import Cohorts
from pricing.revenue.members import PLAN, Membership
from pricing.rows import Integers, Rows, read_rows
from riskadj.errors import nearest

#: Terms and what each is [dollars per member and month, but frailty]; only payment_rate is needed.
TERMS: Mapping[str, str] = {
    "payment_rate": "county payment rate at a risk score of 1.000",
    "esrd_payment_rate": "the same for members on dialysis and in transplant months; needed where there are any",
    "rebate_pmpm": "rebate",
    "basic_member_premium": "what a bid above its benchmark lowers the payment by",
    "frailty": "added to the risk score [1.000 = average beneficiary]",
    "member_premium": "what members pay for Part C",
    "part_d_bid": "standardised Part D bid",
    "part_d_basic_premium": "Part D basic premium; without it the one that follows from the bid",
    "part_d_low_income_pmpm": "prospective low-income cost sharing of members with the subsidy",
    "part_d_reinsurance_pmpm": "prospective reinsurance",
}
BID, PREMIUM = "part_d_bid", "part_d_basic_premium"
_NEEDED = ("payment_rate",)
#: Columns of plans whose terms follow from CMS's ratebook.
PLANS = (
    Column("contract_id", "text"),
    Column("plan_id", "text"),
    Column("stars", minimum=0.0),
    Column("is_unrated", "flag", default=False),
    Column("is_new_plan", "flag", default=False),
    Column("standardised_bid", above=0.0),
)


@dataclass(frozen=True)
class Terms:
    """Terms of each cohort by payment year.

    Attributes
    ----------
    years : tuple of int
        Payment years that have terms of their own, ascending.
    values : mapping of str to ndarray of float64, shape (n_cohorts, n_years)
        Each of `TERMS` that was given.
    of_year : ndarray of int64, of the same shape
        Payment year of the row that holds: a cohort without a row of its own in a year keeps the one before.
    given : pyarrow.Table
        The table as it came.
    """

    years: tuple[int, ...]
    values: Mapping[str, Numbers] = field(repr=False)
    of_year: Integers = field(repr=False)
    given: pa.Table = field(repr=False)

    def has(self, name: str) -> bool:
        """Return whether a term was given."""
        return name in self.values

    def of_month(self, name: str, months: Integers) -> Numbers:
        """Return a term by cohort and month, before any trend; 0 where it was not given."""
        if name not in self.values:
            return np.zeros((len(self.of_year), len(months)))
        return self.values[name][:, self._places(months)]

    def begins(self, months: Integers) -> Integers:
        """Return the column of the first month of the payment year whose terms hold, by cohort and month.

        Terms from before the first month begin with it.
        """
        return np.searchsorted(years_of(months), self.of_year[:, self._places(months)])

    def _places(self, months: Integers) -> Integers:
        """Return which of `years` holds in each month."""
        return np.searchsorted(np.array(self.years), years_of(months), side="right") - 1


def read_terms(source: Any, cohorts: Cohorts, *, base_year: int, overrides: Overrides = None) -> Terms:
    """Return the terms of every cohort.

    Parameters
    ----------
    source : path, DataFrame, Arrow table or mapping
        `TERMS`, by any columns of the cohorts (contract_id, plan_id, county_code, ...) and by payment_year where they
        change; a year without rows keeps those of the year before. One row may stand for all: ``{"payment_rate":
        [1_050.0]}``.
    base_year : int
        Payment year of the base month.
    overrides : path or mapping, optional
        Yearly parameters of your own: basic premiums follow from the national average bid and the base premium.

    Raises
    ------
    InputError
        A column is unknown, a row is there twice, a cohort has no terms, or the terms begin after the base month.
    """
    rows = read_rows(source, "terms", needed=_NEEDED, optional=("payment_year", *cohorts.by, *TERMS))
    _refuse_others(rows, cohorts)
    years = rows.numbers("payment_year") if rows.has("payment_year") else np.full(rows.n_rows, base_year)
    found = sorted({int(year) for year in years})
    if found[0] > base_year:
        raise InputError(
            f"{rows.label} begin with {found[0]}; give terms of {base_year}, the base month's year."
        )
    values = {name: rows.numbers(name) for name in TERMS if rows.has(name)}
    for name, column in values.items():
        rows.refuse(column < 0, f"column '{name}': below 0")
    if BID in values and PREMIUM not in values:
        values[PREMIUM] = _basic_premiums(values[BID], years, overrides)
    place = _places(rows, cohorts, years, found)
    by_cohort = {name: column[place] for name, column in values.items()}
    return Terms(tuple(found), by_cohort, years.astype(np.int64)[place], rows.table)


def _basic_premiums(bids: Numbers, years: Numbers, overrides: Overrides) -> Numbers:
    """Return the premium that follows from each Part D bid and the year's national average; 0 without a bid.

    It may be below 0: members then pay nothing, and the direct subsidy is higher by it.
    """
    rates = {
        year: load_rates("medicare", int(year), overrides=overrides) for year in sorted(set(years.tolist()))
    }
    pairs = zip(bids.tolist(), years.tolist(), strict=True)
    return np.array([float(adjusted_premium(bid, rates[year])) if bid else 0.0 for bid, year in pairs])


def _refuse_others(rows: Rows, cohorts: Cohorts) -> None:
    """Refuse columns that are neither terms nor columns of the cohorts: a misspelt term would count as zero."""
    known = ("payment_year", *cohorts.by, *TERMS)
    for name in rows.not_read[:1]:
        raise InputError(
            f"{rows.label}: column '{name}' is no term and no column of the cohorts{nearest(name, known)}; "
            f"known: {', '.join(known)}."
        )


def _places(rows: Rows, cohorts: Cohorts, years: Numbers, found: list[int]) -> Integers:
    """Return the row of terms of each cohort and year; a year without a row keeps the year before's."""
    by = [name for name in cohorts.by if rows.has(name)]
    texts = [_texts(rows, name) for name in by]
    place: dict[tuple[Any, ...], int] = {}
    repeated = np.zeros(rows.n_rows, np.bool_)
    for number, key in enumerate(zip(years.tolist(), *texts, strict=True)):
        repeated[number] = place.setdefault(key, number) != number
    rows.refuse(repeated, f"the same {', '.join(('payment_year', *by))} again")
    own = [cohorts.values(name) for name in by]
    result = np.full((len(cohorts), len(found)), -1, np.int64)
    keys = list(zip(*own, strict=True)) if by else [()] * len(cohorts)
    for at, year in enumerate(found):
        here = np.array([place.get((float(year), *key), -1) for key in keys], np.int64)
        result[:, at] = np.where(here < 0, result[:, at - 1] if at else -1, here)
    _check_all(result, cohorts, by, rows.label)
    return result


def _texts(rows: Rows, name: str) -> npt.NDArray[Any]:
    labels = rows.labels(name)
    return np.array(labels.names.to_pylist(), object)[labels.codes]


def _check_all(places: Integers, cohorts: Cohorts, by: list[str], label: str) -> None:
    without = places[:, 0] < 0
    if without.any():
        first = int(np.flatnonzero(without)[0])
        which = ", ".join(f"{name} {cohorts.values(name)[first]}" for name in by)
        raise InputError(
            f"{label}: no terms of the first year for {int(without.sum()):,} of {len(without):,} cohorts, the first "
            f"with {which}; give each one row."
        )


def terms_of_bids(plans: Any, *, ratebook: pa.Table, membership: Membership, payment_year: int) -> pa.Table:
    """Return the terms that follow from plans' bids and CMS's ratebook, one row per plan and county with members.

    Parameters
    ----------
    plans : path, DataFrame, Arrow table or mapping
        One row per plan (`PLANS`): contract_id, plan_id, stars (the rating that the payment year's bonus follows),
        standardised_bid [dollars a month at 1.000]; optionally is_unrated, is_new_plan, and those of `TERMS` that do
        not follow from the bid. A bid at its benchmark earns no rebate.
    ratebook : pyarrow.Table
        From `pricing.medicare.ratebook.read_ratebook`, of the payment year.
    membership : Membership
        Its members are the service area's weights, and a plan's mean score is its projected risk score.
    payment_year : int

    Returns
    -------
    pyarrow.Table
        contract_id, plan_id, county_code, payment_year, and terms.

    Raises
    ------
    InputError
        A plan with members is not among the plans, or a county not in the ratebook.

    References
    ----------
    .. [1] `usc1395w23`, `usc1395w24` in pricing/rates/medicare/manifest.toml.
    """
    columns = read_columns(plans, PLANS, role="plans", key=PLAN, carry=True)
    place = {key: row for row, key in enumerate(zip(*(columns[name] for name in PLAN), strict=True))}
    cohorts = membership.cohorts
    group, area = cohorts.groups((*PLAN, "county_code"))
    area = area.append_column("members", pa.array(np.bincount(group, membership.members, area.num_rows)))
    scores = np.bincount(group, membership.total(membership.scores), area.num_rows)
    area = area.append_column("scores", pa.array(scores))
    esrd_rates = dict(
        zip(ratebook["county_code"].to_pylist(), ratebook["esrd_rate"].to_pylist(), strict=True)
    )
    tables = []
    for key in sorted({*zip(*(area[name].to_pylist() for name in PLAN), strict=True)}):
        if key not in place:
            raise InputError(f"plan {' '.join(key)} has members, but is not among the plans; add its row.")
        is_own = np.array(
            [row == key for row in zip(*(area[name].to_pylist() for name in PLAN), strict=True)]
        )
        own = area.filter(pa.array(is_own))
        bid = _bid(columns, place[key], own, ratebook, payment_year)
        tables.append(_plan_terms(bid, own, columns, place[key], esrd_rates))
    return pa.concat_tables(tables)


def _bid(columns: Columns, row: int, area: pa.Table, ratebook: pa.Table, year: int) -> BidResult:
    """Return one plan's bid against its benchmark."""
    is_new = bool(columns["is_new_plan"][row])
    stars = None if columns["is_unrated"][row] or is_new else float(columns["stars"][row])
    rates = county_rates(ratebook, payment_year=year, stars=stars, is_new_plan=is_new)
    counties, members = area["county_code"].to_pylist(), area["members"].to_numpy()
    missing = [county for county in counties if county not in rates]
    if missing:
        raise InputError(
            f"the ratebook of {year} lacks {len(missing)} counties with members, such as {missing[0]}."
        )
    return bid_result(
        {"county_code": counties, "member_months": members, "rate": [rates[county] for county in counties]},
        standardised_bid=float(columns["standardised_bid"][row]),
        projected_risk_score=float(area["scores"].to_numpy().sum() / members.sum()),
        stars=stars,
        payment_year=year,
        is_new_plan=is_new,
    )


def _plan_terms(
    bid: BidResult, area: pa.Table, columns: Columns, row: int, esrd_rates: Mapping[str, float | None]
) -> pa.Table:
    """Return one plan's terms, a row for each county."""
    n = area.num_rows
    esrd = [esrd_rates[county] for county in area["county_code"].to_pylist()]
    terms: dict[str, Any] = {name: area[name] for name in (*PLAN, "county_code")}
    terms["payment_year"] = pa.array([bid.rates.year] * n, pa.int64())
    terms["payment_rate"] = bid.counties["payment_rate"]
    terms["esrd_payment_rate"] = pa.array([0.0 if rate is None else rate for rate in esrd])
    terms["rebate_pmpm"] = pa.array([bid.rebate] * n)
    terms["basic_member_premium"] = pa.array([bid.basic_member_premium] * n)
    for name in TERMS:
        if name in columns and name not in terms:
            terms[name] = pa.array([float(columns[name][row])] * n)
    return pa.table(terms)
