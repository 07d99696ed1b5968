"""Charts of benefits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskadj.charts import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    PALETTE,
    RED,
    new_figure,
    set_bar_room,
    show_dollars,
    show_percent,
    show_short_dollars,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.benefits.adjudication import Adjudication
    from pricing.benefits.av_designs import ActuarialValues
    from pricing.benefits.continuance import ContinuanceTable
    from pricing.benefits.scenarios import Comparison

_MOST_DESIGNS = 12
_PARTS = {
    "plan_paid": ("plan", BLUE),
    "deductible": ("deductible", AMBER),
    "copay": ("copays", GREEN),
    "coinsurance": ("coinsurance", PALETTE[4]),
    "not_covered": ("not covered", GREY),
}

_MOST_VALUES = 30
_METALS = {"bronze": "#B08D57", "silver": "#A9B0B7", "gold": "#D9B84A", "platinum": "#8FA9C4"}


def plot_comparison(comparison: Comparison) -> Figure:
    """Return four charts: who pays, the change in plan cost, winners and losers by decile, members' cost.

    The base and the designs after it, the first twelve. One design alone has no changes, and two charts.
    """
    if comparison.designs.num_rows == 1:
        figure, (who, members) = new_figure(1, 2)
    else:
        figure, (who, tornado, deciles, members) = new_figure(2, 2, height=8.6)
        _draw_changes(tornado, comparison)
        _draw_deciles(deciles, comparison)
    rows = comparison.designs.to_pylist()
    title = "Who pays, per member and month (actuarial value at the end)"
    _draw_payers(who, rows, ending="_pmpm", title=title)
    _draw_distribution(members, comparison)
    return figure


def _draw_payers(axes: Axes, rows: list[dict[str, Any]], *, ending: str, title: str) -> None:
    """Draw who pays what, a bar for each row; parts are columns of `_PARTS`, perhaps with an ending."""
    shown = rows[:_MOST_DESIGNS][::-1]
    left = np.zeros(len(shown))
    for column, (label, color) in _PARTS.items():
        amounts = np.array([row[column + ending] for row in shown])
        if amounts.any():
            axes.barh([row["design"] for row in shown], amounts, left=left, color=color, label=label)
        left += amounts
    for number, row in enumerate(shown):
        axes.annotate(
            f"{row['actuarial_value']:.1%}", (left[number], number), (4, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axes.set_xlim(0, left.max() * 1.12)
    set_bar_room(axes, len(shown))
    axes.set_title(title, fontsize=10)
    show_dollars(axes.xaxis)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.1))


def plot_adjudication(found: Adjudication) -> Figure:
    """Return a figure: who pays what under each design, in dollars, the first twelve."""
    rows = found.summary().to_dict("records")
    figure, (axes,) = new_figure(width=8.0, height=2.4 + 0.45 * min(len(rows), _MOST_DESIGNS))
    _draw_payers(axes, rows, ending="", title="Who pays (the plan's share at the end)")
    show_short_dollars(axes.xaxis)
    return figure


def plot_actuarial_values(found: ActuarialValues) -> Figure:
    """Return a figure: the value of each design over the de minimis ranges of the metal levels, the first thirty."""
    rows = found.designs.to_pylist()[:_MOST_VALUES][::-1]
    figure, (axes,) = new_figure(width=8.5, height=2.6 + 0.32 * len(rows))
    rates = found.values[0].rates
    for level, color in _METALS.items():
        if rates.has("de_minimis_below", level):
            center = rates.number("metal_av", level)
            low = center - rates.number("de_minimis_below", level)
            high = center + rates.number("de_minimis_above", level)
            axes.axvspan(low, high, color=color, alpha=0.25, linewidth=0)
            axes.annotate(
                level, (center, 1), (0, 3), textcoords="offset points", xycoords=("data", "axes fraction"),
                ha="center", fontsize=8,
            )  # fmt: skip
    values = [row["actuarial_value"] for row in rows]
    axes.plot(values, [row["design"] for row in rows], "o", color=BLUE, markersize=6)
    for place, value in enumerate(values):
        axes.annotate(
            f"{value:.2%}", (value, place), (7, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xlim(min(0.5, *values) - 0.02, max(0.95, *values) + 0.05)
    axes.margins(y=0.6 / max(len(rows), 1))
    axes.set_xlabel(f"actuarial value on {found.run['table']}, {found.run['benefit_year']}")
    show_percent(axes.xaxis)
    return figure


def _draw_changes(axes: Axes, comparison: Comparison) -> None:
    """Draw the tornado: designs by how much they move what the plan pays."""
    rows = comparison.designs.to_pylist()[1:_MOST_DESIGNS]
    rows.sort(key=lambda row: abs(row["plan_paid_change"]))
    changes = [row["plan_paid_change"] for row in rows]
    axes.barh(
        [row["design"] for row in rows], changes, color=[RED if each > 0 else GREEN for each in changes]
    )
    axes.axvline(0, color=GREY, linewidth=0.8)
    for number, each in enumerate(changes):
        side = "left" if each > 0 else "right"
        axes.annotate(
            f"{each:+.1%}", (each, number), (4 if each > 0 else -4, 0), textcoords="offset points",
            ha=side, va="center", fontsize=8,
        )  # fmt: skip
    axes.margins(x=0.25)
    set_bar_room(axes, len(rows))
    axes.set_title(f"What the plan pays, against {comparison.run['base']}", fontsize=10)
    show_percent(axes.xaxis)


def _draw_deciles(axes: Axes, comparison: Comparison) -> None:
    for number, name in enumerate(_names(comparison)[1:]):
        rows = [row for row in comparison.deciles.to_pylist() if row["design"] == name]
        axes.plot(
            [row["decile"] for row in rows], [row["change"] for row in rows],
            color=PALETTE[number % len(PALETTE)], marker="o", markersize=3, label=name,
        )  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xticks(range(1, 11))
    axes.set_xlabel("decile of risk, 10 the highest")
    axes.set_title("Change in a member's yearly cost, mean of each decile", fontsize=10)
    show_dollars(axes.yaxis)
    axes.legend(frameon=False, fontsize=8)


def _draw_distribution(axes: Axes, comparison: Comparison) -> None:
    colors = (GREY, *PALETTE)
    for number, name in enumerate(_names(comparison)):
        rows = [row for row in comparison.distribution.to_pylist() if row["design"] == name]
        axes.plot(
            range(len(rows)), [row["member_paid"] for row in rows],
            color=colors[number % len(colors)], marker="o", markersize=3, label=name,
        )  # fmt: skip
    axes.set_xticks(range(len(rows)), [f"{row['percentile']}th" for row in rows])
    axes.set_xlabel("percentile of members")
    axes.set_title("What members pay a year", fontsize=10)
    show_dollars(axes.yaxis)
    axes.legend(frameon=False, fontsize=8)


def _names(comparison: Comparison) -> list[str]:
    names: list[str] = comparison.designs["design"].to_pylist()
    return names[: len(PALETTE)]


def plot_continuance(table: ContinuanceTable) -> Figure:
    """Return the continuance curve: average cost per enrollee with everyone's spend capped, by cap."""
    figure, (axes,) = new_figure(width=7.0)
    axes.plot(table.up_to[:-1], table.maxd[:-1], color=BLUE)
    axes.axhline(table.total, color=GREY, linewidth=0.8, linestyle="--")
    axes.annotate(
        "no cap", (table.up_to[-2], table.total), (0, 3), textcoords="offset points", ha="right", fontsize=8
    )
    axes.set_xlabel("cap on a member's spend in the year")
    axes.set_title("Average cost per enrollee below the cap", fontsize=10)
    show_dollars(axes.xaxis)
    show_dollars(axes.yaxis)
    return figure
