"""Charts of Medicaid rates: the range of each cell's rate, and what risk adjustment moves between plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pricing.medicaid.rate_cells import label_of
from riskadj.charts import (
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

_MOST = 25


def plot_ranges(rates: pa.Table) -> Figure:
    """Return a figure: low to high and the best estimate of the cells that cost most."""
    rows = sorted(rates.to_pylist(), key=lambda row: -row["dollars"])[:_MOST]
    names = [shortened(label_of(row["rate_cell"], row["region"])) for row in rows]
    figure, (left, right) = new_figure(1, 2, width=12.5, height=1.6 + 0.3 * len(rows), width_ratios=(1.4, 1))
    places = range(len(rows))
    low, best, high = ([row[name] for row in rows] for name in ("rate_low", "rate", "rate_high"))
    left.hlines(places, low, high, color=GREY, linewidth=5)
    left.plot(best, places, "o", color=BLUE)
    left.set_yticks(places, names, fontsize=8)
    left.set_ylim(len(rows) - 0.5, -0.5)
    show_dollars(left.xaxis)
    left.set_title("Rate per member month or event: low to high, and best estimate", fontsize=10)
    right.hlines(places, [a / b - 1 for a, b in zip(low, best, strict=True)],
                 [a / b - 1 for a, b in zip(high, best, strict=True)], color=GREY, linewidth=5)  # fmt: skip
    right.axvline(0, color=BLUE, linewidth=1)
    right.set_yticks(places, [""] * len(rows))
    right.set_ylim(len(rows) - 0.5, -0.5)
    show_percent(right.xaxis)
    right.set_title("The same, as a share of the best estimate", fontsize=10)
    return figure


def plot_risk_adjustment(rates: pa.Table) -> Figure:
    """Return a figure: what each plan gains or loses, and its factors, a point for each region and cell."""
    totals = rates.group_by("mco").aggregate([("change", "sum")]).sort_by("mco").to_pylist()
    names = [row["mco"] for row in totals]
    changes = [row["change_sum"] for row in totals]
    figure, (left, right) = new_figure(1, 2, width=12.0, height=2.0 + 0.35 * len(names))
    left.barh(names, changes, color=[GREEN if change >= 0 else RED for change in changes])
    left.axvline(0, color=GREY, linewidth=0.8)
    left.invert_yaxis()
    show_dollars(left.xaxis)
    left.set_title("Payment after risk adjustment less payment before", fontsize=10)
    right.plot(rates["factor"].to_pylist(), [names.index(mco) for mco in rates["mco"].to_pylist()], "o",
               color=BLUE, alpha=0.6)  # fmt: skip
    right.axvline(1, color=GREY, linewidth=0.8)
    right.set_yticks(range(len(names)), names)
    right.set_ylim(len(names) - 0.5, -0.5)
    right.set_title("Factor of each region and rate cell (1 = its mean)", fontsize=10)
    return figure


def plot_settlement(plans: pa.Table) -> Figure:
    """Return a figure: what is settled with each plan, and its loss ratio before and after, or against the standard."""
    rows = plans.to_pylist()
    is_corridor = "payment" in plans.column_names
    names = [shortened(row["mco"]) for row in rows]
    dollars = [row["payment"] if is_corridor else -row["remittance"] for row in rows]
    figure, (left, right) = new_figure(1, 2, width=12.0, height=2.0 + 0.35 * len(names))
    left.barh(names, dollars, color=[GREEN if each >= 0 else RED for each in dollars])
    left.axvline(0, color=GREY, linewidth=0.8)
    left.invert_yaxis()
    show_short_dollars(left.xaxis)
    left.set_title("Paid to the plan; below 0: owed by it", fontsize=10)
    other, label = ("loss_ratio_after", "after the corridor") if is_corridor else ("standard", "standard")
    places = range(len(rows))
    before, after = ([row[name] for row in rows] for name in ("loss_ratio", other))
    right.hlines(places, before, after, color=GREY, linewidth=1.5)
    right.plot(before, places, "o", color=BLUE, label="loss ratio")
    right.plot(
        after,
        places,
        "D" if is_corridor else "|",
        color=RED,
        markersize=7 if is_corridor else 14,
        label=label,
    )
    right.set_yticks(places, [""] * len(rows))
    right.set_ylim(len(rows) - 0.5, -0.5)
    show_percent(right.xaxis)
    right.legend(frameon=False, fontsize=8)
    right.set_title("Loss ratio", fontsize=10)
    return figure
