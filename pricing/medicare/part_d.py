"""Part D: who pays which part of the defined standard benefit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError, check_choice
from pricing.inputs import Numbers
from pricing.parameters import Rates, load_rates

PAYERS = ("enrollee", "plan", "manufacturer", "reinsurance", "selected_drug_subsidy")
DISCOUNTS = ("full", "lis", "small")


@dataclass(frozen=True)
class DefinedStandard:
    """Gross drug cost of enrollees, phase by phase and payer by payer.

    Attributes
    ----------
    phases : dict of str to ndarray of float64, shape (n,)
        Gross cost in the deductible, initial, gap (years that had one) and catastrophic phase [dollars a year].
    payers : dict of str to ndarray of float64, shape (n,)
        What enrollee, plan, manufacturer, reinsurance and selected-drug subsidy pay; they add up to gross cost.
    """

    year: int
    phases: dict[str, Numbers]
    payers: dict[str, Numbers]
    rates: Rates

    @property
    def gross(self) -> Numbers:
        """Gross drug cost [dollars a year], shape (n,)."""
        return sum(self.phases.values(), start=np.zeros(1))

    def table(self) -> pa.Table:
        """Return one row per enrollee: gross, each phase, each payer."""
        phases = {f"{name}_phase": pa.array(values) for name, values in self.phases.items()}
        return pa.table(
            {"gross": pa.array(self.gross), **phases, **{k: pa.array(v) for k, v in self.payers.items()}}
        )

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        names = {name for name, _ in self.rates.parameters if name.startswith("part_d_")}
        return self.rates.assumptions(names)


def defined_standard(
    gross: Any,
    *,
    payment_year: int,
    applicable_share: Any = 1.0,
    selected_share: Any = 0.0,
    discount: str = "full",
    rates: Rates | None = None,
) -> DefinedStandard:
    """Return who pays for drugs under the defined standard benefit of a year.

    Parameters
    ----------
    gross : float or array of shape (n,)
        Gross covered drug cost of each enrollee [dollars a year].
    payment_year : int
        Four phases where the year's parameters have an initial coverage limit, else three.
    applicable_share : float or array
        Share of cost that is applicable (brand) drugs, in every phase alike, 0 to 1.
    selected_share : float or array
        Share of cost that is selected (negotiated) drugs: no manufacturer discount, but a subsidy. With the
        applicable share at most 1.
    discount : {"full", "lis", "small"}
        The manufacturer's: in full, or phased in for low-income enrollees of specified manufacturers ("lis") or for
        all enrollees of specified small ones ("small"). What is not discounted yet the plan pays.
    rates : Rates, optional

    Returns
    -------
    DefinedStandard

    Raises
    ------
    InputError
        A cost is negative, shares are impossible, or the year has no such discount.
    UnknownRateError
        The year has no parameters.

    References
    ----------
    .. [1] `usc1395w102`, `usc1395w114c`, `usc1395w114d`, `usc1395w115` in pricing/rates/medicare/manifest.toml.

    Examples
    --------
    >>> found = defined_standard(10_000, payment_year=2025)
    >>> {payer: float(dollars[0]) for payer, dollars in found.payers.items() if dollars[0]}
    {'enrollee': 2000.0, 'plan': 5928.0, 'manufacturer': 1318.0, 'reinsurance': 754.0}
    """
    rates = rates or load_rates("medicare", payment_year)
    cost, applicable, selected = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(values, np.float64))
            for values in (gross, applicable_share, selected_share)
        )
    )
    if not (cost >= 0).all() or not np.isfinite(cost).all():
        raise InputError("gross drug cost must be finite and not negative.")
    if not ((applicable >= 0) & (selected >= 0) & (applicable + selected <= 1 + 1e-12)).all():
        raise InputError("applicable_share and selected_share must lie between 0 and 1, together at most 1.")
    check_choice("discount", discount, DISCOUNTS)
    if discount != "full" and not rates.has("part_d_phase_in_initial", discount):
        raise InputError(
            f"{rates.year} has no discount that is phased in (discount '{discount}'); give 'full'."
        )
    phases = _phases(cost, applicable, rates)
    payers = {payer: np.zeros(len(cost)) for payer in PAYERS}
    for phase, dollars in phases.items():
        shares = _shares(phase, applicable, selected, discount, rates)
        for payer, share in shares.items():
            payers[payer] += dollars * share
        payers["plan"] += dollars * (1 - sum(shares.values(), start=np.zeros(1)))
    return DefinedStandard(payment_year, phases, payers, rates)


def gross_at_threshold(
    *, payment_year: int, applicable_share: float = 1.0, rates: Rates | None = None
) -> float:
    """Return the gross drug cost at which the catastrophic phase begins [dollars a year].

    Parameters
    ----------
    payment_year : int
    applicable_share : float
        Of the cost, what manufacturers discount, 0 to 1.
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    float [dollars a year]

    Raises
    ------
    InputError
        The share is none.
    UnknownRateError
        The year has no phases of the standard benefit.
    """
    rates = rates or load_rates("medicare", payment_year)
    if not 0 <= applicable_share <= 1:
        raise InputError("applicable_share must lie between 0 and 1.")
    return float(sum(_limits(np.array([applicable_share]), rates).values(), start=np.zeros(1))[0])


def _limits(applicable: Numbers, rates: Rates) -> dict[str, Numbers]:
    """Return how much gross cost each phase below the threshold holds at most; only some years have a gap."""
    deductible, threshold = rates.number("part_d_deductible"), rates.number("part_d_threshold")
    enrollee = rates.number("part_d_initial", "enrollee")
    if not rates.has("part_d_initial_coverage_limit"):
        initial = np.full(len(applicable), (threshold - deductible) / enrollee)
        return {"deductible": np.full(len(applicable), deductible), "initial": initial}
    initial = np.full(len(applicable), rates.number("part_d_initial_coverage_limit") - deductible)
    spent = deductible + enrollee * initial
    counts = rates.number("part_d_gap", "enrollee") + rates.number("part_d_gap", "manufacturer") * applicable
    limits = {"deductible": np.full(len(applicable), deductible), "initial": initial}
    return {**limits, "gap": (threshold - spent) / counts}


def _phases(cost: Numbers, applicable: Numbers, rates: Rates) -> dict[str, Numbers]:
    left, phases = cost.astype(np.float64), {}
    for phase, limit in _limits(applicable, rates).items():
        phases[phase] = np.minimum(left, limit)
        left = left - phases[phase]
    return {**phases, "catastrophic": left}


def _shares(
    phase: str, applicable: Numbers, selected: Numbers, discount: str, rates: Rates
) -> dict[str, Numbers]:
    """Return what everyone but the plan pays of a phase's gross cost."""
    whole = np.ones(len(applicable))
    if phase == "deductible":
        return {"enrollee": whole}
    shares = {"enrollee": whole * rates.number(f"part_d_{phase}", "enrollee")}
    rate = rates.number(f"part_d_{phase}", "manufacturer")
    if discount != "full":
        rate = min(rate, rates.number(f"part_d_phase_in_{phase}", discount))
    shares["manufacturer"] = applicable * rate
    if phase == "initial":
        shares["selected_drug_subsidy"] = selected * rates.number("part_d_initial", "selected_drug_subsidy")
    if phase == "catastrophic":
        kinds = ((applicable, "reinsurance_applicable"), (1 - applicable, "reinsurance_other"))
        shares["reinsurance"] = sum(
            (part * rates.number("part_d_catastrophic", kind) for part, kind in kinds), start=np.zeros(1)
        )
    return shares
