"""Charts of contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.contracts.scorecard import FUNNEL
from riskadj.charts import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    PALETTE,
    RED,
    draw_waterfall,
    new_figure,
    shortened,
    show_dollars,
    show_percent,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.contracts.attribution import Attribution
    from pricing.contracts.chance import ChanceByGroup, ChanceBySize
    from pricing.contracts.scorecard import Scorecards
    from pricing.contracts.settlement import Settlement
    from pricing.inputs import Numbers

_MOST_GROUPS = 15
_MOST_BARS = 60
_MOST_NAMES = 8
_ONE_IN_20 = 0.05
_MOST_SERVICES = 12


def plot_attribution(attribution: Attribution) -> Figure:
    """Return a figure: members of each group by rule, the largest groups first."""
    frame = attribution.summary().drop(columns="members")
    ties = [name for name in frame if str(name).startswith("tie")]
    rules = {"assigned": ["assigned"], "plurality": ["plurality"], "tie-break": ties}
    others = [name for name in frame if name not in {"assigned", "plurality", *ties}]
    figure, (axes,) = new_figure(height=5.4)
    shown = frame[frame.index != "(none)"][:_MOST_GROUPS][::-1]
    left = np.zeros(len(shown))
    for (label, columns), color in zip(rules.items(), (GREEN, BLUE, AMBER), strict=True):
        values = shown[[name for name in columns if name in frame]].sum(axis=1).to_numpy()
        if values.any():
            axes.barh(shown.index, values, left=left, color=color, label=label)
        left = left + values
    none = int(frame[others].to_numpy().sum()) if others else 0
    more = len(frame) - len(shown) - (none > 0)
    note = f", and {more:,} more groups" if more > 0 else ""
    axes.set_title(f"Members by group and rule; {none:,} have no group{note}", fontsize=10)
    axes.set_xlabel("members")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def plot_settlement(settlement: Settlement) -> Figure:
    """Return a figure: gap rate by size of group with what is paid, and the contract from benchmark to payment."""
    if "gap_rate" not in settlement.statements.column_names:
        figure, (axes,) = new_figure(height=5.0)
        _draw_payments(axes, settlement)
        return figure
    figure, (left, right) = new_figure(1, 2, height=5.4, width_ratios=[1.1, 1.0])
    _draw_gaps(left, settlement)
    _draw_contract(right, settlement)
    return figure


def _draw_gaps(axes: Axes, settlement: Settlement) -> None:
    table = settlement.statements
    members, rate = table["members"].to_numpy(), _drawn(axes, table["gap_rate"].to_numpy(), 0.0)
    paid = table["shared_savings"].to_numpy()
    kinds = (("paid", paid > 0, GREEN), ("owes", paid < 0, RED), ("neither", paid == 0, GREY))
    for label, which, color in kinds:
        if which.any():
            words = f"{label} ({int(which.sum()):,})"
            axes.scatter(members[which], rate[which], s=26, color=color, alpha=0.8, label=words)
    order = np.argsort(members)
    minimum = table["minimum_rate"].to_numpy()[order]
    for side in (1, -1):
        axes.plot(members[order], side * minimum, color=GREY, linewidth=0.9, linestyle="--")
    axes.axhline(0, color=GREY, linewidth=0.8)
    _show_size(axes, "members of the group")
    show_percent(axes.yaxis)
    axes.set_ylabel("gap, share of benchmark")
    axes.set_title("Gap by size of group; dashed: the minimum rate", fontsize=10)
    axes.legend(frameon=False, fontsize=8)


def _drawn(axes: Axes, values: Numbers, middle: float) -> Numbers:
    """Return values as they are drawn: the few that lie far off stand at the edge, which the axis then ends at."""
    distance = np.abs(values - middle)
    most = 2.0 * float(np.quantile(distance, 0.95))
    outside = int((distance > most).sum())
    if not outside or most == 0:
        return values
    axes.set_ylim(middle - 1.08 * most, middle + 1.08 * most)
    words = f"{outside:,} of {len(values):,} lie farther off than the axis"
    axes.annotate(
        words, (0.99, 0.01), xycoords="axes fraction", ha="right", va="bottom", fontsize=8, color=GREY
    )
    return np.clip(values, middle - most, middle + most)


def _draw_contract(axes: Axes, settlement: Settlement) -> None:
    """Draw what the gaps of all groups become: below the minimum rate, the payer's share, shared."""
    table = settlement.statements
    gap, shared = table["gap"].to_numpy(), table["shared_savings"].to_numpy()
    reached = table["is_minimum_reached"].to_numpy(zero_copy_only=False).astype(np.bool_)
    savings, losses = float(np.maximum(gap, 0).sum()), float(np.minimum(gap, 0).sum())
    steps = [losses, float(-gap[~reached].sum()), float(shared.sum() - gap[reached].sum())]
    unit, word = (
        (1e6, "millions of dollars") if max(savings, -losses) >= 1e7 else (1e3, "thousands of dollars")
    )
    draw_waterfall(
        axes, ["losses", "below the minimum rate", "payer's share, and caps"], [each / unit for each in steps],
        start=("savings", savings / unit), end="shared savings", decimals=1,
    )  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.8)
    levels = np.cumsum([0.0, savings, *steps]) / unit
    room = max(float(np.ptp(levels)), 0.01)
    axes.set_ylim(levels.min() - 0.05 * room, levels.max() + 0.1 * room)
    axes.set_ylabel(word)
    axes.set_title("All groups: from gaps to shared savings", fontsize=10)


