"""Charts of trend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pricing.experience.months import months_of_dates
from pricing.experience.plots import month_ticks
from pricing.experience.trend_attribution import COMPONENTS
from pricing.rows import ALL
from riskadj.charts import AMBER, BLUE, GREEN, GREY, draw_waterfall, new_figure, show_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.experience.trend import Trend
    from pricing.experience.trend_attribution import TrendComponents


def plot_trend(trend: Trend) -> Figure:
    """Return a figure: PMPM by month with the fit and, where it was fitted, seasonality by calendar month."""
    has_seasons = bool(trend.seasonality)
    figure, axes = new_figure(1, 2, width_ratios=(2, 1)) if has_seasons else new_figure(width=8.0)
    _draw_months(axes[0], trend)
    if has_seasons:
        _draw_seasons(axes[1], trend.seasonality)
    return figure


def _draw_months(axes: Axes, trend: Trend) -> None:
    months = months_of_dates(trend.months["month"])
    at, name = months - months[0], str(trend.run["value"]).replace("_", " ").replace("pmpm", "PMPM")
    axes.plot(
        at, trend.months["pmpm"].to_numpy(), color=GREY, marker="o", markersize=4, linestyle="", label=name
    )
    if trend.seasonality:
        shown = trend.months["deseasonalised_pmpm"].to_numpy()
        axes.plot(at, shown, color=BLUE, linewidth=1.2, label="deseasonalised")
    axes.plot(at, trend.months["fitted_pmpm"].to_numpy(), color=AMBER, linewidth=1.2, label="fit")
    axes.set_title(
        f"{trend.annual:+.1%} a year ({trend.confidence:.0%} between {trend.low:+.1%} and {trend.high:+.1%})",
        fontsize=10,
    )
    axes.legend(frameon=False, fontsize=8)
    show_dollars(axes.yaxis)
    month_ticks(axes, np.arange(months[0], months[-1] + 1))


def _draw_seasons(axes: Axes, factors: Mapping[int, float]) -> None:
    axes.bar(list(factors), [factor - 1 for factor in factors.values()], color=BLUE)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_title("Seasonality", fontsize=10)
    axes.set_xticks(range(1, 13))
    axes.set_xlabel("calendar month")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+.1%}")


def plot_components(found: TrendComponents) -> Figure:
    """Return a figure: a waterfall of the total, and each service category's change split in three."""
    frame = found.to_pandas().set_index("service_category")
    total, parts = frame.loc[ALL], frame.drop(index=ALL)
    figure, (left, right) = new_figure(1, 2, width=13.0)
    names = [name.replace("_", " ") for name in COMPONENTS]
    steps = [total[f"{name}_dollars"] for name in COMPONENTS]
    draw_waterfall(left, names, steps, start=("before", total["pmpm_before"]), end="after", decimals=2)
    lowest, highest = sorted((total["pmpm_before"], total["pmpm_after"]))
    span = 2 * sum(map(abs, steps)) + highest / 100
    left.set_ylim(max(lowest - span, 0), highest + span / 2)  # the steps, not the bars, are what is read
    left.set_title(f"PMPM: {total['pmpm_annual']:+.1%} a year", fontsize=10)
    show_dollars(left.yaxis)
    ordered = parts.reindex(parts["change"].abs().sort_values().index)
    place = np.arange(len(ordered))
    for offset, (name, label, color) in enumerate(zip(COMPONENTS, names, (BLUE, GREEN, AMBER), strict=True)):
        right.barh(
            place + 0.27 * (1 - offset), ordered[f"{name}_dollars"], height=0.27, color=color, label=label
        )
    right.set_yticks(place, list(ordered.index), fontsize=8)
    right.axvline(0, color=GREY, linewidth=0.8)
    right.set_title("Change of PMPM by service category", fontsize=10)
    right.xaxis.set_major_formatter(lambda value, _: f"{'-' if value < 0 else '+'}${abs(value):,.2f}")
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
