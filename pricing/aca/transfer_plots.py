"""Charts of risk transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskadj.charts import BLUE, GREEN, RED, new_figure, show_dollars, show_percent, show_short_dollars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pricing.aca.market import HighCostPool
    from pricing.aca.transfer import RiskTransfer

_MOST_ISSUERS = 20


def plot_transfers(transfer: RiskTransfer) -> Figure:
    """Return a figure of two charts: dollars received or paid by issuer, and the same as a share of its premium."""
    sums = transfer.summary().groupby("issuer_id", as_index=False)[["premium", "transfer"]].sum()
    sums = sums.reindex(sums["transfer"].abs().sort_values(ascending=False).index)[:_MOST_ISSUERS]
    sums = sums.sort_values("transfer")
    colors = [GREEN if value >= 0 else RED for value in sums["transfer"]]
    height = max(3.0, 0.32 * len(sums) + 1.2)
    figure, (left, right) = new_figure(1, 2, height=height, sharey=True)
    left.barh(sums["issuer_id"], sums["transfer"], color=colors)
    left.set_title("Risk adjustment transfer by issuer (green: received)", fontsize=10)
    show_dollars(left.xaxis)
    left.tick_params(axis="x", rotation=30)
    right.barh(sums["issuer_id"], sums["transfer"] / sums["premium"], color=colors)
    right.set_title("as a share of the issuer's premium", fontsize=10)
    show_percent(right.xaxis)
    for axes in (left, right):
        axes.axvline(0.0, color="black", linewidth=0.8)
    return figure


def plot_high_cost_pool(pool: HighCostPool) -> Figure:
    """Return a figure: what the issuers with the largest sums receive from the pool, pay into it, and keep."""
    rows = sorted(pool.issuers.to_pylist(), key=lambda row: -row["payment"] - row["charge"])[:_MOST_ISSUERS]
    names = [row["issuer_id"] for row in rows]
    figure, (axes,) = new_figure(width=9.0, height=max(2.4, 0.36 * len(names) + 1.4))
    axes.barh(
        names, [row["payment"] for row in rows], color=GREEN, label="received for claims above the threshold"
    )
    axes.barh(names, [-row["charge"] for row in rows], color=RED, label="charged as a share of premium")
    axes.plot([row["net"] for row in rows], names, "D", color=BLUE, label="net")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    show_short_dollars(axes.xaxis)
    axes.set_title("High-cost risk pool by issuer", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
