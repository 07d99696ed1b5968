"""From drug claims of a base year to what each plan's benefit costs whom: worksheets 1 to 6 of the Part D bid tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Array, Column, Columns, Numbers, read_columns
from pricing.medicare.bid_projection import factor_column
from pricing.medicare.drug_claims import DrugClaims, claims_of_plan, read_drug_claims
from pricing.medicare.drug_coverage import PAID_BY, PHASES, DrugCoverage, cover_drugs
from pricing.medicare.drug_designs import ENHANCED, KINDS, STANDARD, DrugDesign, DrugTier, read_tiers
from pricing.medicare.equivalence import TOLERANCE, drug_equivalence
from pricing.parameters import Rates, load_rates
from riskadj.errors import nearest

PER_1000_YEARLY = 12 * 1000
TREND_FACTORS = ("utilization_trend", "other_utilization", "unit_cost_trend", "other_unit_cost")
#: Columns of plans: one row each.
PLANS = (
    Column("plan_id", "text"),
    Column("kind", "text", allowed=KINDS),
    Column("deductible", default=..., minimum=0.0),
    Column("base_member_months", above=0.0),
    Column("credibility", default=1.0, minimum=0.0, maximum=1.0),
    Column("manual_allowed_pmpm", default=..., above=0.0),
    Column("induced_utilization", default=1.0, above=0.0),
)
#: Columns of projection factors: one row per plan and tier.
TRENDS = (
    Column("plan_id", "text"),
    Column("tier", "text"),
    *(factor_column(name) for name in TREND_FACTORS),
)
#: What `coverage` says of each plan beside its id [dollars per member and month].
STANDARD_PARTS, OWN_PARTS = (
    tuple(f"{who}_{part}" for part in (*PAID_BY, "low_income_subsidy")) for who in ("standard", "own")
)
COVERAGE = ("allowed", *STANDARD_PARTS, "own_allowed", *OWN_PARTS)
_INTERVALS = ("none", "to the deductible", "to the threshold", "above the threshold")


@dataclass(frozen=True)
class DrugExperience:
    """What the drug benefits of plans are projected to cost, and who bears it.

    Attributes
    ----------
    coverage : pyarrow.Table
        One row per plan: plan_id, kind, and `COVERAGE`: projected allowed cost; who pays under the defined standard;
        allowed with induced use, and who pays under the plan's own design [dollars per member and month].
    tiers : pyarrow.Table
        Worksheets 2 and 6, one row per plan and tier: base_scripts_per_1000 [a year], base_unit_cost, base_allowed,
        the factors, credibility_factor (what blending with manual rates multiplies by), scripts_per_1000, unit_cost,
        allowed [dollars per member and month].
    intervals : pyarrow.Table
        Worksheet 1, one row per plan and claim interval of projected cost: interval, members, allowed [dollars per
        member and month].
    tests : pyarrow.Table
        Actuarial equivalence, one row per plan and test: plan_id, test, value, limit, unit, rule, is_met.
    """

    coverage: pa.Table
    tiers: pa.Table
    intervals: pa.Table
    tests: pa.Table
    rates: Rates = field(repr=False)


@dataclass(frozen=True)
class _OfPlan:
    """A plan's projected claims and its design."""

    plan_id: str
    members: float
    claims: DrugClaims
    induced: DrugClaims
    design: DrugDesign


