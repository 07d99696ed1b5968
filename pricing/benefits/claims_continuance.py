"""Continuance tables from a claims extract, and the actuarial value of a design on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.benefits.adjudication import PARTS, adjudicate
from pricing.benefits.adjudication_kernel import PLAN_PAID
from pricing.benefits.claims import Claims, read_claims
from pricing.benefits.continuance import MAXD, UP_TO, ContinuanceTable, components, normalised
from pricing.benefits.design import PlanDesign
from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import Rates
from riskadj.errors import nearest

CAPS = (
    *range(0, 2_500, 100),
    *range(2_500, 10_000, 500),
    *range(10_000, 50_000, 2_500),
    *range(50_000, 250_001, 25_000),
)


@dataclass(frozen=True)
class ClaimsValue:
    """The actuarial value of a design on a population's own claims.

    Attributes
    ----------
    value : float
        Share of the allowed amount that the plan pays, 0 to 1, services not covered among the allowed; an employer's
        contribution to an account included, as far as it pays cost sharing.
    plan_paid, account, allowed : float
        Dollars; ``value = (plan_paid + account) / allowed``.
    """

    design: PlanDesign
    value: float
    plan_paid: float
    account: float
    allowed: float

    def has_minimum_value(self, *, rates: Rates) -> bool:
        """Return whether the value reaches the share that an employer's plan must have.

        Of this population, not of the standard one; a plan must also cover inpatient and physician services.

        Parameters
        ----------
        rates : Rates
            ``load_rates("aca", year)`` of the plan's year.

        References
        ----------
        .. [1] `usc36b` in pricing/rates/aca/manifest.toml: minimum_value, of the total allowed costs.
        """
        return self.value >= rates.number("minimum_value")


def value_on_claims(claims: Any, design: PlanDesign, **reading: Any) -> ClaimsValue:
    """Return the actuarial value of a design on a claims extract.

    Parameters
    ----------
    claims : Claims, or what `read_claims` reads
    design : PlanDesign
    **reading
        Passed to `read_claims`.

    Returns
    -------
    ClaimsValue

    Raises
    ------
    InputError
        As `read_claims`; or nothing is allowed in all.
    """
    ready = claims if isinstance(claims, Claims) else read_claims(claims, **reading)
    allowed = ready.total_allowed / 100
    totals = adjudicate(ready, design).totals[0] / 100
    owed = totals[:, PLAN_PAID + 1 : PARTS.index("not_covered")].sum(axis=1)
    account = float(np.minimum(owed, design.account_contribution).sum())
    plan_paid = float(totals[:, PLAN_PAID].sum())
    return ClaimsValue(design, (plan_paid + account) / allowed, plan_paid, account, allowed)


def continuance_of_claims(
    claims: Any,
    *,
    services: Mapping[str, str] | None = None,
    caps: Sequence[float] = CAPS,
    name: str = "claims",
    **reading: Any,
) -> ContinuanceTable:
    """Return the continuance table of a claims extract: average cost per enrollee by cap on a year's spend.

    Parameters
    ----------
    claims : Claims, or what `read_claims` reads
        Members of a table of members who have no claims count as enrollees who cost nothing.
    services : mapping of str to str
        Service category of the claims -> component of the federal calculator's tables (`continuance.components`). A
        category with a component's own name needs none.
    caps : sequence of float
        Dollars, rising from 0; the table adds the row without a cap.
    name : str
        Of the table, for messages.
    **reading
        Passed to `read_claims`.

    Returns
    -------
    ContinuanceTable
        As `actuarial_value` reads; services count visits (a day's lines), which begin before the cap is reached.

    Raises
    ------
    InputError
        A service category has no component, or the caps do not rise from 0.

    Notes
    -----
    A member's lines accumulate in order of date; the line that reaches the cap counts up to it. Credits (negative
    lines) are left out: they would let spend fall again.
    """
    ready = claims if isinstance(claims, Claims) else read_claims(claims, **reading)
    edges = np.asarray(caps, np.float64)
    if len(edges) < 2 or edges[0] != 0 or (np.diff(edges) <= 0).any() or not np.isfinite(edges[-1]):
        raise InputError("caps of a continuance table must rise from 0, two of them at least.")
    columns = _columns_of(ready.service_names, services or {})
    lines = _Accumulated.of(ready)
    n_services, n_members = len(ready.service_names), ready.member_years.num_rows
    rows = [lines.below(cap, n_services) for cap in (*edges * 100, np.inf)]
    cost = np.array([row[0] for row in rows]) / 100 / n_members
    visits = np.array([row[1] for row in rows]) / n_members
    up_to, maxd = np.append(edges, np.inf), cost.sum(axis=1)
    table: dict[str, Numbers] = {normalised(UP_TO): up_to, normalised(MAXD): maxd}
    for component in components():
        own = [number for number, column in enumerate(columns) if column == component.component]
        table[normalised(component.cost_column)] = cost[:, own].sum(axis=1)
        table[normalised(component.frequency_column)] = visits[:, own].sum(axis=1)
    return ContinuanceTable(name, up_to, maxd, table)


def _columns_of(categories: Sequence[str], services: Mapping[str, str]) -> list[str]:
    """Return the component of each service category."""
    known = [component.component for component in components()]
    result = [services.get(category, category) for category in categories]
    for category, component in zip(categories, result, strict=True):
        if component not in known:
            raise InputError(
                f"service category '{category}' of the claims has no component '{component}'"
                f"{nearest(component, known)}; map it with services=, to one of: {', '.join(known)}."
            )
    return result


@dataclass(frozen=True)
class _Accumulated:
    """Claim lines above 0 by what their member had spent before [cents], and whether they begin a visit."""

    before: Numbers
    amount: Numbers
    services: npt.NDArray[np.uint32]
    begins_visit: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, claims: Claims) -> _Accumulated:
        """Accumulate each member's lines of a year in order of date."""
        order = np.argsort(claims.member_rows, kind="stable")
        order = order[claims.allowed[order] > 0]
        members, amount = claims.member_rows[order], claims.allowed[order]
        running = np.cumsum(amount) - amount
        starts = np.flatnonzero(np.diff(members, prepend=-1))
        before = running - np.repeat(running[starts], np.diff(starts, append=len(order)))
        return cls(
            before.astype(np.float64),
            amount.astype(np.float64),
            claims.services[order],
            claims.begins_visit[order],
        )

    def below(self, cap: float, n_services: int) -> tuple[Numbers, Numbers]:
        """Return cost [cents] and visits of each service, of spend below a cap [cents]."""
        cost = np.bincount(self.services, np.clip(cap - self.before, 0, self.amount), n_services)
        counts = self.begins_visit & (self.before < cap)
        visits = np.bincount(self.services[counts], minlength=n_services)
        return cost.astype(np.float64), visits.astype(np.float64)
