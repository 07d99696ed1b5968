"""Charts of draws of revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pricing.experience.months import months_of_dates
from pricing.experience.plots import month_ticks
from riskadj.charts import BLUE, GREY, new_figure, shortened, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.revenue.draws import RevenueDraws

_BANDS = ((1, 99, 0.15), (10, 90, 0.25), (25, 75, 0.40))


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
        edges = (frame[f"p{low}"], frame[f"p{high}"])
        axes.fill_between(
            places, *edges, color=BLUE, alpha=strength, linewidth=0, label=f"{high - low} % of draws"
        )
    axes.plot(places, frame["p50"], color=BLUE, linewidth=1.6, label="median")
    axes.plot(places, frame["forecast"], color="black", linewidth=1.0, linestyle="--", label="forecast")
    month_ticks(axes, months_of_dates(found.quantiles["month"]))
    show_short_dollars(axes.yaxis)
    axes.set_title(
        f"Revenue by month, {found.run['draws']:,} draws of scenario {found.run['scenario']}", fontsize=10
    )
    axes.legend(frameon=False, fontsize=8, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.16))


def _draw_sources(axes: Axes, found: RevenueDraws) -> None:
    """Draw how far the middle nine tenths of each source's draws reach around the forecast."""
    *alone, together = found.sources.to_pylist()
    rows = [*sorted(alone, key=lambda row: row["standard_deviation"]), together]
    forecast = found.run["forecast"]
    for place, row in enumerate(rows):
        low, high = (row[name] - forecast for name in ("p5", "p95"))
        axes.barh(place, high - low, left=low, color=GREY if row is together else BLUE)
    axes.axvline(0, color="black", linewidth=0.8)
    labels = [shortened(row["source"].replace("_", " ")) for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.use_sticky_edges = False
    axes.margins(x=0.05)
    axes.locator_params(axis="x", nbins=5)
    show_short_dollars(axes.xaxis, signed=True)
    axes.set_title("All months against the forecast, middle 90 % of draws", fontsize=10)
