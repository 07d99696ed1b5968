"""The federal Actuarial Value Calculator: the share of a standard population's cost that a design pays.

The algorithm of CMS's published macros (45 CFR 156.135), on any continuance table. Spend runs through three ranges:
below the deductible, from there to the out-of-pocket maximum, and above. In the first, part of the cost counts to the
deductible, so the spend at which it is met is searched for; likewise in the second for the maximum. The searches are
damped and stop at the published tolerance: their numbers are part of the algorithm, and results match CMS's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pricing.benefits.av_components import Priced, price_components
from pricing.benefits.continuance import ContinuanceTable, components
from pricing.benefits.design import PlanDesign
from pricing.errors import InputError
from pricing.parameters import Rates, load_rates
from riskadj.errors import nearest

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
        Total spend at which the deductible is met [dollars].
    plan_pays : float
        In the range [dollars per enrollee].
    member_pays : float
        Of a member who spends that much [dollars].
    accrued : float
        Copays among `member_pays` that count to the maximum and not to the deductible [dollars].
    """

    spend: float
    plan_pays: float
    member_pays: float
    accrued: float


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

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the value: a tier that it does not read, services that the calculator does not have."""
        return tuple(_look(self.design))

    def __repr__(self) -> str:
        """Return the value and the levels that it fits."""
        levels = ", ".join(self.metal_levels) or "no metal level"
        return f"<ActuarialValue of '{self.design.name}': {self.value:.4f}, {levels} in {self.benefit_year}>"


def _look(design: PlanDesign) -> Iterator[str]:
    known, where = {component.service for component in components()}, f"plan design '{design.name}': the"
    if design.second_tier != design:
        yield (
            f"{where} value is of the first tier of its network; value design.second_tier too, and weigh the two with "
            "value_of_tiers."
        )
    for name in design.services:
        if name not in known:
            yield f"{where} federal calculator has no service '{name}'{nearest(name, known)}; its terms change nothing."


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
        Of one person: family limits, the second tier and terms out of the network are not read. Preventive care is
        always paid in full.
    benefit_year : int
        Decides which copays count to the deductible and which to the maximum, and the de minimis ranges.
    rates : Rates, optional

    Returns
    -------
    ActuarialValue

    Raises
    ------
    InputError
        The table lacks a service's columns, separate drug limits have no tables of their own, drugs have a maximum of
        their own and no deductible, or a service is not covered or does not count to the maximum.
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

    Returns
    -------
    float [share of allowed cost]

    Raises
    ------
    InputError
        A share is negative, or they do not add up to 1.

    References
    ----------
    .. [1] `av_calculator` in pricing/rates/av_calculator/manifest.toml: two tiers are two runs, weighted by use.
    """
    if abs(sum(share for share, _ in values) - 1.0) > 1e-9 or any(share < 0 for share, _ in values):
        raise InputError("shares of utilization cannot be negative, and add up to 1.")
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
_Limits = tuple[float, float]


def _table(by_kind: dict[str, ContinuanceTable], kind: str) -> ContinuanceTable:
    if kind not in by_kind:
        raise InputError(
            f"a design with separate drug limits needs the '{kind}' table; give all three of the level."
        )
    return by_kind[kind]


def _parts(by_kind: dict[str, ContinuanceTable], design: PlanDesign, accrue: bool) -> _Parts:
    """Return what the plan pays in the three ranges, and the spend at their limits: one maximum for all services."""
    priced = price_components(_table(by_kind, "combined"), design)
    if design.drug_deductible is None:
        limits = _that_counts(design.deductible, priced, accrue), design.out_of_pocket_maximum
        return _ranges(priced, limits, accrue, partial(_met, priced, accrue))
    parts = [price_components(_table(by_kind, kind), design) for kind in ("medical", "drugs")]
    stated = design.deductible, design.drug_deductible
    own = [_that_counts(deductible, part, accrue) for deductible, part in zip(stated, parts, strict=True)]
    apart = [(part, deductible / (sum(own) or 1.0)) for part, deductible in zip(parts, own, strict=True)]
    limits = sum(own), design.out_of_pocket_maximum
    return _ranges(priced, limits, accrue, partial(_met_apart, priced.table, apart, accrue))


