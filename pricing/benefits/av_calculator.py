"""The federal Actuarial Value Calculator: the share of a standard population's cost that a design pays.

The algorithm of CMS's published macros (45 CFR 156.135), on any continuance table. Spend runs through three ranges:
below the deductible, from there to the out-of-pocket maximum, and above. In the first, part of the cost counts to the
deductible, so the spend at which it is met is searched for; likewise in the second for the maximum. The searches are
damped and stop at the published tolerance: their numbers are part of the algorithm, and results match CMS's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pricing.benefits.av_components import Priced, price_components
from pricing.benefits.continuance import ContinuanceTable
from pricing.benefits.design import PlanDesign
from pricing.errors import InputError
from pricing.parameters import Rates, load_rates

_TOLERANCE = 1e-5  # of the two searches, as in the macros
_DAMPING = 5.0
_MOST_ROUNDS = 100
_MOST_TARGETS = 200
_ONE_CENT = 0.01
_SHARE_DECIMALS = 5
_SMALLEST_STEP, _LARGEST_STEP = 0.25, 2.0
PARAMETERS = ("av_waived_copays_accrue", "metal_av", "de_minimis_below", "de_minimis_above")


@dataclass(frozen=True)
class BelowDeductible:
    """The range of spend below the deductible.

    Attributes
    ----------
    spend : float
        Total spend at which the deductible (or, if `maximum_met`, the out-of-pocket maximum) is met [dollars].
    plan_share : float
        Of the cost in the range.
    accrued : float
        Copays that count to the maximum and not to the deductible [dollars].
    maximum_met : bool
        True if copays reach the out-of-pocket maximum before the deductible is met.
    """

    spend: float
    plan_share: float
    accrued: float
    maximum_met: bool


@dataclass(frozen=True)
class ActuarialValue:
    """An actuarial value and how it came about.

    Attributes
    ----------
    value : float
        Share of the population's allowed cost that the plan pays, 0 to 1, contributions to an account included.
    plan_pays_below, plan_pays_between, plan_pays_above : float
        Below the deductible, from there to the out-of-pocket maximum, and above it [dollars per enrollee].
    total : float
        Allowed cost [dollars per enrollee].
    spend_at_deductible, spend_at_maximum : float
        Total spend at which each is met [dollars].
    account : float
        Share added by an employer's contribution to an HSA or HRA.
    """

    design: PlanDesign
    table: str
    benefit_year: int
    value: float
    plan_pays_below: float
    plan_pays_between: float
    plan_pays_above: float
    total: float
    spend_at_deductible: float
    spend_at_maximum: float
    account: float
    rates: Rates

    @property
    def metal_levels(self) -> list[str]:
        """Metal levels (and their variants) whose de minimis range holds the value, of the benefit year."""
        return metal_levels(self.value, rates=self.rates)

    @property
    def assumptions(self) -> Any:
        """Every yearly parameter used, with its source and whether it was verified (Arrow table)."""
        return self.rates.assumptions(PARAMETERS)

    def __repr__(self) -> str:
        """Return the value and the levels that it fits."""
        levels = ", ".join(self.metal_levels) or "no metal level"
        return f"<ActuarialValue of '{self.design.name}': {self.value:.4f}, {levels} in {self.benefit_year}>"


def actuarial_value(
    tables: ContinuanceTable | dict[str, ContinuanceTable],
    design: PlanDesign,
    *,
    benefit_year: int,
    rates: Rates | None = None,
) -> ActuarialValue:
    """Return the actuarial value of a design, as the federal calculator of the benefit year.

    Parameters
    ----------
    tables : ContinuanceTable, or dict with "combined" and, for separate drug limits, "medical" and "drugs"
        Such as `read_av_workbook` returns.
    design : PlanDesign
        Of one person: family limits and terms out of the network are not read. Preventive care is always paid in full.
    benefit_year : int
        Decides which copays count to the deductible and which to the maximum, and the de minimis ranges.
    rates : Rates, optional

    Returns
    -------
    ActuarialValue

    Raises
    ------
    InputError
        The table lacks a service's columns, or separate drug limits have no tables of their own.
    UnknownRateError
        The benefit year has no parameters.

    References
    ----------
    .. [1] `cfr156_135` in pricing/rates/aca/manifest.toml.
    .. [2] `av_calculator` in pricing/rates/av_calculator/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    by_kind = tables if isinstance(tables, dict) else {"combined": tables}
    accrue = bool(rates.number("av_waived_copays_accrue"))
    if design.drug_out_of_pocket_maximum is not None:
        parts = _parts_with_own_maximum(by_kind, design, accrue)
    else:
        parts = _parts(by_kind, design, accrue)
    total = _table(by_kind, "combined").total
    before = min(sum(parts[:3]) / total, 1.0)
    account = _account_share(_table(by_kind, "combined"), design, before)
    return ActuarialValue(
        design, _table(by_kind, "combined").name, benefit_year, before + account, *parts[:3], total, *parts[3:],
        account, rates,
    )  # fmt: skip


