"""Chart of a delete what-if: which HCCs are lost and which survive, and the mean score with and without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.charts import BLUE, RED, draw_bars, draw_waterfall, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_HCCS = 15


def plot_without(changes_by_hcc: pa.Table, facts: Mapping[str, Any]) -> Figure:
    """Return a figure of two charts: HCCs touched, lost or surviving; and the mean payment risk score.

    Parameters
    ----------
    changes_by_hcc : pyarrow.Table
    facts : mapping
        As the run report of `riskadj.results.marginal.without` holds them under "without".
    """
    figure, (left, right) = new_figure(1, 2, width=12.0, height=5.2, width_ratios=(1.6, 1))
    _draw_hccs(left, changes_by_hcc)
    _draw_mean(right, facts)
    return figure


def _draw_hccs(axes: Axes, changes_by_hcc: pa.Table) -> None:
    rows = sorted(changes_by_hcc.to_pylist(), key=lambda row: -(row["rows_lost"] + row["rows_survives"]))
    shown = rows[:_MOST_HCCS]
    several = len({row["model_id"] for row in shown}) > 1
    names = [
        shortened(f"{row['hcc']} {row['label']}") + (f" ({row['model_id']})" if several else "")
        for row in shown
    ]
    draw_bars(axes, names, [row["rows_lost"] + row["rows_survives"] for row in shown], color=BLUE)
    draw_bars(axes, names, [row["rows_lost"] for row in shown], color=RED)
    if shown:
        axes.legend(
            ["survives: other diagnoses support it", "lost"], loc="lower right", frameon=False, fontsize=8
        )
    axes.set_title("HCCs that the removed diagnoses support", fontsize=10)
    axes.set_xlabel("enrollment rows")
    axes.tick_params(labelsize=8)


def _draw_mean(axes: Axes, facts: Mapping[str, Any]) -> None:
    before, after = facts["mean_payment_risk_score"], facts["mean_payment_risk_score_without"]
    axes.set_title("Mean payment risk score, by months", fontsize=10)
    axes.tick_params(labelsize=8)
    if before is not None and after is not None:
        draw_waterfall(
            axes,
            ["removed"],
            [after - before],
            start=("as captured", before),
            end="without",
            decimals=4,
            is_cut=True,
        )
        axes.set_ylabel("axis cut")
