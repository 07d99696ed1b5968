"""Charts of draws of revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskadj.charts import BLUE, GREY, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.revenue.draws import RevenueDraws

_BANDS = ((1, 99, 0.15), (10, 90, 0.25), (25, 75, 0.40))
_MILLION = 1e6


def plot_draws(found: RevenueDraws) -> Figure:
    """Return two charts: the fan of revenue by month, and how far each source moves the total."""
    figure, (fan, sources) = new_figure(1, 2, width=12.5, height=5.0, width_ratios=(1.5, 1.0))
    _draw_fan(fan, found)
    _draw_sources(sources, found)
    return figure


def _draw_fan(axes: Axes, found: RevenueDraws) -> None:
    frame = found.to_pandas("quantiles")
    places = np.arange(len(frame))
    for low, high, strength in _BANDS:
        edges = (frame[f"p{low}"] / _MILLION, frame[f"p{high}"] / _MILLION)
        axes.fill_between(
            places, *edges, color=BLUE, alpha=strength, linewidth=0, label=f"{high - low} % of draws"
        )
    axes.plot(places, frame["p50"] / _MILLION, color=BLUE, linewidth=1.6, label="median")
    axes.plot(
        places, frame["forecast"] / _MILLION, color="black", linewidth=1.0, linestyle="--", label="forecast"
    )
    step = max(1, len(frame) // 12)
    labels = [month.strftime("%Y-%m") for month in frame["month"]]
    axes.set_xticks(places[::step], labels[::step], rotation=45, ha="right", fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"${value:,g}M")
    axes.set_title(
        f"Revenue by month, {found.run['draws']:,} draws of scenario {found.run['scenario']}", fontsize=10
    )
    axes.legend(frameon=False, fontsize=8, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.16))


def _draw_sources(axes: Axes, found: RevenueDraws) -> None:
    """Draw how far the middle nine tenths of each source's draws reach around the forecast."""
    rows = sorted(found.sources.to_pylist(), key=lambda row: row["standard_deviation"])
    forecast = found.run["forecast"]
    for place, row in enumerate(rows):
        low, high = ((row[name] - forecast) / _MILLION for name in ("p5", "p95"))
        axes.barh(place, high - low, left=low, color=GREY if row["source"] == "(together)" else BLUE)
    axes.axvline(0, color="black", linewidth=0.8)
    labels = [shortened(row["source"].replace("_", " ")) for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.margins(x=0.05)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{'-' if value < 0 else ''}${abs(value):,g}M")
    axes.set_title("All months against the forecast, middle 90 % of draws", fontsize=10)
