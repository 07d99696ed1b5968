"""Charts of ACA revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pricing.experience.months import months_of_dates
from pricing.experience.plots import month_ticks
from pricing.revenue.aca_issuer import COMPONENTS
from riskadj.charts import GREEN, GREY, PALETTE, RED, new_figure, show_dollars, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.revenue.aca import AcaRevenue

_MOST_PLANS = 20


def plot_aca_revenue(found: AcaRevenue) -> Figure:
    """Return two charts: revenue by month and component, and each plan's transfer per billed month."""
    figure, (months, plans) = new_figure(1, 2, width=12.5, height=5.0, width_ratios=(1.3, 1.0))
    _draw_months(months, found)
    _draw_plans(plans, found)
    return figure


def _draw_months(axes: Axes, found: AcaRevenue) -> None:
    frame = found.to_pandas("months").groupby("month", as_index=False)[[*COMPONENTS, "revenue"]].sum()
    places = np.arange(len(frame))
    above, below = np.zeros(len(frame)), np.zeros(len(frame))
    for color, name in zip(PALETTE, COMPONENTS, strict=False):
        dollars = frame[name].to_numpy()
        if dollars.any():
            start = np.where(dollars >= 0, above, below)
            axes.bar(
                places, dollars, bottom=start, color=color, label=name.replace("_", " ").replace("mlr", "MLR")
            )
            above, below = above + np.maximum(dollars, 0), below + np.minimum(dollars, 0)
    axes.plot(
        places, frame["revenue"], color="black", linewidth=1.2, marker="o", markersize=4, label="revenue"
    )
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.use_sticky_edges = False  # room above and below the bars
    axes.margins(y=0.08)
    month_ticks(axes, months_of_dates(pa.array(frame["month"])))
    show_short_dollars(axes.yaxis)
    axes.set_title(f"Revenue of issuer {found.run['issuer_id']} by month, as accrued", fontsize=10)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))


def _draw_plans(axes: Axes, found: AcaRevenue) -> None:
    frame = found.to_pandas("plan_months").groupby("plan_id")[["transfer", "billable_member_months"]].sum()
    frame = frame[frame["billable_member_months"] > 0]
    largest = frame["transfer"].abs().sort_values(ascending=False).index[:_MOST_PLANS]
    pmpm = (frame["transfer"] / frame["billable_member_months"]).reindex(largest).sort_values()
    axes.barh(pmpm.index, pmpm.to_numpy(), color=[GREEN if each >= 0 else RED for each in pmpm])
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_title("Transfer per billed member month by plan", fontsize=10)
    show_dollars(axes.xaxis)