def _draw_payments(axes: Axes, settlement: Settlement) -> None:
    frame = settlement.statements.to_pandas().set_index("provider_id")["payment"]
    shown = frame.reindex(frame.abs().sort_values(ascending=False).index)[:_MOST_GROUPS][::-1]
    axes.barh(shown.index, shown, color=[GREEN if each >= 0 else RED for each in shown])
    axes.axvline(0, color=GREY, linewidth=0.8)
    show_dollars(axes.xaxis)
    axes.set_title(f"Payments, {settlement.period}", fontsize=10)


def plot_chance_by_size(chance: ChanceBySize) -> Figure:
    """Return a figure: probability of being paid, and the mean payment, by number of members and true savings."""
    figure, (left, right) = new_figure(1, 2, height=4.8)
    frame = chance.sizes.to_pandas()
    for number, (rate, rows) in enumerate(frame.groupby("true_savings")):
        color = (GREY, *PALETTE)[number % (len(PALETTE) + 1)] if rate == 0 else PALETTE[number % len(PALETTE)]
        label = "no true savings" if rate == 0 else f"true savings {rate:.1%}"
        left.plot(rows["members"], rows["p_paid"], color=color, marker="o", markersize=4, label=label)
        left.plot(rows["members"], rows["normal_p_paid"], color=color, linewidth=0.8, linestyle=":")
        right.plot(rows["members"], rows["mean_payment"], color=color, marker="o", markersize=4, label=label)
    left.set_ylim(0, 1)
    left.set_title("Probability of being paid (dotted: normal approximation)", fontsize=10)
    right.axhline(0, color=GREY, linewidth=0.8)
    right.set_title("Mean payment, share of the benchmark", fontsize=10)
    for axes in (left, right):
        _show_size(axes, "members of the group")
        show_percent(axes.yaxis)
    left.legend(frameon=False, fontsize=8)
    return figure


