"""Chart of a summary: the mean payment risk score of each group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.charts import draw_bars, new_figure
from riskadj.results.summary.breakdown import ALL, AS_PAID

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEAN = "mean_payment_risk_score_by_months"
_MOST_GROUPS = 30


def plot_summary(summary: pa.Table, by: Sequence[str]) -> Figure:
    """Return a figure: the mean payment risk score of each group as paid, or where there is none of the largest model.

    Parameters
    ----------
    summary : pyarrow.Table
        As `Scores.summary` with `by` has it; groups whose numbers are blank are left out.
    by : sequence of str
    """
    rows = [row for row in summary.to_pylist() if row[_MEAN] is not None]
    totals = [row for row in rows if all(row[name] == ALL for name in by)]
    model_id = _model_shown(totals)
    groups = [row for row in rows if row["model_id"] == model_id and row not in totals]
    shown = sorted(groups, key=lambda row: -row["members"])[:_MOST_GROUPS]
    shown = [row for row in groups if row in shown] or [row for row in totals if row["model_id"] == model_id]
    figure, (axes,) = new_figure(width=9.0, height=1.2 + 0.28 * max(len(shown), 3))
    _draw(axes, shown, by, [row[_MEAN] for row in totals if row["model_id"] == model_id])
    left_out = len(groups) - len(shown)
    more = f"; {left_out} smaller groups left out" if left_out > 0 else ""
    axes.set_title(f"Mean payment risk score, {model_id}{more}", fontsize=10)
    return figure


def _model_shown(totals: Sequence[dict[str, Any]]) -> str:
    """Return what is paid, or else the model of most member months."""
    best = max(totals, key=lambda row: (row["model_id"] == AS_PAID, row["member_months"]), default=None)
    return "no group may be shown" if best is None else str(best["model_id"])


def _draw(axes: Axes, rows: Sequence[dict[str, Any]], by: Sequence[str], total: Sequence[float]) -> None:
    names = [" / ".join(row[name] for name in by) or ALL for row in rows]
    draw_bars(axes, names, [row[_MEAN] for row in rows])
    for position, row in enumerate(reversed(rows)):
        axes.annotate(
            f"{row[_MEAN]:.3f} ({row['members']:,})", (row[_MEAN], position), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8, bbox={"color": "white", "pad": 1},
        )  # fmt: skip
    for mean in total:
        axes.axvline(mean, color="black", linewidth=1, linestyle="--", zorder=0)
    axes.margins(x=0.18)
    axes.tick_params(labelsize=8)
    axes.set_ylabel(
        " / ".join(name.removesuffix("_id").removesuffix("_code").replace("_", " ") for name in by)
    )
    axes.set_xlabel("mean by months (members); dashes: all; 1.000 = average beneficiary")
