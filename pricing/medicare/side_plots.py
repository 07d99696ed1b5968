"""Charts of Medicare bids' side questions: optional benefits, tests of equivalence, loss ratios, settlements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskadj.charts import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    new_figure,
    shortened,
    show_dollars,
    show_percent,
    show_short_dollars,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pricing.medicare.contract_mlr import ContractLossRatios
    from pricing.medicare.equivalence import Equivalence
    from pricing.medicare.optional_packages import OptionalBenefits
    from pricing.medicare.part_d_settlement import PartDSettlement

_MOST_PLANS = 30


def plot_optional_benefits(packages: OptionalBenefits) -> Figure:
    """Return a figure: what each package's premium is made of."""
    table = packages.to_pandas()
    names = [shortened(f"{row.plan_id}, {row.package_id}") for row in table.itertuples()]
    figure, (axes,) = new_figure(width=9.0, height=1.8 + 0.4 * len(names))
    left = np.zeros(len(table))
    parts = (
        ("net_medical", "benefits", BLUE),
        ("non_benefit", "non-benefit expense", GREY),
        ("gain", "gain (a loss: left of 0)", GREEN),
    )
    for name, label, color in parts:
        axes.barh(names, table[name], left=np.where(table[name] < 0, 0, left), color=color, label=label)
        left = left + np.maximum(table[name], 0)
    axes.plot(table["premium"], np.arange(len(table)), "|", color="black", markersize=16, label="premium")
    axes.invert_yaxis()
    show_dollars(axes.xaxis)
    axes.set_xlabel("dollars per member and month of those who buy")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_equivalence(found: Equivalence) -> Figure:
    """Return a figure: each test's value as a share of its limit, met or not."""
    tests = [test for test in found.tests if test.limit]
    figure, (axes,) = new_figure(width=9.0, height=1.6 + 0.4 * len(tests))
    places = np.arange(len(tests))
    shares = [test.value / test.limit for test in tests]
    axes.hlines(places, 1, shares, color=GREY, linewidth=1.5)
    axes.scatter(shares, places, color=[GREEN if test.is_met else RED for test in tests], zorder=3)
    axes.axvline(1, color="black", linewidth=0.8)
    sides = ["at most" if test.is_at_most else "at least" for test in tests]
    axes.set_yticks(
        places, [f"{test.name} ({side})" for test, side in zip(tests, sides, strict=True)], fontsize=8
    )
    axes.set_ylim(len(tests) - 0.5, -0.5)
    show_percent(axes.xaxis)
    axes.set_xlabel("value as a share of its limit; green: met, red: not met")
    return figure


def plot_loss_ratios(found: ContractLossRatios) -> Figure:
    """Return a figure: each contract's loss ratio with its credibility, against the standard."""
    table = found.to_pandas()
    standard = found.rates.number("mlr_standard")
    figure, (axes,) = new_figure(width=9.0, height=1.8 + 0.35 * len(table))
    places = np.arange(len(table))
    colors = [RED if owed else BLUE for owed in table["remittance"] > 0]
    axes.barh(places, table["preliminary"], color=colors)
    axes.barh(
        places, table["credibility"], left=table["preliminary"], color=AMBER, label="credibility adjustment"
    )
    axes.axvline(standard, color="black", linewidth=0.8, linestyle="--", label="standard")
    axes.set_yticks(places, [shortened(name) for name in table["contract_id"]])
    axes.invert_yaxis()
    show_percent(axes.xaxis)
    axes.set_xlabel("loss ratio; red: a remittance is owed")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_part_d_settlement(found: PartDSettlement) -> Figure:
    """Return a figure: what Medicare still pays the plans with the largest settlements, by what it is for."""
    rows = sorted(found.plans.to_pylist(), key=lambda row: -abs(row["settlement"]))[:_MOST_PLANS]
    names = [shortened(row["plan_id"]) for row in rows]
    figure, (axes,) = new_figure(width=9.0, height=1.8 + 0.36 * len(names))
    above, below = np.zeros(len(rows)), np.zeros(len(rows))
    parts = (
        ("reinsurance_due", "reinsurance", BLUE),
        ("low_income_due", "low-income subsidy", GREY),
        ("risk_corridor", "risk corridor", AMBER),
    )
    for name, label, color in parts:
        dollars = np.array([row[name] for row in rows])
        axes.barh(names, dollars, left=np.where(dollars < 0, below, above), color=color, label=label)
        above, below = above + np.maximum(dollars, 0), below + np.minimum(dollars, 0)
    axes.plot([row["settlement"] for row in rows], names, "D", color="black", label="settlement")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    show_short_dollars(axes.xaxis)
    axes.set_xlabel("paid to the plan after the year; below 0: paid back")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
