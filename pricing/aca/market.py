"""From enrollee scores to a market: plan averages that the transfer formula reads; and the high-cost risk pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.aca.state_rating import state_factors
from pricing.aca.transfer_formula import PLAN, PLAN_COLUMNS
from pricing.inputs import Array, Column, Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MONTHS_OF_A_YEAR, _NOISE = 12, 1e-6
#: Columns of enrollees: one row per member and span in a plan.
ENROLLEES = (
    *PLAN_COLUMNS,
    Column("age_years", "integer", minimum=0, maximum=130),
    Column("months_enrolled", above=0.0, maximum=12.0),
    Column("payment_risk_score", minimum=0.0),
    Column("premium_pmpm", minimum=0.0),
    Column("family_id", "text", default=...),
    Column("member_id", "text", default=...),
    Column("is_billable", "flag", default=...),
)


def market_of_enrollees(enrollees: Any, *, benefit_year: int, rates: Rates | None = None) -> pa.Table:
    """Return the market that enrollees make: one row per plan and rating area, ready for `risk_transfer`.

    Parameters
    ----------
    enrollees : path, DataFrame, Arrow table, mapping or Columns
        One row per member and span in a plan (`ENROLLEES` lists the columns): payment_risk_score as `riskadj.score`
        gives it for HHS models, months_enrolled, age_years, premium_pmpm [dollars per month that the member's own
        rate adds to the premium; of members who are not billable it is not read]. Who is billable comes from
        is_billable, or from family_id (all adults and the oldest children under 21 of each family and plan, as many
        as are rated); with neither, everyone is. A member with several spans in a plan is one child of the family
        if member_id is given, at the age of the first of those rows; without it each row is a member.
    benefit_year : int
    rates : Rates, optional
        Default: those that ship, for the benefit year. They hold the federal age curve and those of States that
        have their own; where families are rated by tiers, every age factor is 1 (give is_billable there).

    Returns
    -------
    pyarrow.Table
        state, market, issuer_id, plan_id, rating_area, metal_level, members [rows], member_months,
        billable_member_months, plrs (all members' months x score, per billable month), arf (billable months' mean age
        factor), premium_pmpm [dollars per billable month].

    Raises
    ------
    InputError
        A column is missing or holds impossible values, a member has more than twelve months in a plan, or a plan has
        no billable member.

    References
    ----------
    .. [1] `mmrr2014`, `cfr147_102` in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    columns = read_columns(enrollees, ENROLLEES, role="enrollees")
    _refuse_longer_than_a_year(columns)
    billable = billable_of(columns, rates)
    months = columns["months_enrolled"].astype(np.float64)
    billable_months = np.where(billable, months, 0.0)
    keys = list(zip(*(columns[name] for name in PLAN), strict=True))
    names = sorted(set(keys))
    position = {name: number for number, name in enumerate(names)}
    plan = np.array([position[key] for key in keys], np.int64)

    def total(values: Numbers) -> Numbers:
        return np.bincount(plan, values, len(names)).astype(np.float64)

    billed = total(billable_months)
    columns.refuse(
        (billed == 0)[plan],
        "in a plan and rating area that has no billable member; mend family_id or is_billable",
    )
    return pa.table(
        {
            **{name: pa.array([row[place] for row in names], pa.string()) for place, name in enumerate(PLAN)},
            "members": pa.array(np.bincount(plan, minlength=len(names))),
            "member_months": pa.array(total(months)),
            "billable_member_months": pa.array(billed),
            "plrs": pa.array(total(months * columns["payment_risk_score"]) / billed),
            "arf": pa.array(total(billable_months * state_factors(columns, rates)) / billed),
            "premium_pmpm": pa.array(total(billable_months * columns["premium_pmpm"]) / billed),
        }
    )


def _refuse_longer_than_a_year(columns: Columns) -> None:
    """Refuse members with more than twelve months in a plan: rows that stand twice."""
    if "member_id" not in columns:
        return
    _, member = np.unique(_pairs(columns, "member_id"), return_inverse=True)
    months = np.bincount(member, columns["months_enrolled"])[member]
    too_long = months > _MONTHS_OF_A_YEAR + _NOISE
    what = f"members with more than {_MONTHS_OF_A_YEAR} months in a plan"
    columns.refuse(too_long, what, remedy="give each span once")


def billable_of(columns: Columns, rates: Rates) -> npt.NDArray[np.bool_]:
    """Return which enrollees are charged for: as given, or by family, or everyone."""
    if "is_billable" in columns:
        return columns["is_billable"].astype(np.bool_)
    if "family_id" not in columns:
        return np.ones(columns.n_rows, np.bool_)
    families = _pairs(columns, "family_id")
    if "member_id" not in columns:
        return is_rated(columns["age_years"], families, rates)
    first, of_row = first_rows(_pairs(columns, "member_id"))
    rated: npt.NDArray[np.bool_] = is_rated(columns["age_years"][first], families[first], rates)[of_row]
    return rated