def drug_experience(
    plans: Any,
    *,
    claims: Any,
    designs: Any = None,
    trends: Any = None,
    payment_year: int,
    rates: Rates | None = None,
    tolerance: float = TOLERANCE,
) -> DrugExperience:
    """Return what the drug benefits of plans will cost whom.

    Parameters
    ----------
    plans : path, DataFrame, Arrow table, mapping
        One row per plan (`PLANS`): kind of benefit, deductible (else the standard's), base_member_months of the claims,
        credibility of them and manual_allowed_pmpm, induced_utilization (use under an enhanced benefit, as a factor).
    claims : path, DataFrame, Arrow table, mapping
        Base experience with plan_id, as `read_drug_claims` reads it.
    designs : path, DataFrame, Arrow table, mapping, optional
        Cost sharing of each plan's tiers (`pricing.medicare.drug_designs.TIERS`); needed for every plan but defined
        standards.
    trends : path, DataFrame, Arrow table, mapping, optional
        Projection factors of each plan's tiers (`TRENDS`), all of them; default: none.
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.
    tolerance : float
        Of the tests of equivalence [share of the target].

    Returns
    -------
    DrugExperience

    Raises
    ------
    InputError
        A column is missing or holds impossible values; a plan lacks claims, a design, a trend or a manual rate that it
        needs.
    """
    rates = rates or load_rates("medicare", payment_year)
    offered = read_columns(plans, PLANS, role="plans", key=("plan_id",))
    read = read_drug_claims(claims)
    tiers = {} if designs is None else read_tiers(designs)
    factors = None if trends is None else read_columns(trends, TRENDS, role="trends", key=("plan_id", "tier"))
    known = set(offered["plan_id"])
    for name in (*read.plans.names.to_pylist(), *tiers, *(() if factors is None else factors["plan_id"])):
        if name not in known:
            raise InputError(f"plan '{name}' is not among the plans{nearest(str(name), sorted(known))}.")
    coverage, lines, intervals, tests = [], [], [], []
    for place in range(offered.n_rows):
        plan, rows = _projected(offered, place, read, tiers, factors)
        standard = _cover(plan.claims, DrugDesign("defined standard"), rates)
        own = _cover(plan.induced, plan.design, rates)
        coverage.append(_coverage_row(plan, standard, own))
        lines += rows
        intervals += _intervals(plan, rates)
        found = drug_equivalence(
            plan.claims, design=plan.design, payment_year=rates.year, rates=rates, tolerance=tolerance
        )
        tests += [{"plan_id": plan.plan_id, **row} for row in found.table().to_pylist()]
    coverage_table, tiers_table, intervals_table, tests_table = (
        pa.Table.from_pylist(part) for part in (coverage, lines, intervals, tests)
    )
    return DrugExperience(coverage_table, tiers_table, intervals_table, tests_table, rates)


def _cover(claims: DrugClaims, design: DrugDesign, rates: Rates) -> DrugCoverage:
    return cover_drugs(claims, design=design, payment_year=rates.year, rates=rates)


def _projected(
    plans: Columns,
    place: int,
    claims: DrugClaims,
    tiers: Mapping[str, Mapping[str, DrugTier]],
    trends: Columns | None,
) -> tuple[_OfPlan, list[dict[str, Any]]]:
    """Return a plan's claims as projected, and worksheets 2 and 6 of them."""
    plan_id, kind = str(plans["plan_id"][place]), str(plans["kind"][place])
    if kind != STANDARD and plan_id not in tiers:
        raise InputError(f"plan '{plan_id}' is no defined standard; give its tiers in designs=.")
    deductible = float(plans["deductible"][place]) if "deductible" in plans else None
    design = DrugDesign(plan_id, kind, deductible, {} if kind == STANDARD else tiers[plan_id])
    months = float(plans["base_member_months"][place])
    base = claims_of_plan(claims, plan_id)
    if base.weight.sum() > months:  # every enrollee is a member for a month at least
        raise InputError(
            f"plan '{plan_id}' has more enrollees with claims than base_member_months; give months of the same year."
        )
    factors = _factors_of_tiers(base, plan_id, trends)
    use = factors["utilization_trend"] * factors["other_utilization"]
    price = factors["unit_cost_trend"] * factors["other_unit_cost"]
    tier = base.tiers.codes
    weights = base.weight[base.enrollee]
    per_month = np.bincount(tier, weights * base.cost, len(use)) / months
    blend = _blend_factor(plans, place, float((per_month * use * price).sum()))
    projected = base.scaled((use * price)[tier] * blend, use[tier])
    rows = _tier_rows(base, plan_id, months, factors, blend)
    induced = float(plans["induced_utilization"][place]) if kind == ENHANCED else 1.0
    return _OfPlan(plan_id, months / 12, projected, projected.scaled(induced, induced), design), rows


