"""Capitation rates and risk adjustment by plain loops over rows, in fractions: no arrays, no build-up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

Row = dict[str, Any]


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def chosen(row: Row, name: str, scenario: str, default: float = 0.0) -> Fraction:
    """Return an assumption: the scenario's own, or else the best."""
    return exact(row.get(f"{name}_{scenario}", row.get(name, default)))


def capitation_rate(services: Sequence[Row], cell: Row, scenario: str, trend_years: int) -> Fraction:
    """Return the rate of a cell [dollars per unit], whole years of trend."""
    benefits = Fraction(0)
    for row in services:
        if (row["rate_cell"], row["region"]) != (cell["rate_cell"], cell["region"]):
            continue
        cost = exact(row["base_pmpm"])
        for name in ("completion", "program_change", "managed_care"):
            cost *= chosen(row, name, scenario, 1.0)
        for name in ("utilization_trend", "unit_cost_trend"):
            cost *= (1 + chosen(row, name, scenario)) ** trend_years
        benefits += cost
    loaded = benefits + chosen(cell, "non_benefit_pmpm", scenario)
    share = chosen(cell, "non_benefit_share", scenario) + chosen(cell, "margin_share", scenario)
    return loaded / (1 - share) + chosen(cell, "directed_payment_pmpm", scenario)


def adjusted(
    rates: dict[tuple[str, str], float], plans: Sequence[Row]
) -> dict[tuple[str, str, str], Fraction]:
    """Return each plan's rate in a cell and region: the cell's rate, times its score over the mean there."""
    found = {}
    for plan in plans:
        where = (plan["rate_cell"], plan["region"])
        others = [one for one in plans if (one["rate_cell"], one["region"]) == where]
        months = sum(exact(one["member_months"]) for one in others)
        mean = sum(exact(one["member_months"]) * exact(one["raw_score"]) for one in others) / months
        found[(plan["mco"], *where)] = exact(rates[where]) * exact(plan["raw_score"]) / mean
    return found
