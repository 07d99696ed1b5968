"""Charts of simulated transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskadj.charts import BLUE, GREEN, GREY, RED, new_figure, show_dollars

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_simulation(own: pd.DataFrame, draws: pd.DataFrame) -> Figure:
    """Return a figure of two charts: an issuer's transfer by scenario, and what each scenario changes.

    Parameters
    ----------
    own, draws : DataFrame
        The issuer's rows of `Simulation.issuers` and of `Simulation.draws`; several markets are added up.
    """
    sums = own.groupby("scenario", sort=False)[["transfer", "change"]].sum()[::-1]
    by_draw = draws.groupby(["scenario", "draw"])[["transfer", "change"]].sum()
    height = max(2.8, 0.5 * len(sums) + 1.5)
    figure, (left, right) = new_figure(1, 2, height=height, sharey=True)
    base = own["scenario"].iloc[0]
    issuer_id = own["issuer_id"].iloc[0]
    _draw(
        left, sums["transfer"], by_draw["transfer"], [GREY if name == base else BLUE for name in sums.index]
    )
    left.set_title(f"Transfer of issuer {issuer_id} (positive: received)", fontsize=10)
    changes = sums["change"].drop(base)
    _draw(right, changes, by_draw["change"], [GREEN if value >= 0 else RED for value in changes])
    right.set_title("Change against the market as it is", fontsize=10)
    if len(draws):
        figure.supxlabel("Lines: 5th to 95th percentile of draws of families", fontsize=8)
    return figure


def _draw(axes: Axes, values: pd.Series, by_draw: pd.Series, colors: list[str]) -> None:
    axes.barh(list(values.index), values, color=colors, height=0.6)
    for name in values.index if len(by_draw) else ():
        low, high = by_draw.loc[name].quantile([0.05, 0.95])
        axes.hlines(name, low, high, color="black", linewidth=1.2)
    axes.axvline(0.0, color="black", linewidth=0.8)
    show_dollars(axes.xaxis)
    axes.tick_params(axis="x", rotation=30)
