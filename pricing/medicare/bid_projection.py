"""From base experience to projected cost by service category (worksheets 1 to 3 of the Bid Pricing Tool, CMS-10142).

Every function works on all service categories of all plans at once: arrays of shape (n_lines,).
"""

from __future__ import annotations

import numpy as np

from pricing.errors import InputError
from pricing.experience.credibility import limited_fluctuation
from pricing.inputs import AS_FACTOR, LEAST_FACTOR, Array, Column, Columns, Numbers

#: Utilization is per 1,000 members and year; dollars are per member and month.
PER_1000_YEARLY = 12 * 1000
UTILIZATION_FACTORS = ("utilization_trend", "benefit_change", "population_change", "other_utilization")
UNIT_COST_FACTORS = ("unit_cost_trend", "other_unit_cost")
MANUAL = ("manual_utilization_per_1000", "manual_unit_cost")


def factor_column(name: str) -> Column:
    """Return the column of a projection factor; a trend far below 1 was meant as a rate."""
    if name.endswith("_trend"):
        return Column(name, default=1.0, minimum=LEAST_FACTOR, written=AS_FACTOR)
    return Column(name, default=1.0, above=0.0)


#: Columns of base experience: one row per plan and service category.
EXPERIENCE = (
    Column("plan_id", "text"),
    Column("service_category", "text"),
    Column("base_utilization_per_1000", minimum=0.0),
    Column("base_unit_cost", minimum=0.0),
    *(factor_column(name) for name in UTILIZATION_FACTORS),
    Column("additive_utilization_per_1000", default=0.0),
    *(factor_column(name) for name in UNIT_COST_FACTORS),
    Column("additive_pmpm", default=0.0),
    *(Column(name, default=..., minimum=0.0) for name in MANUAL),
    Column("effective_copay", default=0.0, minimum=0.0),
    Column("effective_coinsurance", default=0.0, minimum=0.0, maximum=1.0),
    Column("covered_share", default=1.0, minimum=0.0, maximum=1.0),
    Column("ffs_cost_sharing_share", minimum=0.0, maximum=1.0),
)


def project_lines(experience: Columns, *, credibility: Numbers) -> dict[str, Numbers]:
    """Return what each service category is projected to cost, and who bears it.

    Parameters
    ----------
    experience : Columns
        With the columns of `EXPERIENCE`.
    credibility : ndarray of float64, shape (n_lines,)
        Of the plan that the line belongs to, 0 to 1.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_lines,)
        projected_utilization and utilization [per 1,000 a year], projected_unit_cost [dollars]; the rest dollars per
        member and month: base_allowed, projected_allowed, manual_allowed, allowed (experience and manual blended),
        cost_sharing, net, covered_allowed, ffs_cost_sharing (actuarially equivalent to original Medicare's),
        covered_net (the Part A and B bid's share), cost_sharing_reduction, additional_benefits.

    Raises
    ------
    InputError
        A projection is negative, cost sharing exceeds the cost, or manual rates are missing where they are needed.
    """
    lines = _projected(experience)
    lines |= _blended(lines, _with_manual(experience, credibility), credibility)
    lines |= _shared(lines, experience)
    experience.refuse(lines["allowed"] < 0, "additive amounts make the projection negative")
    experience.refuse(
        lines["cost_sharing"] > lines["allowed"] * (1 + 1e-12), "cost sharing exceeds allowed cost"
    )
    return lines


def _projected(experience: Columns) -> dict[str, Numbers]:
    utilization = experience["base_utilization_per_1000"] * _product(experience, UTILIZATION_FACTORS)
    utilization = utilization + experience["additive_utilization_per_1000"]
    experience.refuse(utilization < 0, "additive_utilization_per_1000 makes projected utilization negative")
    unit_cost = experience["base_unit_cost"] * _product(experience, UNIT_COST_FACTORS)
    base = experience["base_utilization_per_1000"] * experience["base_unit_cost"] / PER_1000_YEARLY
    allowed = utilization * unit_cost / PER_1000_YEARLY + experience["additive_pmpm"]
    return {
        "base_allowed": base, "projected_utilization": utilization, "projected_unit_cost": unit_cost,
        "projected_allowed": allowed,
    }  # fmt: skip


def _product(columns: Columns, names: tuple[str, ...]) -> Numbers:
    return np.prod([columns[name] for name in names], axis=0)


def _with_manual(experience: Columns, credibility: Numbers) -> tuple[Array, Array]:
    """Return manual utilization and unit cost; a fully credible plan needs none."""
    if all(name in experience for name in MANUAL):
        return experience[MANUAL[0]], experience[MANUAL[1]]
    if (credibility < 1).any():
        plans = list(dict.fromkeys(experience["plan_id"][credibility < 1]))
        raise InputError(
            f"{experience.label} lacks {' or '.join(MANUAL)}, and {len(plans):,} plans have too few base member months "
            f"for full credibility, the first {plans[0]}; give manual rates, or another full credibility (parameter "
            "bid_full_credibility_member_months)."
        )
    zero = np.zeros(experience.n_rows)
    return zero, zero


def _blended(
    lines: dict[str, Numbers], manual: tuple[Array, Array], credibility: Numbers
) -> dict[str, Numbers]:
    manual_allowed = manual[0] * manual[1] / PER_1000_YEARLY
    rest = 1 - credibility
    return {
        "manual_allowed": manual_allowed,
        "utilization": credibility * lines["projected_utilization"] + rest * manual[0],
        "allowed": credibility * lines["projected_allowed"] + rest * manual_allowed,
    }


def _shared(lines: dict[str, Numbers], experience: Columns) -> dict[str, Numbers]:
    allowed, covered_share = lines["allowed"], experience["covered_share"]
    copays = lines["utilization"] * experience["effective_copay"] / PER_1000_YEARLY
    cost_sharing = copays + allowed * experience["effective_coinsurance"]
    covered = allowed * covered_share
    ffs = covered * experience["ffs_cost_sharing_share"]
    return {
        "cost_sharing": cost_sharing,
        "net": allowed - cost_sharing,
        "covered_allowed": covered,
        "ffs_cost_sharing": ffs,
        "covered_net": covered - ffs,
        "cost_sharing_reduction": ffs - cost_sharing * covered_share,
        "additional_benefits": (allowed - covered) - cost_sharing * (1 - covered_share),
    }


def credibility_of(member_months: Numbers, *, full: float) -> Numbers:
    """Return the credibility of plans' own experience: the square-root rule on base member months."""
    return limited_fluctuation(member_months, full=full)