def value_of_tiers(values: Sequence[tuple[float, ActuarialValue]]) -> float:
    """Return the actuarial value of a network with tiers: the values of its tiers weighted by utilization.

    Parameters
    ----------
    values : sequence of (float, ActuarialValue)
        Share of utilization, and the value under the tier's terms; shares add up to 1.

    Raises
    ------
    InputError
        The shares do not add up to 1.
    """
    if abs(sum(share for share, _ in values) - 1.0) > 1e-9 or any(share < 0 for share, _ in values):
        raise InputError("shares of utilization must be positive and add up to 1.")
    return sum(share * found.value for share, found in values)


def metal_levels(value: float, *, rates: Rates) -> list[str]:
    """Return the metal levels and variants whose de minimis range holds an actuarial value, rounded to 4 decimals.

    Parameters
    ----------
    value : float
        Actuarial value, 0 to 1 [share of allowed cost].
    rates : Rates
        Of program "aca" and the benefit year.

    Returns
    -------
    list of str
        Such as ``["silver"]``; empty outside every range.

    Raises
    ------
    UnknownRateError
        The year has no such ranges.

    References
    ----------
    .. [1] `cfr156_140` in pricing/rates/aca/manifest.toml.
    """
    rounded = round(value, 4)
    found = []
    for level, below in rates.by_key("de_minimis_below").items():
        center = rates.number("metal_av", level)
        low = center - below
        high = center + rates.number("de_minimis_above", level)
        if round(low, 4) <= rounded <= round(high, 4):
            found.append(level)
    return found


_Parts = tuple[float, float, float, float, float]


def _table(by_kind: dict[str, ContinuanceTable], kind: str) -> ContinuanceTable:
    if kind not in by_kind:
        raise InputError(
            f"a design with separate drug limits needs the '{kind}' table; give all three of the level."
        )
    return by_kind[kind]


def _parts(by_kind: dict[str, ContinuanceTable], design: PlanDesign, accrue: bool) -> _Parts:
    """Return what the plan pays in the three ranges, and the spend at their limits: one maximum for all services."""
    table = _table(by_kind, "combined")
    priced = price_components(table, design)
    maximum = design.out_of_pocket_maximum
    if design.drug_deductible is None:
        below = below_deductible(priced, design.deductible, maximum, accrue)
        deductible = design.deductible
        paid_below = table.capped(below.spend) * below.plan_share
    else:
        below, paid_below = _below_two_deductibles(by_kind, design, accrue)
        deductible = design.deductible + design.drug_deductible
    if below.maximum_met:
        return paid_below, 0.0, table.total - table.capped(below.spend), below.spend, below.spend
    share, spend = _between(priced, below, max(maximum - below.accrued, deductible) - deductible)
    between = (table.capped(spend) - table.capped(below.spend)) * share
    return paid_below, between, table.total - table.capped(spend), below.spend, spend


def _below_two_deductibles(
    by_kind: dict[str, ContinuanceTable], design: PlanDesign, accrue: bool
) -> tuple[BelowDeductible, float]:
    """Meet each deductible in its own table, then find the combined spend at which that much is spent together."""
    assert design.drug_deductible is not None
    spent = paid = accrued = 0.0
    for kind, deductible in (("medical", design.deductible), ("drugs", design.drug_deductible)):
        table = _table(by_kind, kind)
        part = below_deductible(price_components(table, design), deductible, math.inf, accrue)
        spent += table.capped(part.spend)
        paid += table.capped(part.spend) * part.plan_share
        accrued += part.accrued
    spend = _table(by_kind, "combined").spend_at(spent)
    return BelowDeductible(spend, paid / spent if spent else 0.0, accrued, False), paid


