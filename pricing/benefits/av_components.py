"""The components of a continuance table under a design's terms, as the federal calculator pairs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pricing.benefits.continuance import Component, ContinuanceTable, components, interpolate
from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.inputs import Numbers

_IN_FULL = CostSharing(deductible_applies=False)
_DAYS = {"inpatient": ("Avg. IP Days", "IP Max Days - {days}"), "skilled_nursing": ("Avg. SNF Days", "")}
_VISITS = ("Primary Care >{visits} Visit{s}", "Primary Care >{visits} Visit{s} Freq.")
_MOST_VISITS = 10
#: The published macro asks, for occupational therapy, whether imaging (not occupational therapy) has terms of its own.
_ROW_TESTED = {"occupational_physical_therapy": "imaging"}


@dataclass(frozen=True)
class Priced:
    """Components as arrays of shape (n_rows of the table, n_components), and their terms of shape (n_components,).

    Attributes
    ----------
    cost, frequency : ndarray of float64
        Dollars and services per enrollee, accumulated while spend stays below each cap.
    copay, plan_coinsurance, most : ndarray of float64
        Dollars per service; the plan's share; the most that a member pays per service (NaN: no limit).
    counts, has_coinsurance, after : ndarray of bool
        Subject to the deductible; to coinsurance; the copay only after the deductible.
    """

    table: ContinuanceTable
    cost: Numbers
    frequency: Numbers
    copay: Numbers
    plan_coinsurance: Numbers
    most: Numbers
    counts: npt.NDArray[np.bool_]
    has_coinsurance: npt.NDArray[np.bool_]
    after: npt.NDArray[np.bool_]

    def at(self, spend: float) -> tuple[Numbers, Numbers]:
        """Return cost and number of services of every component at a spend level."""
        return interpolate(self.table.up_to, self.cost, spend), interpolate(
            self.table.up_to, self.frequency, spend
        )

    def below(self, spend: float, *, waived_copays_count: bool) -> tuple[float, float, float]:
        """Return cost, the plan's part and what counts to the deductible, of spend up to a level."""
        cost, frequency = self.at(spend)
        above_copays = np.maximum(cost - frequency * self.copay, 0.0)
        waived = ~self.after & ~self.counts
        counted = np.where(self.after, cost, np.where(self.counts, above_copays, 0.0)).sum()
        if waived_copays_count:
            counted += np.minimum(cost, frequency * self.copay)[waived].sum()
        return float(cost.sum()), float(above_copays[waived].sum()), float(counted)

    def copays_of_deductible_services(self, spend: float) -> float:
        """Return the copays owed before the deductible on services that are subject to it."""
        cost, frequency = self.at(spend)
        return float(np.minimum(cost, frequency * self.copay)[self.counts & ~self.after].sum())

    def plan_share_of_all(self) -> float:
        """Return the plan's share of all cost under copays and coinsurance alone, at most 1."""
        cost = self.cost[-1]
        member = self._member_pays(cost, self.frequency[-1])
        return float(min((cost - member).sum() / self.table.total, 1.0))

    def plan_share_between(self, low: float, high: float) -> float | None:
        """Return the plan's share of the cost between two spend levels; None where there is none."""
        (cost_low, frequency_low), (cost_high, frequency_high) = self.at(low), self.at(high)
        cost = float((cost_high - cost_low).sum())
        member = self._member_pays(cost_high, frequency_high) - self._member_pays(cost_low, frequency_low)
        return 1 - float(member.sum()) / cost if cost else None

    def _member_pays(self, cost: Numbers, frequency: Numbers) -> Numbers:
        """Return what members pay once the deductible is met, of every component: its coinsurance or its copays."""
        coinsurance = np.fmin(cost * (1 - self.plan_coinsurance), frequency * self.most)
        return np.where(self.has_coinsurance, coinsurance, np.minimum(cost, frequency * self.copay))


def price_components(table: ContinuanceTable, design: PlanDesign) -> Priced:
    """Return the components that a table holds, each under the terms that price it.

    Raises
    ------
    InputError
        The table lacks a column that the design's terms need, or the terms ask for what no table has.
    """
    _refuse_carve_outs(design)
    parts = [part for component in _present(table, design) for part in _parts(table, component, design)]
    terms = [part[2] for part in parts]
    return Priced(
        table=table,
        cost=np.column_stack([part[0] for part in parts]),
        frequency=np.column_stack([part[1] for part in parts]),
        copay=np.array([each.copay for each in terms]),
        plan_coinsurance=np.array([1 - each.share(design.coinsurance) for each in terms]),
        most=np.array([np.nan if each.max_per_unit is None else each.max_per_unit for each in terms]),
        counts=np.array([each.deductible_applies for each in terms]),
        has_coinsurance=np.array([_has_coinsurance(each) for each in terms]),
        after=np.array([each.copay_after_deductible for each in terms]),
    )


