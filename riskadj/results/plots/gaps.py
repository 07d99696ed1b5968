"""Charts of gaps: recapture by month, and the open HCCs that are worth most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.charts import BLUE, GREY, PALETTE, draw_bars, new_figure, show_dollars, show_percent
from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.results.summary.groups import labels_of_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_HCCS, _MOST_LABEL = 12, 34
_KINDS = ("chronic", "unknown")


def plot_gaps(recapture: pa.Table, gaps: pa.Table) -> Figure:
    """Return a figure of two charts: the recapture rate to date by month, and the open HCCs that are worth most.

    Parameters
    ----------
    recapture, gaps : pyarrow.Table
        As `riskadj.gaps` returns them.
    """
    figure, (left, right) = new_figure(1, 2, width=12.5, width_ratios=(1, 1.1))
    _draw_recapture(left, recapture)
    _draw_worth(right, gaps)
    return figure


def _draw_recapture(axes: Axes, recapture: pa.Table) -> None:
    axes.set_title("Recapture of chronic conditions, year to date", fontsize=10)
    axes.set_ylabel("share seen again")
    frame = recapture.to_pandas()
    frame = frame[frame["kind"].isin(_KINDS)]
    if frame.empty:
        axes.set_title("No conditions to recapture", fontsize=10)
        return
    sums = ["conditions", "recaptured_to_date"]
    curves = frame.groupby(["model_id", "month"], observed=True, sort=True)[sums].sum(min_count=1)
    months = sorted(frame["month"].unique())
    empty = {
        str(month) for month, n_rows in zip(frame["month"], frame["diagnoses"], strict=True) if not n_rows
    }
    for number, model_id in enumerate(sorted(frame["model_id"].unique())):
        curve = curves.loc[model_id].reindex(months)
        rate = (curve["recaptured_to_date"] / curve["conditions"]).astype(float).to_numpy()
        known = rate[~np.isnan(rate)]
        share = f"{known[-1]:.1%}" if len(known) else "no data"
        name = f"{model_id}: {share} of {int(curve['conditions'].max()):,}"
        axes.plot(
            range(len(months)),
            rate,
            color=PALETTE[number % len(PALETTE)],
            marker="o",
            markersize=4,
            label=name,
        )
    for position, month in enumerate(months):
        if str(month) in empty:
            axes.axvspan(position - 0.5, position + 0.5, color=GREY, alpha=0.15, linewidth=0)
    if empty:
        axes.set_xlabel("grey: months without diagnoses")
    axes.set_xticks(range(len(months)), [str(month) for month in months], rotation=45, ha="right", fontsize=8)
    axes.set_xlim(-0.5, len(months) - 0.5)
    axes.set_ylim(0, 1)
    show_percent(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _draw_worth(axes: Axes, gaps: pa.Table) -> None:
    in_dollars = "revenue_change" in gaps.column_names
    name = "revenue_change" if in_dollars else "payment_risk_score_change"
    is_open = pc.equal(gaps["status"].cast(pa.string()), "open")
    is_acute = pc.fill_null(pc.invert(gaps["is_chronic"]), False)
    open_gaps = gaps.filter(pc.and_not(pc.and_(gaps["is_last_span"], is_open), is_acute))
    axes.set_title("Open gaps worth most, all members together, acute conditions apart", fontsize=10)
    if not open_gaps.num_rows:
        axes.set_title("No open gaps", fontsize=10)
        return
    texts = pc.binary_join_element_wise(
        open_gaps["hcc"].cast(pa.string()), open_gaps["label"].cast(pa.string()), " "
    )
    labels = labels_of_column(texts)
    array = one_chunk(open_gaps[name])
    worth = np.bincount(
        labels.codes, weights=np.where(is_valid(array), values_of(array), 0.0), minlength=len(labels.names)
    )
    top = np.argsort(-worth, kind="stable")[:_MOST_HCCS].tolist()
    draw_bars(axes, [_short(labels.names[number]) for number in top], worth[top].tolist(), color=BLUE)
    axes.tick_params(axis="y", labelsize=8)
    if in_dollars:
        axes.set_xlabel("payment over the months enrolled")
        show_dollars(axes.xaxis)
    else:
        axes.set_xlabel("sum of payment risk score changes")


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LABEL else f"{text[: _MOST_LABEL - 1].rstrip()}…"
