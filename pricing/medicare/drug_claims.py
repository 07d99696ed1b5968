"""Part D drug claims: what enrollees fill, in the order in which they fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Array, Numbers
from pricing.rows import Integers, Labels, Rows, one_label, read_rows

NEEDED = ("enrollee_id", "tier", "gross_cost", "is_applicable")
OPTIONAL = (
    "plan_id", "fill_date", "scripts", "is_selected", "low_income", "manufacturer", "cost_sharing_limit", "weight",
)  # fmt: skip
#: Levels of the low-income subsidy: none; in full; in full with income up to the poverty level; institutional.
LOW_INCOME = ("none", "full", "below_100", "institutional")
#: Whose discount is phased in: nobody's; for low-income enrollees (specified manufacturers); for all (small ones).
MANUFACTURERS = ("full", "specified", "small")
NO_LIMIT = -1.0


@dataclass(frozen=True)
class DrugClaims:
    """Drug claims of enrollees, each enrollee's together and in order.

    Attributes
    ----------
    starts : ndarray of int64, shape (n_enrollees + 1,)
        Where each enrollee's claims begin. [number of the claim, from 0]
    plans : Labels, one for each enrollee
    tiers : Labels, one for each claim
    cost : ndarray of float64, shape (n_claims,)
        Gross covered drug cost [dollars].
    scripts : ndarray of float64, shape (n_claims,)
        Number of scripts a claim stands for; a copay is paid for each.
    is_applicable, is_selected : ndarray of bool, shape (n_claims,)
        Discounted by its manufacturer; negotiated. [yes or no]
    low_income, manufacturer : ndarray of int64
        Places in `LOW_INCOME`, one for each enrollee, and in `MANUFACTURERS`, one for each claim. [from 0]
    cost_sharing_limit : ndarray of float64, shape (n_claims,)
        At most so much for a script, without deductible (insulin, vaccines); -1 where there is none. [dollars]
    weight : ndarray of float64, shape (n_enrollees,)
        Number of enrollees each stands for.
    """

    label: str
    starts: Integers
    plans: Labels = field(repr=False)
    tiers: Labels = field(repr=False)
    cost: Numbers
    scripts: Numbers
    is_applicable: Array
    is_selected: Array
    low_income: Integers
    manufacturer: Integers
    cost_sharing_limit: Numbers
    weight: Numbers

    @property
    def n_enrollees(self) -> int:
        """Enrollees who filled anything."""
        return len(self.starts) - 1

    @property
    def enrollee(self) -> Integers:
        """The number of each claim's enrollee, shape (n_claims,)."""
        return np.repeat(np.arange(self.n_enrollees), np.diff(self.starts))

    def scaled(self, cost: Numbers | float, scripts: Numbers | float = 1.0) -> DrugClaims:
        """Return the claims with costs and numbers of scripts multiplied by factors, one for each claim."""
        return replace(self, cost=self.cost * cost, scripts=self.scripts * scripts)

    def per_enrollee(self, values: Numbers) -> Numbers:
        """Return the sums of each enrollee's claims, shape (n_enrollees,)."""
        return np.bincount(self.enrollee, values, self.n_enrollees).astype(np.float64)