def _refuse_carve_outs(design: PlanDesign) -> None:
    found = [
        name for name, terms in design.services.items() if not (terms.is_covered and terms.counts_to_maximum)
    ]
    if found:
        raise InputError(
            f"plan design '{design.name}': in the federal calculator every service is covered and counts to the "
            f"out-of-pocket maximum ({', '.join(found)} does not); leave is_covered and counts_to_maximum out, or "
            "value the design on claims."
        )


def _has_coinsurance(terms: CostSharing) -> bool:
    return terms.coinsurance is not None or (not terms.copay and terms.deductible_applies)


def _present(table: ContinuanceTable, design: PlanDesign) -> Iterator[Component]:
    """Yield the components of the table; X-rays together where they have terms of their own, else with their visits."""
    x_rays_apart = _is_plain(design, "x_ray")
    for component in components():
        if component.setting in ("x_ray", "combined") and (component.setting == "x_ray") is not x_rays_apart:
            continue
        if table.has(component.cost_column):
            yield component


def _terms_of(component: Component, design: PlanDesign) -> CostSharing:
    """Return the row of the design that prices a component."""
    if component.service == "preventive":
        return _IN_FULL
    if component.setting in ("facility", "professional"):
        place = f"outpatient_{component.setting}"
        tested = _ROW_TESTED.get(component.service, component.service)
        if not _is_plain(design, place) and _is_plain(design, tested):
            return design.terms(place)
    return design.terms(component.service)


def _is_plain(design: PlanDesign, service: str) -> bool:
    """Return whether a service has no more than the plan's deductible and coinsurance, named in the design or not."""
    terms = design.terms(service)
    has_more = terms.copay or terms.free_visits or terms.max_per_unit is not None
    return terms.deductible_applies and not has_more and terms.share(design.coinsurance) == design.coinsurance


_Part = tuple[Numbers, Numbers, CostSharing]


def _parts(table: ContinuanceTable, component: Component, design: PlanDesign) -> Iterator[_Part]:
    """Yield cost, number of services and terms of a component, or of its first visits and the others."""
    terms = _terms_of(component, design)
    cost, frequency = table.column(component.cost_column), _frequency(table, component, terms)
    first = ((terms.free_visits, _IN_FULL), (terms.copay_visits, replace(_IN_FULL, copay=terms.copay)))
    others = replace(terms, free_visits=0, copay_visits=0)
    if terms.copay_visits:
        others = replace(others, copay=0.0, coinsurance=terms.share(design.coinsurance))
    told_apart = 0
    for n_visits, priced_by in first:
        if n_visits > told_apart and component.setting != "x_ray":
            later = [table.column(name) for name in _later_visits(component, n_visits)]
            yield cost - later[0], frequency - later[1], priced_by
            cost, frequency, told_apart = later[0], later[1], n_visits
    yield cost, frequency, others


def _later_visits(component: Component, n_visits: int) -> list[str]:
    if component.service != "primary_care" or n_visits > _MOST_VISITS:
        raise InputError(
            f"continuance tables tell apart the first 1 to {_MOST_VISITS} visits of primary_care only; "
            f"{component.service} asks for {n_visits}."
        )
    return [name.format(visits=n_visits, s="s" if n_visits > 1 else "") for name in _VISITS]


def _frequency(table: ContinuanceTable, component: Component, terms: CostSharing) -> Numbers:
    if terms.copay_per != "day" or not terms.copay:
        return table.column(component.frequency_column)
    if component.service not in _DAYS:
        raise InputError(
            f"continuance tables count days of {', '.join(_DAYS)} only; {component.service} has visits."
        )
    every, limited = _DAYS[component.service]
    if terms.copay_days is None:
        return table.column(every)
    if not limited:
        raise InputError(
            f"continuance tables have no limit of days for {component.service}; leave copay_days out."
        )
    return table.column(limited.format(days=terms.copay_days))