def _parts_with_own_maximum(by_kind: dict[str, ContinuanceTable], design: PlanDesign, accrue: bool) -> _Parts:
    """Run medical and drugs apart, each with its own limits, and add them up."""
    if design.drug_deductible is None:
        raise InputError(
            f"plan design '{design.name}': drug_out_of_pocket_maximum needs drug_deductible, 0 if drugs have none: the "
            "federal calculator runs drugs with a maximum of their own apart."
        )
    limits = {
        "medical": (design.deductible, design.out_of_pocket_maximum),
        "drugs": (design.drug_deductible, design.drug_out_of_pocket_maximum or 0.0),
    }
    total = np.zeros(5)
    for kind, (deductible, maximum) in limits.items():
        priced = price_components(_table(by_kind, kind), design)
        own = _that_counts(deductible, priced, accrue), maximum
        total += _ranges(priced, own, accrue, partial(_met, priced, accrue))
    return tuple(total.tolist())  # type: ignore[return-value]


def _that_counts(deductible: float, priced: Priced, accrue: bool) -> float:
    """Return the deductible, or 0 where it plays no part: it is waived for everything that costs anything."""
    counted = priced.below(math.inf, waived_copays_count=not accrue)[2]
    return deductible if counted > 0 else 0.0


def _ranges(
    priced: Priced, limits: _Limits, accrue: bool, meet: Callable[[float], BelowDeductible]
) -> _Parts:
    """Return what the plan pays below the deductible, from there to the maximum and above, and the spend at each.

    Under the rule of 2023 copays of services whose deductible is waived may reach the maximum before the deductible is
    met. The target is then moved until they just do; where that does not settle, the closest of those tried is taken.
    """
    deductible, maximum = limits
    target, is_reached, tried = deductible, False, []
    for _ in range(_MOST_TARGETS):
        tried.append(meet(target))
        off = tried[-1].member_pays - maximum
        if not accrue or not (abs(off) > _ONE_CENT if is_reached else off > _ONE_CENT):
            break
        is_reached = True
        target *= min(max(1 - off / (2 * target), _SMALLEST_STEP), _LARGEST_STEP)
    below = min(tried, key=lambda each: abs(each.member_pays - maximum))
    table, spend, share = priced.table, below.spend, 0.0
    if not is_reached:
        share, spend = _between(priced, below.spend, max(maximum - below.accrued, deductible) - deductible)
    between = (table.capped(spend) - table.capped(below.spend)) * share
    return below.plan_pays, between, table.total - table.capped(spend), below.spend, spend


def _met(priced: Priced, accrue: bool, target: float) -> BelowDeductible:
    """Return the range of spend until `target` counts to the deductible.

    `accrue`: copays of services whose deductible is waived count to the maximum only; False: to the deductible.
    """
    spend, plan, counted = _meet(priced, target, accrue)
    accrued = (
        spend * round(1 - plan - counted, _SHARE_DECIMALS)
        if accrue
        else priced.copays_of_deductible_services(spend)
    )
    return BelowDeductible(spend, priced.table.capped(spend) * plan, spend * (1 - plan), accrued)


def _met_apart(
    combined: ContinuanceTable, apart: Sequence[tuple[Priced, float]], accrue: bool, target: float
) -> BelowDeductible:
    """Meet a share of `target` in each table, then find the combined spend at which that much is spent together."""
    met = [_met(priced, accrue, target * share) for priced, share in apart]
    cost = sum(priced.table.capped(part.spend) for (priced, _), part in zip(apart, met, strict=True))
    return BelowDeductible(
        combined.spend_at(cost),
        sum(part.plan_pays for part in met),
        sum(part.member_pays for part in met),
        sum(part.accrued for part in met),
    )


def _meet(priced: Priced, target: float, accrue: bool) -> tuple[float, float, float]:
    """Return the spend at which `target` counts to the deductible, and the plan's and the counted share of it."""
    share = 1.0
    for round_number in range(_MOST_ROUNDS):
        spend = target / share if share > 0 else math.inf
        total, plan, counted = priced.below(spend, waived_copays_count=not accrue)
        plan_share, measured = (plan / total, counted / total) if total > 0 else (0.0, 1.0)
        if abs(measured - share) < _TOLERANCE:
            break
        share = _damped(share, measured, round_number)
    return spend, plan_share, measured


def _between(priced: Priced, low: float, room: float) -> tuple[float, float]:
    """Return the plan's share from the spend `low` to where members paid `room` more, and the spend at that point."""
    share = priced.plan_share_of_all()
    results = [(share, low)]
    for round_number in range(_MOST_ROUNDS):
        spend = low + room / (1 - share) if share < 1 and room > 0 else low
        measured = priced.plan_share_between(low, spend)
        if measured is None:
            return share, spend
        damped = _damped(share, measured, round_number)
        results.append((damped, spend))
        if abs(measured - share) < _TOLERANCE:
            return results[-1]
        share = damped
    return min(results[-2:], key=lambda found: _value_of_end(priced.table, low, *found))


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
