"""Charts of what moves a revenue forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pricing.experience.plots import month_ticks
from riskadj.charts import AMBER, BLUE, GREY, draw_waterfall, new_figure, shortened, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pricing.revenue.comparison import RevenueComparison
    from pricing.revenue.sensitivity import Tornado

_MOST_BARS = 15


def plot_comparison(found: RevenueComparison) -> Figure:
    """Return a figure: a waterfall from one forecast's revenue to the other's; both by month."""
    figure, (left, right) = new_figure(1, 2, width=13.0, width_ratios=(3, 2))
    levels = found.levels.sum(axis=1) / 100
    unit = 1e6 if levels.max() >= 1e6 else 1.0  # numbers at the bars are written in it
    levels = levels / unit
    before, after = found.before.scenario.name, found.after.scenario.name
    names = [shortened(name.replace("_", " "), 22) for name in found.names]
    draw_waterfall(
        left,
        names,
        list(np.diff(levels)),
        start=(shortened(before, 22), levels[0]),
        end=shortened(after, 22),
        decimals=2,
    )
    room = max(float(levels.max() - levels.min()), 0.01 * float(levels.max()))
    left.set_ylim(max(0.0, levels.min() - 0.6 * room), levels.max() + 0.25 * room)
    left.set_title(f"Revenue, {'millions of ' if unit > 1 else ''}dollars: what made it change", fontsize=10)
    months = found.before.months[found.before.first :]
    for name, color, values in ((before, GREY, found.levels[0]), (after, BLUE, found.levels[-1])):
        right.plot(range(len(months)), values / 100, color=color, label=name, linewidth=1.6)
    right.legend(frameon=False, fontsize=8)
    right.set_title("by month", fontsize=10)
    month_ticks(right, months)
    show_short_dollars(right.yaxis)
    return figure


def plot_tornado(found: Tornado) -> Figure:
    """Return a figure: a bar for each sensitivity from its lower to its higher setting's change, the widest on top."""
    bars = found.to_pandas()[:_MOST_BARS][::-1]
    figure, (axes,) = new_figure(height=max(2.6, 0.42 * len(bars) + 1.3))
    names = [shortened(name, 52) for name in bars["sensitivity"]]
    for column, color, label in (("change_low", AMBER, "set lower"), ("change_high", BLUE, "set higher")):
        axes.barh(names, bars[column], color=color, label=label, height=0.7)
    axes.axvline(0, color="black", linewidth=0.8)
    show_short_dollars(axes.xaxis, signed=True)
    axes.set_title(f"Change of revenue, scenario {found.forecast.scenario.name}", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
