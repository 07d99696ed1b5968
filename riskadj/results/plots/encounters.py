"""Chart of encounter completeness: what became of the diagnoses of each month, and the reasons that cost most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskadj.charts import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    draw_bars,
    new_figure,
    shortened,
    show_dollars,
    show_percent,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_REASONS = 12
#: Classes from the bottom up, and their colours.
_COLOURS = {
    "accepted_allowed": GREEN, "deleted": "#6f5a91", "accepted_not_allowed": BLUE, "rejected": RED,
    "no_response": AMBER, "missing": GREY,
}  # fmt: skip


def plot_encounters(months: pa.Table, reasons: pa.Table) -> Figure:
    """Return a figure of two charts: share of each month's diagnoses by class; reasons by what is at stake.

    Parameters
    ----------
    months, reasons : pyarrow.Table
        As `Encounters` has them.
    """
    figure, (left, right) = new_figure(1, 2, width=12.5, height=5.0, width_ratios=(1.15, 1))
    _draw_months(left, months)
    _draw_reasons(right, reasons)
    return figure


def _draw_months(axes: Axes, months: pa.Table) -> None:
    counts = months.group_by(["month", "class"]).aggregate([("diagnoses", "sum")]).to_pylist()
    names = sorted({row["month"] for row in counts}, key=lambda month: (month is None, month))
    table = {(row["month"], row["class"]): row["diagnoses_sum"] for row in counts}
    whole = np.array([sum(table.get((name, kind), 0) for kind in _COLOURS) for name in names], float)
    level = np.zeros(len(names))
    for kind, colour in _COLOURS.items():
        share = np.array([table.get((name, kind), 0) for name in names]) / np.maximum(whole, 1)
        if share.any():
            axes.bar(range(len(names)), share, bottom=level, color=colour, label=kind.replace("_", " "))
        level += share
    labels = ["no date" if name is None else f"{name:%b %Y}" for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right", fontsize=8)
    show_percent(axes.yaxis)
    axes.set_title("What became of our diagnoses, by month of service", fontsize=10)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False, fontsize=8)


def _draw_reasons(axes: Axes, reasons: pa.Table) -> None:
    has_dollars = reasons["dollars_at_stake"].null_count == 0
    column = "dollars_at_stake" if has_dollars else "score_months_at_stake"
    rows = [
        row for row in reasons.to_pylist() if row["class"] in _COLOURS and row["class"] != "accepted_allowed"
    ]
    shown = sorted(rows, key=lambda row: -abs(row[column] or 0))[:_MOST_REASONS]
    draw_bars(axes, [_name(row) for row in shown], [row[column] or 0 for row in shown], color=BLUE)
    axes.tick_params(labelsize=8)
    axes.set_title("At stake, if all of one reason were accepted", fontsize=10)
    axes.set_xlabel("dollars" if has_dollars else "score x months")
    if has_dollars:
        show_dollars(axes.xaxis)


def _name(row: dict[str, str | None]) -> str:
    kind = str(row["class"]).replace("_", " ")
    words = " ".join(word for word in (row["source"], row["reason"]) if word)
    return shortened(f"{kind}: {words}" if words else kind, 44)
