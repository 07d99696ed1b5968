"""Charts of reconciliations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pricing.experience.months import months_of_dates
from pricing.experience.plots import month_ticks
from riskadj.charts import GREY, PALETTE, draw_waterfall, new_figure, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.revenue.variance import Reconciliation

_MILLION, _THOUSAND = 1e6, 1e3


def plot_reconciliation(found: Reconciliation) -> Figure:
    """Return two charts: the way from expected to actual, and the causes month by month."""
    figure, (whole, months) = new_figure(1, 2, width=12.5, height=5.0, width_ratios=(1.0, 1.1))
    _draw_whole(whole, found)
    _draw_months(months, found)
    return figure


def _draw_whole(axes: Axes, found: Reconciliation) -> None:
    frame = found.summary()
    dollars = frame["dollars"].to_numpy()
    unit, word = (_MILLION, "million") if abs(dollars[0]) >= _MILLION else (_THOUSAND, "thousand")
    names = [str(name).replace("_", " ") for name in frame["step"]]
    draw_waterfall(
        axes, names[1:-1], dollars[1:-1] / unit, start=(found.names[0], dollars[0] / unit), end=found.names[1],
        decimals=2, is_cut=True,
    )  # fmt: skip
    axes.set_ylabel(f"{word} dollars")
    axes.set_title(f"From {found.names[0]} to {found.names[1]}", fontsize=10)


def _draw_months(axes: Axes, found: Reconciliation) -> None:
    """Draw the causes as stacked bars, rises above the line and falls below, and their sum."""
    frame = found.to_pandas("months")
    places = np.arange(len(frame))
    above, below = np.zeros(len(frame)), np.zeros(len(frame))
    for number, cause in enumerate(found.causes):
        change = frame[cause].to_numpy()
        start = np.where(change >= 0, above, below)
        axes.bar(
            places, change, bottom=start, color=PALETTE[number % len(PALETTE)], label=cause.replace("_", " ")
        )
        above += np.maximum(change, 0)
        below += np.minimum(change, 0)
    net = (frame["actual"] - frame["expected"]).to_numpy()
    axes.plot(places, net, color="black", linewidth=1.2, marker="o", markersize=4, label="in all")
    axes.axhline(0, color=GREY, linewidth=0.8)
    month_ticks(axes, months_of_dates(found.months["month"]))
    axes.use_sticky_edges = False  # room above and below the bars
    axes.margins(y=0.08)
    show_short_dollars(axes.yaxis)
    axes.set_title(f"{found.names[1]} less {found.names[0]}, by month and cause", fontsize=10)
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2))
