"""Who pays for drug claims under a benefit design, in years with three phases (deductible, initial, catastrophic)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Array, Numbers
from pricing.medicare.drug_claims import LOW_INCOME, MANUFACTURERS, DrugClaims, read_drug_claims
from pricing.medicare.drug_designs import ENHANCED, DrugDesign
from pricing.medicare.drug_kernel import (
    CATASTROPHIC_DISCOUNT,
    DISCOUNT,
    ENROLLEE,
    IN_CATASTROPHIC,
    IN_DEDUCTIBLE,
    IN_INITIAL,
    INITIAL_PAID,
    MANUFACTURER,
    N_OTHERS,
    N_PARTS,
    PLAN,
    REINSURANCE,
    REINSURED,
    SELECTED,
    SUBSIDY,
    cover_claims,
)
from pricing.parameters import Rates, load_rates

PAID_BY = {
    "enrollee": ENROLLEE, "plan": PLAN, "manufacturer": MANUFACTURER, "reinsurance": REINSURANCE,
    "selected_drug_subsidy": SELECTED,
}  # fmt: skip
PHASES = {"deductible": IN_DEDUCTIBLE, "initial": IN_INITIAL, "catastrophic": IN_CATASTROPHIC}
PARAMETERS = (
    "part_d_deductible", "part_d_threshold", "part_d_initial", "part_d_catastrophic", "part_d_phase_in_initial",
    "part_d_phase_in_catastrophic", "part_d_lis_copay", "part_d_troop_counts_supplemental",
)  # fmt: skip


@dataclass(frozen=True)
class DrugCoverage:
    """Drug claims under one design.

    Attributes
    ----------
    parts : ndarray of float64, shape (n_claims, N_PARTS)
        Dollars of each claim, by who pays and in which phase (`pricing.medicare.drug_kernel`).
    low_income_paid : ndarray of float64, shape (n_claims,)
        What enrollees pay after the low-income subsidy; the rest of their part is the cost-sharing subsidy. [dollars]
    """

    design: DrugDesign
    claims: DrugClaims = field(repr=False)
    parts: Numbers = field(repr=False)
    low_income_paid: Numbers = field(repr=False)
    rates: Rates = field(repr=False)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)

    def total(self, part: int) -> float:
        """Return the dollars of one part, enrollees counted by their weights."""
        return float(self._weights @ self.parts[:, part])

    @property
    def totals(self) -> dict[str, float]:
        """Gross cost, who pays it, its phases, and the low-income cost-sharing subsidy [dollars a year, weighted]."""
        weights = self._weights
        subsidy = self.parts[:, ENROLLEE] - self.low_income_paid
        return {
            "gross": float(weights @ self.claims.cost),
            **{payer: self.total(part) for payer, part in PAID_BY.items()},
            **{f"{phase}_phase": self.total(part) for phase, part in PHASES.items()},
            "initial_paid": self.total(INITIAL_PAID),
            "low_income_subsidy": float(weights @ subsidy),
        }

    def table(self) -> pa.Table:
        """Return one row per enrollee, in the order of their ids' first claims: gross, payers, phases, subsidy."""
        per = self.claims.per_enrollee
        columns = {"gross": per(self.claims.cost)}
        columns |= {payer: per(self.parts[:, part]) for payer, part in PAID_BY.items()}
        columns |= {f"{phase}_phase": per(self.parts[:, part]) for phase, part in PHASES.items()}
        columns["low_income_subsidy"] = per(self.parts[:, ENROLLEE] - self.low_income_paid)
        return pa.table({name: pa.array(values) for name, values in columns.items()})

    @property
    def _weights(self) -> Numbers:
        return self.claims.weight[self.claims.enrollee]

    def __repr__(self) -> str:
        """Return what was covered, without any enrollee's data."""
        return f"<drug coverage of {self.claims.n_enrollees:,} enrollees under '{self.design.name}'>"