def _parts_with_own_maximum(by_kind: dict[str, ContinuanceTable], design: PlanDesign, accrue: bool) -> _Parts:
    """Run medical and drugs apart, each with its own limits, and add them up."""
    limits = (
        ("medical", design.deductible, design.out_of_pocket_maximum),
        ("drugs", design.drug_deductible or 0.0, design.drug_out_of_pocket_maximum or 0.0),
    )
    total = np.zeros(5)
    for kind, deductible, maximum in limits:
        table = _table(by_kind, kind)
        priced = price_components(table, design)
        below = below_deductible(priced, deductible, maximum, accrue)
        spend = below.spend
        share = 0.0
        if not below.maximum_met:
            share, spend = _between(priced, below, max(maximum - below.accrued, deductible) - deductible)
        capped = table.capped(below.spend), table.capped(spend)
        total += (
            capped[0] * below.plan_share, (capped[1] - capped[0]) * share, table.total - capped[1], below.spend, spend
        )  # fmt: skip
    return tuple(total.tolist())  # type: ignore[return-value]


def below_deductible(priced: Priced, deductible: float, maximum: float, accrue: bool) -> BelowDeductible:
    """Find the spend at which the deductible is met, or the maximum if copays reach it first.

    Parameters
    ----------
    priced : Priced
    deductible, maximum : float
        Dollars.
    accrue : bool
        Copays of services whose deductible is waived count to the maximum only; False: to the deductible.
    """
    target, maximum_met = deductible, False
    for _ in range(_MOST_TARGETS):
        spend, plan, counted = _meet(priced, target, accrue)
        member = spend * (1 - plan)
        if not accrue:
            copays = priced.copays_of_deductible_services(spend)
            return BelowDeductible(spend, plan, copays, False)
        off = member - maximum
        if not (abs(off) > _ONE_CENT if maximum_met else off > _ONE_CENT):
            return BelowDeductible(
                spend, plan, spend * round(1 - plan - counted, _SHARE_DECIMALS), maximum_met
            )
        maximum_met = True
        target *= min(max(1 - off / (2 * target), _SMALLEST_STEP), _LARGEST_STEP)
    return BelowDeductible(spend, plan, spend * round(1 - plan - counted, _SHARE_DECIMALS), maximum_met)


def _meet(priced: Priced, target: float, accrue: bool) -> tuple[float, float, float]:
    """Return the spend at which `target` counts to the deductible, and the plan's and the counted share of it."""
    share = 1.0
    for round_number in range(_MOST_ROUNDS):
        spend = target / share
        total, plan, counted = priced.below(spend, waived_copays_count=not accrue)
        plan_share, measured = (plan / total, counted / total) if total > 0 else (0.0, 1.0)
        if abs(measured - share) < _TOLERANCE or measured <= 0:
            break
        share = _damped(share, measured, round_number)
    return spend, plan_share, measured


def _between(priced: Priced, below: BelowDeductible, room: float) -> tuple[float, float]:
    """Return the plan's share between deductible and maximum, and the spend at which the maximum is met."""
    share = priced.plan_share_of_all()
    results = [(share, below.spend)]
    for round_number in range(_MOST_ROUNDS):
        spend = below.spend + room / (1 - share) if share < 1 and room > 0 else below.spend
        measured = priced.plan_share_between(below.spend, spend)
        if measured is None:
            return share, spend
        damped = _damped(share, measured, round_number)
        results.append((damped, spend))
        if abs(measured - share) < _TOLERANCE:
            return results[-1]
        share = damped
    return min(results[-2:], key=lambda found: _value_of_end(priced.table, below.spend, *found))


def _value_of_end(table: ContinuanceTable, low: float, share: float, high: float) -> float:
    """Return what the plan pays above `low`, less the cost of everything: to tell which of two ends is the smaller."""
    return share * (table.capped(high) - table.capped(low)) - table.capped(high)


def _damped(old: float, measured: float, round_number: int) -> float:
    weight = math.exp(-round_number / _DAMPING)
    return measured * weight + (old + measured) / 2 * (1 - weight)


def _account_share(table: ContinuanceTable, design: PlanDesign, value: float) -> float:
    """Return what an account contribution adds: the cost it pays, at most what members pay."""
    member_share = 1 - value
    if not design.account_contribution or member_share <= 0:
        return 0.0
    paid = table.capped(design.account_contribution / member_share) * member_share
    return min(member_share * table.total, paid) / table.total
