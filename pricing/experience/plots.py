"""Charts of experience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskadj.charts import AMBER, BLUE, new_figure, show_dollars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pricing.experience.development import Development


def plot_development(development: Development) -> Figure:
    """Return a figure of two charts: age-to-age ratios against their factor, and paid and IBNR by period."""
    figure, (left, right) = new_figure(1, 2)
    ratios = development.triangle[:, 1:] / development.triangle[:, :-1] / development.factors - 1
    most = max(float(np.nanmax(np.abs(ratios))), 0.01)
    image = left.imshow(ratios, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    left.set_title("Age-to-age ratios against the factor used", fontsize=10)
    left.set_xlabel("age")
    left.set_ylabel("period incurred")
    bar = figure.colorbar(image, ax=left)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    periods = np.arange(1, len(development.triangle) + 1)
    right.bar(periods, development.paid, color=BLUE, label="paid")
    right.bar(periods, development.ibnr, bottom=development.paid, color=AMBER, label="not yet reported")
    right.set_title(f"Incurred by period: {development.ibnr.sum():,.0f} not yet reported", fontsize=10)
    right.set_xlabel("period incurred")
    show_dollars(right.yaxis)
    right.legend(frameon=False, fontsize=8)
    return figure
