"""Charts of a revenue forecast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.experience.months import months_of_dates
from pricing.experience.plots import month_ticks
from pricing.revenue.settlement import KINDS
from riskadj.charts import BLUE, GREEN, GREY, PALETTE, RED, new_figure, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.revenue.revenue_forecast import RevenueForecast

#: Components as they are stacked, sequestration and the like within the line that they lower.
STACKED: Mapping[str, tuple[str, ...]] = {
    "Part C, by risk": ("part_c_risk", "part_c_premium_offset", "part_c_msp", "part_c_sequestration"),
    "rebate": ("part_c_rebate",),
    "Part D direct subsidy": ("part_d_direct_subsidy", "part_d_sequestration"),
    "reinsurance and low income": ("part_d_low_income", "part_d_reinsurance"),
    "premiums": ("member_premium", "part_d_premium"),
}


def plot_revenue(forecast: RevenueForecast) -> Figure:
    """Return a figure: revenue by month and what it is made of; members and their mean score."""
    months = forecast.to_pandas()
    figure, (left, right) = new_figure(1, 2, width=13.0, width_ratios=(3, 2))
    numbers = forecast.months[forecast.first :]
    at = np.arange(len(numbers))
    level = np.zeros(len(at))
    for color, (label, names) in zip(PALETTE, STACKED.items(), strict=False):
        dollars = months[list(names)].sum(axis=1).to_numpy()
        if np.abs(dollars).any():
            left.bar(at, dollars, bottom=level, width=0.9, color=color, label=label)
            level = level + dollars
    left.set_ylim(0, 1.22 * level.max())
    show_short_dollars(left.yaxis)
    left.set_title(f"Revenue by month, scenario {forecast.scenario.name}", fontsize=10)
    left.legend(frameon=False, fontsize=8, ncols=3, loc="upper left")
    _two_lines(right, at, months)
    for axes in (left, right):
        month_ticks(axes, numbers)
    return figure


def _two_lines(axes: Axes, at: Any, months: Any) -> None:
    axes.plot(at, months["members"], color=GREY, linewidth=1.6)
    axes.set_ylabel("members", color=GREY)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _room(axes, months["members"])
    other = axes.twinx()
    other.spines["top"].set_visible(False)
    other.plot(at, months["part_c_score"], color=BLUE, linewidth=1.6)
    other.set_ylabel("mean Part C payment risk score", color=BLUE)
    _room(other, months["part_c_score"])
    axes.set_title("Members and their mean score, final run", fontsize=10)


def _room(axes: Axes, values: Any) -> None:
    """Let a line that hardly moves look so: the axis spans at least a tenth of its level."""
    middle = (values.max() + values.min()) / 2
    half = max((values.max() - values.min()) * 0.6, middle * 0.05)
    axes.set_ylim(middle - half, middle + half)


def plot_accruals(forecast: RevenueForecast) -> Figure:
    """Return a figure: payments by month and kind until all is settled; what CMS still owes at the end of each."""
    figure, (top, bottom) = new_figure(2, 1, height=6.4, sharex=True, height_ratios=(3, 2))
    accruals = forecast.to_pandas("accruals")
    months = months_of_dates(forecast.accruals["month"])
    payments = forecast.to_pandas("payments").assign(
        at=months_of_dates(forecast.payments["month"]) - months[0]
    )
    level, below = np.zeros(len(months)), np.zeros(len(months))
    for color, kind in zip(PALETTE, KINDS, strict=False):
        dollars = payments[payments["kind"] == kind].groupby("at")["dollars"].sum()
        values = dollars.reindex(range(len(months)), fill_value=0.0).to_numpy()
        if values.any():
            start = np.where(values >= 0, level, below)
            top.bar(
                range(len(months)), values, bottom=start, width=0.9, color=color, label=kind.replace("_", " ")
            )
            level, below = level + np.maximum(values, 0), below + np.minimum(values, 0)
    top.set_title(f"Payments for the forecast's months, scenario {forecast.scenario.name}", fontsize=10)
    top.legend(frameon=False, fontsize=8, ncols=4, loc="upper right")
    top.set_ylim(1.05 * below.min(), 1.2 * level.max())
    bottom.bar(range(len(months)), accruals["balance"], width=0.9, color=GREY)
    bottom.set_title("Accrued at the end of the month: earned, not yet paid", fontsize=10)
    bottom.axhline(0, color=GREY, linewidth=0.8)
    for axes in (top, bottom):
        show_short_dollars(axes.yaxis)
    month_ticks(bottom, months)
    return figure


def plot_members(forecast: RevenueForecast) -> Figure:
    """Return a figure: members by month, and who joins and goes."""
    figure, (left, right) = new_figure(1, 2, width=13.0)
    moves = forecast.to_pandas("movements")
    numbers = forecast.months[forecast.first :]
    at = np.arange(len(numbers))
    left.bar(at, moves["closing"], width=0.9, color=BLUE)
    left.set_title("Members", fontsize=10)
    left.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    level, below = np.zeros(len(at)), np.zeros(len(at))
    kinds = (("new_sales", 1, GREEN), ("aging_in", 1, PALETTE[1]), ("lapses", -1, GREY), ("deaths", -1, RED))
    for name, sign, color in kinds:
        values = sign * moves[name].to_numpy()
        if values.any():
            right.bar(
                at,
                values,
                bottom=level if sign > 0 else below,
                width=0.9,
                color=color,
                label=name.replace("_", " "),
            )
            level, below = level + np.maximum(values, 0), below + np.minimum(values, 0)
    right.axhline(0, color="black", linewidth=0.8)
    right.set_title("Who joins (above) and goes (below)", fontsize=10)
    if level.any() or below.any():
        right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        month_ticks(axes, numbers)
    return figure


CHARTS: Mapping[str, Callable[..., Figure]] = {
    "revenue": plot_revenue,
    "accruals": plot_accruals,
    "members": plot_members,
}