def _factors_of_tiers(claims: DrugClaims, plan_id: str, trends: Columns | None) -> dict[str, Numbers]:
    names = claims.tiers.names.to_pylist()
    if trends is None:
        return {factor: np.ones(len(names)) for factor in TREND_FACTORS}
    rows = {str(trends["tier"][row]): row for row in np.flatnonzero(trends["plan_id"] == plan_id)}
    used = {names[code] for code in np.unique(claims.tiers.codes)}
    missing = sorted(used - set(rows))
    if missing:
        raise InputError(
            f"{trends.label}: plan '{plan_id}' has claims of tier '{missing[0]}', and no row for it."
        )
    at = [rows.get(name) for name in names]
    return {
        factor: np.array([1.0 if row is None else trends[factor][row] for row in at], np.float64)
        for factor in TREND_FACTORS
    }


def _blend_factor(plans: Columns, place: int, projected: float) -> float:
    """Return what turns projected cost into the blend of experience and manual rate."""
    credibility = float(plans["credibility"][place])
    if credibility == 1:
        return 1.0
    if "manual_allowed_pmpm" not in plans:
        raise InputError(
            f"{plans.label} lacks manual_allowed_pmpm, and plan '{plans['plan_id'][place]}' is not fully credible."
        )
    if not projected > 0:
        raise InputError(f"plan '{plans['plan_id'][place]}' has no drug cost to spread a manual rate over.")
    return credibility + (1 - credibility) * float(plans["manual_allowed_pmpm"][place]) / projected


def _tier_rows(
    claims: DrugClaims, plan_id: str, months: float, factors: Mapping[str, Numbers], blend: float
) -> list[dict[str, Any]]:
    tier, weights = claims.tiers.codes, claims.weight[claims.enrollee]
    names = claims.tiers.names.to_pylist()
    scripts = np.bincount(tier, weights * claims.scripts, len(names))
    cost = np.bincount(tier, weights * claims.cost, len(names))
    rows = []
    for code in np.unique(tier):
        own = {name: float(values[code]) for name, values in factors.items()}
        use = own["utilization_trend"] * own["other_utilization"]
        price = own["unit_cost_trend"] * own["other_unit_cost"]
        rows.append({
            "plan_id": plan_id, "tier": names[code],
            "base_scripts_per_1000": scripts[code] / months * PER_1000_YEARLY,
            "base_unit_cost": cost[code] / scripts[code], "base_allowed": cost[code] / months, **own,
            "credibility_factor": blend, "scripts_per_1000": scripts[code] / months * PER_1000_YEARLY * use,
            "unit_cost": cost[code] / scripts[code] * price * blend,
            "allowed": cost[code] / months * use * price * blend,
        })  # fmt: skip
    return rows


def _coverage_row(plan: _OfPlan, standard: DrugCoverage, own: DrugCoverage) -> dict[str, Any]:
    months = plan.members * 12
    row: dict[str, Any] = {"plan_id": plan.plan_id, "kind": plan.design.kind}
    for who, found in (("standard", standard), ("own", own)):
        totals = found.totals
        row["allowed" if who == "standard" else "own_allowed"] = totals["gross"] / months
        row |= {f"{who}_{part}": totals[part] / months for part in (*PAID_BY, "low_income_subsidy")}
        if who == "standard":
            row |= {f"{phase}_phase": totals[f"{phase}_phase"] / months for phase in PHASES}
    return row


def _intervals(plan: _OfPlan, rates: Rates) -> list[dict[str, Any]]:
    """Return worksheet 1's claim intervals: how many members, and how much cost, by a year's gross cost."""
    claims = plan.claims
    gross = claims.per_enrollee(claims.cost)
    deductible = rates.number("part_d_deductible")
    reached = claims.per_enrollee(_cover(claims, DrugDesign("s"), rates).parts[:, PHASES["catastrophic"]]) > 0
    place: Array = np.where(gross <= 0, 0, np.where(gross <= deductible, 1, np.where(reached, 3, 2)))
    members = np.bincount(place, claims.weight, len(_INTERVALS))
    members[0] += max(plan.members - float(claims.weight.sum()), 0.0)
    cost = np.bincount(place, claims.weight * gross, len(_INTERVALS)) / (plan.members * 12)
    return [
        {"plan_id": plan.plan_id, "interval": name, "members": float(members[at]), "allowed": float(cost[at])}
        for at, name in enumerate(_INTERVALS)
    ]
