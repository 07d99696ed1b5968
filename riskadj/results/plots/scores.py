"""Charts of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.charts import BLUE, GREY, draw_bars, new_figure, show_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_HCCS = 15


def plot_scores(payment_scores: pa.Table, model_scores: pa.Table) -> Figure:
    """Return a figure of two charts: how payment risk scores are distributed, and which HCCs are most frequent.

    Parameters
    ----------
    payment_scores, model_scores : pyarrow.Table
        As `riskadj.score` returns them.
    """
    figure, (left, right) = new_figure(1, 2, width_ratios=(1, 1.15))
    _draw_distribution(left, payment_scores)
    _draw_prevalence(right, model_scores)
    return figure


def _draw_distribution(axes: Axes, payment_scores: pa.Table) -> None:
    scores = payment_scores["payment_risk_score"].drop_null().to_numpy()
    axes.set_xlabel("payment risk score (1.000 = average beneficiary)")
    axes.set_ylabel("share of enrollment rows")
    if not len(scores):
        axes.set_title("No payment risk scores")
        return
    top = max(float(np.quantile(scores, 0.995)), 1.0)
    bins = np.linspace(0.0, top, 51).tolist()
    axes.hist(np.minimum(scores, top), bins=bins, weights=np.full(len(scores), 1 / len(scores)), color=BLUE)
    mean, median = float(scores.mean()), float(np.median(scores))
    axes.axvline(mean, color="black", linewidth=1)
    axes.axvline(median, color=GREY, linewidth=1, linestyle="--")
    axes.set_title(f"Payment risk scores: mean {mean:.3f} (line), median {median:.3f} (dashes)", fontsize=10)
    show_percent(axes.yaxis)


def _draw_prevalence(axes: Axes, model_scores: pa.Table) -> None:
    models = pc.value_counts(model_scores["model_id"].cast(pa.string())).to_pylist()
    model_id = max(models, key=lambda item: item["counts"])["values"]  # of equal ones the first
    rows = model_scores.filter(pc.equal(model_scores["model_id"].cast(pa.string()), model_id))
    counts = pc.value_counts(pc.list_flatten(rows["hccs"]).cast(pa.string()))
    found = sorted(counts.to_pylist(), key=lambda item: (-item["counts"], item["values"]))[:_MOST_HCCS]
    shares = [item["counts"] / max(rows.num_rows, 1) for item in found]
    draw_bars(axes, [item["values"] for item in found], shares)
    axes.set_title(f"Most frequent payment HCCs, {model_id}", fontsize=10)
    axes.set_xlabel("share of enrollment rows")
    show_percent(axes.xaxis)