def read_drug_claims(source: Any, *, columns: dict[str, str] | None = None) -> DrugClaims:
    """Read drug claims.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table, mapping, or DrugClaims
        One row per claim (`NEEDED`, `OPTIONAL`): enrollee_id; tier; gross_cost [dollars]; is_applicable (a brand drug
        that the manufacturer discounts). Optional: plan_id; fill_date (else the order of rows); scripts (1);
        is_selected (negotiated: subsidy instead of discount; false); low_income (`LOW_INCOME`; none); manufacturer
        (`MANUFACTURERS`; full); cost_sharing_limit [dollars a script; blank: none]; weight (1).
    columns : dict, optional
        Our name -> the source's.

    Returns
    -------
    DrugClaims

    Raises
    ------
    InputError
        A column is missing, or holds impossible values; an enrollee is in two plans, or has two levels of subsidy or
        two weights.
    """
    if isinstance(source, DrugClaims):
        return source
    rows = read_rows(source, "drug claims", needed=NEEDED, optional=OPTIONAL, columns=columns)
    enrollees = rows.labels("enrollee_id")
    days = rows.days("fill_date") if rows.has("fill_date") else np.zeros(rows.n_rows, np.int64)
    order = np.lexsort((days, enrollees.codes))
    codes = enrollees.codes[order]
    first = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    plans = rows.labels("plan_id") if rows.has("plan_id") else one_label(rows.n_rows, "")
    tiers = rows.labels("tier")
    income = _choices(rows, "low_income", LOW_INCOME)
    weight = _numbers(rows, "weight", 1.0, lambda values: values > 0)
    owner = np.empty(rows.n_rows, np.int64)
    owner[order] = np.repeat(order[first], np.diff(np.r_[first, rows.n_rows]))
    for values, name in ((plans.codes, "plan_id"), (income, "low_income"), (weight, "weight")):
        rows.refuse(values != values[owner], f"column '{name}': differs among the claims of one enrollee")
    is_applicable, is_selected = rows.flags("is_applicable"), _flags(rows, "is_selected")
    rows.refuse(is_applicable & is_selected, "a selected drug is not applicable: both flags")
    return DrugClaims(
        label=rows.label,
        starts=np.r_[first, rows.n_rows].astype(np.int64),
        plans=Labels(plans.codes[order][first], plans.names),
        tiers=Labels(tiers.codes[order], tiers.names),
        cost=_numbers(rows, "gross_cost", None, lambda values: values >= 0)[order],
        scripts=_numbers(rows, "scripts", 1.0, lambda values: values > 0)[order],
        is_applicable=is_applicable[order],
        is_selected=is_selected[order],
        low_income=income[order][first],
        manufacturer=_choices(rows, "manufacturer", MANUFACTURERS)[order],
        cost_sharing_limit=_limits(rows)[order],
        weight=weight[order][first],
    )


def _numbers(rows: Rows, name: str, default: float | None, is_good: Callable[[Numbers], Array]) -> Numbers:
    if default is not None and not rows.has(name):
        return np.full(rows.n_rows, default)
    values = rows.numbers(name)
    rows.refuse(~is_good(values), f"column '{name}': not a possible number")
    return values


def _flags(rows: Rows, name: str) -> Array:
    return rows.flags(name) if rows.has(name) else np.zeros(rows.n_rows, np.bool_)


def _choices(rows: Rows, name: str, allowed: tuple[str, ...]) -> Integers:
    """Return each row's place among the codes allowed; the first where the column is absent."""
    if not rows.has(name):
        return np.zeros(rows.n_rows, np.int64)
    labels = rows.labels(name)
    places = {code: place for place, code in enumerate(allowed)}
    found = np.array([places.get(text.strip().lower(), -1) for text in labels.names.to_pylist()], np.int64)
    found = found[labels.codes]
    rows.refuse(found < 0, f"column '{name}': not allowed", remedy=f"allowed: {', '.join(allowed)}")
    return found


def _limits(rows: Rows) -> Numbers:
    if not rows.has("cost_sharing_limit"):
        return np.full(rows.n_rows, NO_LIMIT)
    values = rows.numbers("cost_sharing_limit", where=np.zeros(rows.n_rows, np.bool_))
    rows.refuse(values < 0, "column 'cost_sharing_limit': below 0")
    return np.where(np.isnan(values), NO_LIMIT, values)


def claims_of_plan(claims: DrugClaims, plan_id: str) -> DrugClaims:
    """Return the claims of the enrollees of one plan.

    Raises
    ------
    InputError
        Nobody in the plan has a claim.
    """
    names = claims.plans.names.to_pylist()
    chosen = claims.plans.codes == (names.index(plan_id) if plan_id in names else -1)
    if not chosen.any():
        raise InputError(f"{claims.label} has no claim of plan '{plan_id}'.")
    rows = chosen[claims.enrollee]
    sizes = np.diff(claims.starts)[chosen]
    by_claim = ("cost", "scripts", "is_applicable", "is_selected", "manufacturer", "cost_sharing_limit")
    return replace(
        claims,
        starts=np.r_[0, np.cumsum(sizes)].astype(np.int64),
        plans=Labels(claims.plans.codes[chosen], claims.plans.names),
        tiers=Labels(claims.tiers.codes[rows], claims.tiers.names),
        low_income=claims.low_income[chosen],
        weight=claims.weight[chosen],
        **{name: getattr(claims, name)[rows] for name in by_claim},
    )
