"""Part D benefit designs: deductible, and cost sharing by tier up to the out-of-pocket threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Column, read_columns
from pricing.parameters import Rates
from riskadj.errors import nearest

STANDARD, EQUIVALENT, BASIC, ENHANCED = KINDS = (
    "defined_standard", "actuarially_equivalent", "basic_alternative", "enhanced",
)  # fmt: skip
#: Columns of designs: one row per plan and tier.
TIERS = (
    Column("plan_id", "text"),
    Column("tier", "text"),
    Column("copay", default=0.0, minimum=0.0),
    Column("coinsurance", default=0.0, minimum=0.0, maximum=1.0),
    Column("is_deductible_exempt", "flag", default=False),
)


@dataclass(frozen=True)
class DrugTier:
    """Cost sharing of one tier, between the deductible and the threshold.

    Attributes
    ----------
    copay : float
        Dollars a script.
    coinsurance : float
        Share of cost, 0 to 1; with a copay, beside it.
    is_deductible_exempt : bool
    """

    copay: float = 0.0
    coinsurance: float = 0.0
    is_deductible_exempt: bool = False

    def __post_init__(self) -> None:
        """Refuse cost sharing that cannot be."""
        if not self.copay >= 0 or not 0 <= self.coinsurance <= 1:
            raise InputError(
                f"a tier's copay cannot be negative, its coinsurance lies between 0 and 1: {self}."
            )


@dataclass(frozen=True)
class DrugDesign:
    """A plan's drug benefit; above the out-of-pocket threshold the law leaves no choice.

    Attributes
    ----------
    kind : {"defined_standard", "actuarially_equivalent", "basic_alternative", "enhanced"}
    deductible : float, optional
        Dollars a year; None: the standard's of the year.
    tiers : mapping of str to DrugTier
        Of a defined standard none: its coinsurance is the same for every drug.
    """

    name: str
    kind: str = STANDARD
    deductible: float | None = None
    tiers: Mapping[str, DrugTier] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind that is none, a negative deductible, tiers of a standard or none of another."""
        if self.kind not in KINDS:
            raise InputError(
                f"drug design '{self.name}' has kind '{self.kind}'{nearest(self.kind, KINDS)}; "
                f"allowed: {', '.join(KINDS)}."
            )
        if self.deductible is not None and not 0 <= self.deductible < np.inf:
            raise InputError(f"drug design '{self.name}': the deductible cannot be negative.")
        if (self.kind == STANDARD) == bool(self.tiers):
            raise InputError(
                f"drug design '{self.name}': a defined standard has no tiers of its own, any other kind needs them."
            )

    def deductible_of(self, rates: Rates) -> float:
        """Return the deductible, the standard's where the design has none of its own [dollars a year]."""
        return rates.number("part_d_deductible") if self.deductible is None else self.deductible

    def terms(self, names: list[str], rates: Rates) -> tuple[Any, Any, Any]:
        """Return copay, coinsurance and exemption from the deductible of each tier name.

        Raises
        ------
        InputError
            Claims have a tier that the design does not.
        """
        if self.kind == STANDARD:
            share = rates.number("part_d_initial", "enrollee")
            return np.zeros(len(names)), np.full(len(names), share), np.zeros(len(names), np.bool_)
        missing = [name for name in names if name not in self.tiers]
        if missing:
            raise InputError(
                f"drug design '{self.name}' has no tier '{missing[0]}' of the claims"
                f"{nearest(missing[0], self.tiers)}; it has: {', '.join(self.tiers)}."
            )
        tiers = [self.tiers[name] for name in names]
        return (
            np.array([tier.copay for tier in tiers], np.float64),
            np.array([tier.coinsurance for tier in tiers], np.float64),
            np.array([tier.is_deductible_exempt for tier in tiers], np.bool_),
        )


def read_tiers(source: Any) -> dict[str, dict[str, DrugTier]]:
    """Return the tiers of each plan: plan_id -> tier -> DrugTier.

    Parameters
    ----------
    source : path, DataFrame, Arrow table, mapping
        One row per plan and tier (`TIERS`): copay [dollars a script], coinsurance, is_deductible_exempt.

    Raises
    ------
    InputError
        A column is missing or holds impossible values; a plan has a tier twice.
    """
    table = read_columns(source, TIERS, role="designs", key=("plan_id", "tier"))
    plans: dict[str, dict[str, DrugTier]] = {}
    for plan, tier, copay, coinsurance, is_exempt in zip(
        *(table[column.name] for column in TIERS), strict=True
    ):
        own = plans.setdefault(str(plan), {})
        own[str(tier)] = DrugTier(float(copay), float(coinsurance), bool(is_exempt))
    return plans