def _pairs(columns: Columns, name: str) -> Array:
    """Return what tells members or families of one plan from those of another, for each row."""
    return np.array([f"{who}|{plan}" for who, plan in zip(columns[name], columns["plan_id"], strict=True)])


def first_rows(people: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first row of each person, in the order of the rows, and for each row the place of its person."""
    _, first, person = np.unique(people, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[person]


def is_rated(age_years: Array, families: Array, rates: Rates) -> npt.NDArray[np.bool_]:
    """Return who is charged for: every adult, and of each family's children the oldest, as many as are rated.

    Parameters
    ----------
    age_years : ndarray of int, shape (n_members,)
    families : ndarray, shape (n_members,)
        Which members are one family; one row per member. Of children of the same age the first rows count.
    rates : Rates

    Returns
    -------
    ndarray of bool, shape (n_members,)

    References
    ----------
    .. [1] `cfr147_102` (c)(1) in pricing/rates/aca/manifest.toml.
    """
    is_child = np.asarray(age_years) < rates.number("first_adult_age")
    _, family = np.unique(families, return_inverse=True)
    children = np.flatnonzero(is_child)
    children = children[np.lexsort((-np.asarray(age_years)[children], family[children]))]
    of = family[children]
    first = np.concatenate([[True], of[1:] != of[:-1]]) if len(of) else np.zeros(0, np.bool_)
    rank = np.arange(len(of)) - np.maximum.accumulate(np.where(first, np.arange(len(of)), 0))
    rated = ~is_child
    rated[children] = rank < rates.number("most_rated_children")
    return rated


@dataclass(frozen=True)
class HighCostPool:
    """Payments and charges of the high-cost risk pool.

    Attributes
    ----------
    issuers : pyarrow.Table
        One row per issuer and market: enrollees above the threshold, payment, charge and net [dollars], premium
        [dollars].
    charge_rate : float
        Charge as a share of premium, by which everybody pays for the pool.
    """

    issuers: pa.Table
    charge_rate: float
    rates: Rates

    TABLES: ClassVar[Mapping[str, str]] = {"issuers": "high_cost_pool", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What the pool was made from; payments = charges."""
        sums = {name: float(self.issuers[name].to_numpy().sum()) for name in ("payment", "charge")}
        return {"benefit_year": self.rates.year, "issuers": self.issuers.num_rows, **sums}

    def summary(self) -> pd.DataFrame:
        """Return the issuers, who receives most first."""
        return self.to_pandas().sort_values("net", ascending=False, ignore_index=True)

    def plot(self) -> Figure:
        """Return a figure: what each issuer receives from the pool, pays into it, and keeps."""
        from pricing.aca.transfer_plots import plot_high_cost_pool

        return plot_high_cost_pool(self)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(("high_cost_threshold", "high_cost_share"))


def high_cost_pool(
    enrollees: Any, premiums: Any, *, benefit_year: int, rates: Rates | None = None
) -> HighCostPool:
    """Return what the high-cost risk pool pays and charges: a share of each enrollee's cost above the threshold.

    Parameters
    ----------
    enrollees : path, DataFrame, Arrow table, mapping
        issuer_id, paid_amount [dollars an enrollee cost the issuer in the year]: one row per enrollee and issuer.
    premiums : likewise
        issuer_id, premium [dollars of the year]: every issuer that pays into the pool.
    benefit_year : int
    rates : Rates, optional

    Returns
    -------
    HighCostPool

    Raises
    ------
    InputError
        A table lacks a column or holds impossible values, or an issuer of enrollees has no premium.
    UnknownRateError
        The year had no pool.

    References
    ----------
    .. [1] `payment_notice_2018` in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    cost = read_columns(
        enrollees, (Column("issuer_id", "text"), Column("paid_amount", minimum=0.0)), role="enrollees"
    )
    paid_in = read_columns(
        premiums,
        (Column("issuer_id", "text"), Column("premium", above=0.0)),
        role="premiums",
        key=("issuer_id",),
    )
    position = {issuer: number for number, issuer in enumerate(paid_in["issuer_id"])}
    issuer = np.array([position.get(name, -1) for name in cost["issuer_id"]])
    cost.refuse(issuer < 0, f"an issuer_id that {paid_in.label} lacks")
    excess = np.maximum(cost["paid_amount"] - rates.number("high_cost_threshold"), 0.0)
    payment = np.round(np.bincount(issuer, excess * rates.number("high_cost_share"), paid_in.n_rows), 2)
    charge_rate = float(payment.sum() / paid_in["premium"].sum())
    charge = charge_rate * paid_in["premium"]
    issuers = pa.table(
        {
            "issuer_id": pa.array(paid_in["issuer_id"]),
            "enrollees_above_threshold": pa.array(
                np.bincount(issuer, excess > 0, paid_in.n_rows).astype(np.int64)
            ),
            "premium": pa.array(paid_in["premium"]),
            "payment": pa.array(payment),
            "charge": pa.array(charge),
            "net": pa.array(payment - charge),
        }
    )
    return HighCostPool(issuers, charge_rate, rates)