def plot_chance_by_group(chance: ChanceByGroup) -> Figure:
    """Return a figure: gap rates by number of members, within what chance does to groups of that size."""
    figure, (axes,) = new_figure(height=5.0)
    table = chance.groups
    members, rate = table["members"].to_numpy(), _drawn(axes, table["gap_rate"].to_numpy(), 0.0)
    unlikely = 2 * table["chance_of_as_much"].to_numpy() < _ONE_IN_20  # as much either way
    _draw_funnel(axes, members, table["sd_by_chance"].to_numpy(), 0.0)
    for label, which, color in (
        ("chance does as much, either way, in one of 20 groups or more", ~unlikely, GREY),
        ("chance seldom does as much", unlikely, BLUE),
    ):
        if which.any():
            words = f"{label} ({int(which.sum()):,})"
            axes.scatter(members[which], rate[which], s=26, color=color, alpha=0.85, label=words)
    _show_size(axes, "members of the group")
    show_percent(axes.yaxis)
    axes.set_ylabel("gap, share of benchmark")
    axes.set_title("Gaps, and what chance does to groups of that size (shaded: 95 % and 99.8 %)", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _draw_funnel(axes: Axes, members: Numbers, deviation: Numbers, middle: float) -> None:
    """Shade what lies within two and three standard deviations, by number of members."""
    order = np.argsort(members)
    x, sd = members[order], deviation[order]
    for width, alpha in ((FUNNEL[1], 0.10), (FUNNEL[0], 0.16)):
        axes.fill_between(x, middle - width * sd, middle + width * sd, color=BLUE, alpha=alpha, linewidth=0)
    axes.axhline(middle, color=GREY, linewidth=0.8)


def plot_scorecards(cards: Scorecards) -> Figure:
    """Return a figure: a funnel of actual to expected by size, and utilization against everybody's if it was given."""
    has_use = cards.utilization.num_rows > 0
    figure, axes = new_figure(1, 2 if has_use else 1, height=5.4)
    _draw_ratios(axes[0], cards)
    if has_use:
        _draw_use(axes[1], cards)
    return figure


def _draw_ratios(axes: Axes, cards: Scorecards) -> None:
    frame = cards.groups.to_pandas()
    size = (frame["member_months"] * frame["risk_score"]).to_numpy()
    ratio = _drawn(axes, frame["actual_to_expected"].to_numpy(), 1.0)
    _draw_funnel(axes, size, (frame["funnel_high"] - 1).to_numpy() / FUNNEL[0], 1.0)
    if len(frame) <= _MOST_BARS:
        axes.vlines(size, frame["low"], frame["high"], color=GREY, linewidth=0.8, zorder=1)
    colors = {"within": GREY, "high": AMBER, "very high": RED, "low": GREEN, "very low": BLUE}
    for position, color in colors.items():
        which = (frame["position"] == position).to_numpy()
        if which.any():
            words = f"{position} ({int(which.sum()):,})"
            axes.scatter(size[which], ratio[which], s=26, color=color, label=words, zorder=2)
    _name_farthest(axes, frame, size, ratio)
    _show_size(axes, "member months x risk score")
    axes.set_ylabel("actual / expected")
    axes.set_title("Actual to expected, risk-adjusted (shaded: chance, 95 % and 99.8 %)", fontsize=10)
    axes.legend(frameon=False, fontsize=8)


def _name_farthest(axes: Axes, frame: pd.DataFrame, size: Numbers, ratio: Numbers) -> None:
    """Name the groups that lie farthest outside the funnel."""
    distance = np.abs(frame["actual_to_expected"] - 1).to_numpy() / (frame["funnel_high"] - 1).to_numpy()
    for place in np.argsort(-distance)[:_MOST_NAMES]:
        if distance[place] > 1:
            name = shortened(frame["provider_id"].iloc[place], 16)
            axes.annotate(name, (size[place], ratio[place]), (5, 4), textcoords="offset points", fontsize=8)


def _draw_use(axes: Axes, cards: Scorecards) -> None:
    """Draw utilization of each group over everybody's, service categories down, the costliest on top."""
    frame = cards.utilization.to_pandas()
    order = (
        frame.groupby("service_category")["pmpm"].sum().sort_values(ascending=False).index[:_MOST_SERVICES]
    )
    largest = cards.groups.to_pandas().sort_values("members", ascending=False)["provider_id"][:_MOST_GROUPS]
    grid = frame.pivot_table(index="service_category", columns="provider_id", values="relative")
    grid = grid.reindex(index=order, columns=sorted(largest))
    image = axes.imshow(grid.to_numpy() - 1, cmap="RdBu_r", vmin=-0.6, vmax=0.6, aspect="auto")
    axes.set_xticks(
        range(grid.shape[1]),
        [shortened(name, 12) for name in grid.columns],
        rotation=60,
        ha="right",
        fontsize=8,
    )
    axes.set_yticks(range(grid.shape[0]), [str(name).replace("_", " ") for name in grid.index], fontsize=8)
    bar = axes.figure.colorbar(image, ax=axes)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    axes.set_title("Utilization per 1,000, against everybody's", fontsize=10)


def _show_size(axes: Any, label: str) -> None:
    """Write a size along a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.06)
    axes.set_xlabel(label)
