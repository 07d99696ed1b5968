"""Chart of marginal values: which HCCs are worth most, and how much of it rests on one claim or source alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.charts import AMBER, BLUE, draw_bars, new_figure, shortened, show_dollars, show_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_HCCS = 15
_MONTHS = 12
_LEAST_BARS = 9  # fewer bars stand as thick as these would


def plot_value_by_hcc(value_by_hcc: pa.Table, value_at_risk: pa.Table) -> Figure:
    """Return a figure of two charts: what the HCCs of most value are worth, and what share rests on one value alone.

    Parameters
    ----------
    value_by_hcc, value_at_risk : pyarrow.Table
        As `riskadj.results.marginal.marginal` returns them.
    """
    figure, (left, right) = new_figure(1, 2, width=12.0, height=5.2, width_ratios=(1.35, 1))
    _draw_value(left, value_by_hcc)
    _draw_risk(right, value_at_risk)
    return figure


def _draw_value(axes: Axes, value_by_hcc: pa.Table) -> None:
    in_dollars = value_by_hcc["dollars"].null_count < value_by_hcc.num_rows
    unit = "dollars" if in_dollars else "score_months"
    rows = sorted(value_by_hcc.to_pylist(), key=lambda row: -(row[unit] or 0.0))[:_MOST_HCCS]
    names, scale = _names(rows), 1.0 if in_dollars else 1 / _MONTHS
    draw_bars(axes, names, [row[unit] * scale for row in rows])
    alone = f"{unit}_single_claim_id"
    if rows and alone in rows[0]:
        draw_bars(axes, names, [row[alone] * scale for row in rows], color=AMBER)
        axes.legend(["all of it", "rests on a single claim"], loc="lower right", frameon=False, fontsize=8)
    axes.set_title("What captured HCCs are worth: score with it minus score without it", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("dollars" if in_dollars else "risk scores over a year (score x months / 12)")
    if in_dollars:
        show_dollars(axes.xaxis)
        axes.xaxis.set_major_locator(_few_ticks())


def _draw_risk(axes: Axes, value_at_risk: pa.Table) -> None:
    rows = [row for row in value_at_risk.to_pylist() if row["share_of_score_months"] is not None]
    coded = {row["column"] for row in rows if row["only_value"] != "(any)"}
    shown = [row for row in rows if row["only_value"] != "(any)" or row["column"] not in coded]
    names = [_risk_name(row) for row in shown]
    shares = [row["share_of_score_months"] for row in shown]
    draw_bars(axes, names, shares, color=BLUE)
    for position, share in enumerate(shares[::-1]):
        axes.annotate(
            f"{share:.1%}", (max(share, 0.0), position), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    axes.set_title("Share of that value at risk", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.set_xlim(0, max([0.01, *shares]) * 1.15)
    axes.set_ylim(min(-0.6, len(shares) - _LEAST_BARS), len(shares) - 0.4)
    show_percent(axes.xaxis)


def _names(rows: list[dict[str, Any]]) -> list[str]:
    several = len({row["model_id"] for row in rows}) > 1
    return [
        f"{row['hcc']} {shortened(row['label'])}" + (f" ({row['model_id']})" if several else "")
        for row in rows
    ]


def _risk_name(row: dict[str, Any]) -> str:
    one = row["only_value"].replace("_", " ")
    return (
        f"rests on a single {row['column'].removesuffix('_id').replace('_', ' ')}"
        if one == "(any)"
        else f"rests on {one} alone"
    )


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)
