"""The transfer formula of many draws of one market at once: arrays of shape (n_draws, n_plans)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricing.aca.transfer_formula import CATASTROPHIC
from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import Rates


@dataclass(frozen=True)
class PlanSums:
    """Sums over enrollees; every array has shape (n_draws, n_plans)."""

    months: Numbers  # billable
    risk: Numbers  # all members' months x score
    age: Numbers  # billable months x age factor
    premium: Numbers  # billable months x premium [dollars]


@dataclass(frozen=True)
class Layout:
    """Which plans compete, and what a metal level is worth; arrays of shape (n_plans,)."""

    plans: Mapping[str, Sequence[str]]
    av: Numbers
    idf: Numbers
    is_base: npt.NDArray[np.bool_]  # geographic cost factors are computed from it
    pool: Numbers  # shape (n_plans, n_pools): 1 where a plan is in the pool
    area: Numbers  # shape (n_plans, n_areas): 1 where a plan is in the rating area of the pool

    @property
    def n_plans(self) -> int:
        """Number of plans."""
        return len(self.av)

    def named(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """Return some columns of the plans, a tuple each."""
        return list(zip(*(self.plans[name] for name in names), strict=True))

    @classmethod
    def of_plans(cls, plans: Mapping[str, Sequence[str]], rates: Rates) -> Layout:
        """Return the layout of plans, each given by state, market, rating area and metal level."""
        metals = plans["metal_level"]
        by_metal = {name: rates.by_key(f"transfer_{name}") for name in ("av", "idf")}
        pools = [
            (state, market, metal == CATASTROPHIC)
            for state, market, metal in zip(plans["state"], plans["market"], metals, strict=True)
        ]
        return cls(
            plans=plans,
            av=np.array([by_metal["av"][metal] for metal in metals]),
            idf=np.array([by_metal["idf"][metal] for metal in metals]),
            is_base=np.array([metal in ("silver", CATASTROPHIC) for metal in metals]),
            pool=_one_hot(pools),
            area=_one_hot([(*pool, area) for pool, area in zip(pools, plans["rating_area"], strict=True)]),
        )


def _one_hot(keys: Sequence[tuple[object, ...]]) -> Numbers:
    position = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.eye(len(position))[[position[key] for key in keys]]


def transfers_of_draws(sums: PlanSums, layout: Layout, share: float, name: str) -> Numbers:
    """Return the transfer of each plan in each draw [dollars], shape (n_draws, n_plans).

    The formula of `pricing.aca.transfer`; a plan that nobody of a draw is in has no transfer.

    Raises
    ------
    InputError
        A rating area has nobody in a silver plan, so its geographic cost factor is unknown.
    """
    pool, factor = layout.pool, layout.idf * _geographic_cost_factors(sums, layout, name)
    need, allowed = sums.risk * factor, layout.av * sums.age * factor
    premium = sums.premium @ pool
    relative = need / _filled(need @ pool @ pool.T) - allowed / _filled(allowed @ pool @ pool.T)
    transfers: Numbers = share * (premium @ pool.T) * relative
    return transfers


def _geographic_cost_factors(sums: PlanSums, layout: Layout, name: str) -> Numbers:
    """Return each plan's factor: its area's age-standardised base premium against the state's."""
    base = layout.is_base
    months = sums.months * base
    premium = base * sums.premium * sums.months / _filled(sums.age)
    in_area, everyone = months @ layout.area, sums.months @ layout.area
    if ((in_area == 0) & (everyone > 0)).any():
        raise InputError(
            f"scenario '{name}': a rating area has nobody in a silver plan, in the market or in one of its draws, so "
            "that its geographic cost factor is unknown; join small areas, or take no draws."
        )
    of_area = ((premium @ layout.area) / _filled(in_area)) @ layout.area.T
    of_state = (premium @ layout.pool) / _filled(months @ layout.pool) @ layout.pool.T
    return of_area / _filled(of_state)


def _filled(values: Numbers) -> Numbers:
    """Return the values with 1 in place of 0: what is divided by it is 0 as well."""
    return np.where(values == 0, 1.0, values)