def cover_drugs(
    claims: Any, *, design: DrugDesign, payment_year: int, rates: Rates | None = None
) -> DrugCoverage:
    """Return who pays for drug claims under a design: enrollee, plan, manufacturer, reinsurance, subsidies.

    Parameters
    ----------
    claims : path, DataFrame, Arrow table, mapping, or DrugClaims
        As `read_drug_claims` reads them.
    design : DrugDesign
    payment_year : int
    rates : Rates, optional

    Returns
    -------
    DrugCoverage

    Raises
    ------
    InputError
        The year has a coverage gap, for which designs are not modelled; the deductible is above the standard's; a tier
        of the claims is not in the design.
    UnknownRateError
        The year has no parameters.

    Notes
    -----
    Discounts begin when gross cost has passed the standard's deductible, whatever the design's. A claim that crosses
    the threshold is split in proportion. Cost sharing leaves room for the discount: at most what is left of the price.

    References
    ----------
    .. [1] `usc1395w102`, `usc1395w114c`, `usc1395w114d`, `usc1395w115`, `cfr423_782` in
       pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    if rates.has("part_d_initial_coverage_limit"):
        raise InputError(
            f"{rates.year} has a coverage gap; designs are covered from the year on in which it is gone. "
            "For the standard benefit use defined_standard."
        )
    read = read_drug_claims(claims)
    deductible, most = design.deductible_of(rates), rates.number("part_d_deductible")
    if deductible > most:
        raise InputError(
            f"drug design '{design.name}': a deductible of {deductible:,.2f} is above the standard's {most:,.2f}."
        )
    copay, coinsurance, is_exempt = design.terms(read.tiers.names.to_pylist(), rates)
    counts = design.kind == ENHANCED and rates.number("part_d_troop_counts_supplemental") == 1
    standard = np.array([most, rates.number("part_d_threshold"), rates.number("part_d_initial", "enrollee"),
                         rates.number("part_d_catastrophic", "enrollee")])  # fmt: skip
    parts = np.empty((len(read.cost), N_PARTS))
    cover_claims(
        read.starts, read.cost, read.scripts, read.cost_sharing_limit, read.tiers.codes, _others(read, rates),
        copay, coinsurance, is_exempt, deductible, counts, standard, parts,
    )  # fmt: skip
    return DrugCoverage(design, read, parts, _after_subsidy(read, parts[:, ENROLLEE], rates), rates)


def _others(claims: DrugClaims, rates: Rates) -> Numbers:
    """Return what manufacturers and Medicare pay of each claim's cost, below and above the threshold (shares)."""
    others = np.zeros((len(claims.cost), N_OTHERS))
    for place, phase in ((DISCOUNT, "initial"), (CATASTROPHIC_DISCOUNT, "catastrophic")):
        others[:, place] = claims.is_applicable * _discounts(claims, phase, rates)
    others[:, SUBSIDY] = claims.is_selected * rates.number("part_d_initial", "selected_drug_subsidy")
    reinsured = [
        rates.number("part_d_catastrophic", f"reinsurance_{kind}") for kind in ("applicable", "other")
    ]
    others[:, REINSURED] = np.where(claims.is_applicable, *reinsured)
    return others


def _discounts(claims: DrugClaims, phase: str, rates: Rates) -> Numbers:
    """Return the manufacturer's rate for each claim, phased in where the law says so."""
    full = rates.number(f"part_d_{phase}", "manufacturer")

    def phased_in(kind: str) -> float:
        name = f"part_d_phase_in_{phase}"
        return min(full, rates.number(name, kind)) if rates.has(name, kind) else full

    _, specified, small = (claims.manufacturer == place for place in range(len(MANUFACTURERS)))
    has_subsidy = (claims.low_income > 0)[claims.enrollee]
    found = np.where(specified & has_subsidy, phased_in("lis"), full)
    return np.where(small, phased_in("small"), found)


def _after_subsidy(claims: DrugClaims, paid: Numbers, rates: Rates) -> Numbers:
    """Return what enrollees pay where Medicare pays the rest of their cost sharing: at most a copay a script."""
    level: Array = claims.low_income[claims.enrollee]
    if not level.any():
        return paid
    brand = claims.is_applicable | claims.is_selected
    found = paid.copy()
    for place, name in enumerate(LOW_INCOME[1:], start=1):
        for kind, rows in (("generic", ~brand), ("brand", brand)):
            chosen = rows & (level == place)
            most = rates.number("part_d_lis_copay", f"{name} {kind}") * claims.scripts[chosen]
            found[chosen] = np.minimum(paid[chosen], most)
    return found
