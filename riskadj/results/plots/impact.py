"""Charts of an impact: the walk from mean to mean, and how the scores of rows shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.charts import BLUE, GREY, draw_waterfall, new_figure, show_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
_BINS = 60


def plot_impact(causes: pa.Table, before: Floats, after: Floats, *, names: tuple[str, str]) -> Figure:
    """Return a figure of three charts: the walk by cause, scores before against after, and the distribution of changes.

    Parameters
    ----------
    causes : pyarrow.Table
        cause, change, level; as `Impact.causes`.
    before, after : ndarray of float64, shape (n_rows,)
        Payment risk scores of the rows of both runs.
    names : tuple of str
        Of the two runs.
    """
    figure, (walk, shift, changes) = new_figure(1, 3, width=17.0, height=5.2, width_ratios=(1.7, 1, 1))
    levels, steps = causes["level"].to_pylist(), causes["change"].to_pylist()
    words = [name.replace("_", " ") for name in causes["cause"].to_pylist()]
    draw_walk(walk, words, steps, levels[0] - steps[0] if levels else np.nan)
    walk.set_title(f"{names[0]}  to  {names[1]}", fontsize=10, wrap=True)
    _draw_shift(figure, shift, before, after)
    _draw_changes(changes, after - before)
    return figure


def draw_walk(axes: Axes, causes: Sequence[str], steps: Sequence[float], start: float) -> None:
    """Draw the walk from a mean to another, a step for each cause; the axis begins near the lowest level."""
    levels = start + np.cumsum([0.0, *steps])
    decimals = 3 if np.ptp(levels) >= 0.05 else 4
    draw_waterfall(axes, causes, steps, start=("before", start), end="after", decimals=decimals, is_cut=True)
    axes.set_ylabel("mean payment risk score (axis cut)")


def _draw_shift(figure: Figure, axes: Axes, before: Floats, after: Floats) -> None:
    from matplotlib.colors import LogNorm

    top = max(float(np.quantile(before, 0.995)), float(np.quantile(after, 0.995)), 0.1)
    edges = np.linspace(0.0, top, _BINS + 1).tolist()
    pairs = (np.clip(before, 0, top), np.clip(after, 0, top))
    image = axes.hist2d(*pairs, bins=[edges, edges], cmap="Blues", norm=LogNorm(vmin=1), cmin=1)[-1]
    axes.plot([0, top], [0, top], color=GREY, linewidth=0.8)
    figure.colorbar(image, ax=axes, label="enrollment rows", shrink=0.8, format="{x:,.0f}")
    axes.set_xlabel("payment risk score before")
    axes.set_ylabel("after")
    axes.set_title("Row by row: below the line, less than before", fontsize=10)


def _draw_changes(axes: Axes, change: Floats) -> None:
    reach = max(float(np.quantile(np.abs(change), 0.99)), 0.01)
    shares = np.full(len(change), 1 / len(change))
    bins = np.linspace(-reach, reach, _BINS + 1).tolist()
    axes.hist(np.clip(change, -reach, reach), bins=bins, weights=shares, color=BLUE)
    axes.axvline(0.0, color="black", linewidth=0.8)
    less, more = float((change < 0).mean()), float((change > 0).mean())
    axes.set_title(f"{less:.0%} of rows score less, {more:.0%} more", fontsize=10)
    axes.set_xlabel("change of score (outer bars: or more)")
    axes.set_ylabel("share of enrollment rows")
    show_percent(axes.yaxis)
