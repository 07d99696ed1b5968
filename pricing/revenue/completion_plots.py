"""Chart of how complete scores are in each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskadj.charts import AMBER, BLUE, GREY, new_figure, shortened, show_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pricing.revenue.completion import Completion

_MOST_GROUPS = 20


def plot_completion(found: Completion) -> Figure:
    """Return a figure: completion of all by payment year and run; of each group, what was observed and is taken."""
    figure, (left, right) = new_figure(1, 2, width=13.0)
    years = found.to_pandas("years")
    years["final"] = years["final_score"] * years["member_months"]
    years["weighted"] = years["observed"] * years["final"]
    for color, (run, rows) in zip((AMBER, BLUE), years.groupby("vintage", sort=True), strict=True):
        sums = rows.groupby("payment_year")[["weighted", "final"]].sum()
        shares = sums["weighted"] / sums["final"]
        left.plot(shares.index.astype(str), shares, color=color, marker="o", label=str(run).replace("_", " "))
    left.set_title("Score of each run, as a share of the final run's", fontsize=10)
    left.legend(frameon=False, fontsize=8)
    groups = found.to_pandas()
    initial = groups[groups["vintage"] == "initial"].nlargest(_MOST_GROUPS, "member_months")[::-1]
    names = [" ".join(map(str, row)) or "all" for row in initial[list(found.by)].itertuples(index=False)]
    names = [shortened(name) for name in names] or ["all"]
    right.scatter(initial["observed"], names, color=GREY, label="observed")
    right.scatter(initial["completion"], names, color=BLUE, label="taken")
    right.axvline(found.overall["initial"], color=GREY, linewidth=0.8, linestyle=":")
    right.set_title("Initial run by group (dotted: all)", fontsize=10)
    right.legend(frameon=False, fontsize=8)
    show_percent(left.yaxis)
    show_percent(right.xaxis)
    return figure
