"""Charts of experience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.experience.months import PER_1000, months_of_dates, name_of
from pricing.experience.unpaid_tables import METHOD_WORDS
from pricing.inputs import Numbers
from pricing.rows import ALL
from riskadj.charts import (
    AMBER,
    BLUE,
    GREY,
    PALETTE,
    RED,
    draw_waterfall,
    new_figure,
    show_dollars,
    show_percent,
    show_short_dollars,
)  # fmt: skip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pricing.experience.development import Development
    from pricing.experience.exposure import MemberMonths
    from pricing.experience.incurred_claims import Incurred
    from pricing.experience.pooling import PoolCharges, StopLoss
    from pricing.experience.risk_adjusted import ActualToExpected
    from pricing.experience.triangles import Triangle
    from pricing.experience.unpaid_claims import Ibnr

_MOST_CLAIMANTS = 25
_FEW_POWERS = 2.0
PURPLE = PALETTE[4]


def plot_development(development: Development) -> Figure:
    """Return a figure of two charts: age-to-age ratios against their factor, and paid and IBNR by period."""
    figure, (left, right) = new_figure(1, 2)
    ratios = development.triangle[:, 1:] / development.triangle[:, :-1] / development.factors - 1
    most = max(float(np.nanmax(np.abs(ratios))), 0.01)
    edges = (0.5, ratios.shape[1] + 0.5, len(ratios) + 0.5, 0.5)
    image = left.imshow(ratios, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", extent=edges)
    left.set_title("Age-to-age ratios against the factor used", fontsize=10)
    left.set_xlabel("age")
    left.set_ylabel("period incurred")
    bar = figure.colorbar(image, ax=left)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    periods = np.arange(1, len(development.triangle) + 1)
    right.bar(periods, development.paid, color=BLUE, label="paid")
    right.bar(periods, development.ibnr, bottom=development.paid, color=AMBER, label="not yet paid")
    right.set_title(f"Incurred by period: {development.ibnr.sum():,.0f} not yet paid", fontsize=10)
    right.set_xlabel("period incurred")
    show_dollars(right.yaxis)
    right.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_member_months(member_months: MemberMonths) -> Figure:
    """Return a figure: member months by month, stacked by the largest groups."""
    figure, (axes,) = new_figure()
    names = _group_names(member_months)
    order = np.argsort(-member_months.grid.sum(axis=0), kind="stable")
    shown, rest = order[: len(PALETTE) - 1], order[len(PALETTE) - 1 :]
    layers = [(names[group], member_months.grid[:, group]) for group in shown]
    if len(rest):
        layers.append((f"{len(rest):,} others", member_months.grid[:, rest].sum(axis=1)))
    _stack(axes, member_months.numbers, layers)
    axes.set_ylabel("member months")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure


def _group_names(member_months: MemberMonths) -> list[str]:
    rows = member_months.spans.group_table.to_pylist()
    return [" ".join(str(value) for value in row.values()) for row in rows] or ["all members"]


def _stack(axes: Axes, months: npt.NDArray[np.int64], layers: Sequence[tuple[str, Numbers]]) -> None:
    """Draw bars by month, one layer on the other."""
    bottom = np.zeros(len(months))
    for color, (name, values) in zip((*PALETTE, *PALETTE), layers, strict=False):
        axes.bar(range(len(months)), values, bottom=bottom, color=color, label=name, width=0.85)
        bottom = bottom + values
    if len(layers) > 1:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    month_ticks(axes, months)


def month_ticks(axes: Axes, months: npt.NDArray[np.int64]) -> None:
    """Write the names of at most twelve months below an axis on which they stand at 0, 1, ..."""
    every = range(0, len(months), -(-len(months) // 12))
    axes.set_xticks(
        list(every), [name_of(int(months[i])) for i in every], rotation=30, ha="right", fontsize=8
    )


def plot_incurred(incurred: Incurred) -> Figure:
    """Return a figure: PMPM by month, stacked by service category, and utilization against unit cost."""
    frame, totals = incurred.to_pandas(), incurred.to_pandas("totals")
    figure, (left, right) = new_figure(1, 2, width=13.0)
    sums = frame.pivot_table(
        index="month", columns="service_category", values="amount", aggfunc="sum"
    ).fillna(0.0)
    months = incurred.exposure.numbers
    sums = sums.set_axis(months_of_dates(pa.array(sums.index))).reindex(months, fill_value=0.0)
    pmpm = sums.div(incurred.exposure.by_month, axis=0)
    order = pmpm.sum().sort_values(ascending=False).index
    layers = [(name, pmpm[name].to_numpy()) for name in order[: len(PALETTE) - 1]]
    if len(order) >= len(PALETTE):
        layers.append(("all others", pmpm[order[len(PALETTE) - 1 :]].sum(axis=1).to_numpy()))
    _stack(left, months, layers)
    left.set_ylabel(f"{incurred.amount.removesuffix('_amount')} PMPM")
    show_dollars(left.yaxis)
    each = (
        totals[totals["service_category"] != ALL]
        .groupby("service_category")[["amount", incurred.utilization]]
        .sum()
    )
    each = each[(each["amount"] > 0) & (each[incurred.utilization] > 0)]
    per_1000 = each[incurred.utilization] / incurred.exposure.total * PER_1000
    unit_cost = each["amount"] / each[incurred.utilization]
    right.scatter(
        per_1000, unit_cost, s=900 * each["amount"] / each["amount"].max() + 8, color=BLUE, alpha=0.6
    )
    for name, at in _spread(np.log10(per_1000), np.log10(unit_cost)).items():
        right.annotate(name, (per_1000[name], 10**at), xytext=(6, -3), textcoords="offset points", fontsize=8)
    right.set(xscale="log", yscale="log")
    right.margins(0.2)
    _plain_numbers(right)
    right.set_xlabel(f"{incurred.utilization} per 1,000 members a year (log scale)")
    right.set_ylabel("dollars each (log scale)")
    right.set_title("Area: dollars", fontsize=10)
    return figure


def _plain_numbers(axes: Axes) -> None:
    """Write powers of ten as numbers on axes of logarithms; where there are few, 2 and 5 of each as well."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = np.log10(axis.get_view_interval())
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high - low < _FEW_POWERS else (1.0,)))
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.set_minor_formatter(NullFormatter())


def _spread(x: pd.Series, y: pd.Series) -> dict[str, float]:
    """Return where names are written, from the top down: lower than their point where another name is in the way."""
    wide, high = 0.2 * np.ptp(x) + 1e-9, np.ptp(y) / 28 + 1e-9
    written: dict[str, float] = {}
    for name in y.sort_values(ascending=False).index:
        near = sorted((at for other, at in written.items() if abs(x[other] - x[name]) < wide), reverse=True)
        place = float(y[name])
        for at in near:
            place = min(place, at - high) if abs(at - place) < high else place
        written[name] = place
    return written


_METHODS = {"completion": BLUE, "pmpm": AMBER, "bornhuetter_ferguson": AMBER, "chain_ladder": RED}


def plot_ibnr(ibnr: Ibnr) -> Figure:
    """Return a figure: incurred PMPM by month, paid and not yet paid, and completion by lag."""
    frame = ibnr.to_pandas()
    months = ibnr.triangle.months
    exposure = frame["member_months"].to_numpy()
    figure, (left, right) = new_figure(1, 2, width=13.0, width_ratios=(2, 1))
    at = np.arange(len(months))
    top = frame["paid"].to_numpy() / exposure
    left.bar(at, top, color=GREY, label="paid", width=0.85)
    for method in dict.fromkeys(frame["method"]):
        rows = (frame["method"] == method).to_numpy()
        unpaid = frame["ibnr"].to_numpy()[rows] / exposure[rows]
        name = f"not yet paid, by {METHOD_WORDS[method]}"
        left.bar(at[rows], unpaid, bottom=top[rows], color=_METHODS[method], label=name, width=0.85)
    top = top + frame["ibnr"].to_numpy() / exposure
    if ibnr.triangle.large_claim:
        _draw_large(left, frame, top)
    left.set_title(f"{ibnr.total:,.0f} dollars not yet paid", fontsize=10)
    left.set_ylabel("incurred PMPM")
    left.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    show_dollars(left.yaxis)
    month_ticks(left, months)
    completion = ibnr.development.completion
    right.plot(
        np.arange(len(completion)), completion, marker="o", color=BLUE, markersize=4, label="other claims"
    )
    large = ibnr.factors["large_completion"].to_numpy()
    if not np.isnan(large).all():
        right.plot(np.arange(len(large)), large, marker="o", color=PURPLE, markersize=4, label="large claims")
        right.legend(frameon=False, fontsize=8, loc="lower right")
    right.set_ylim(0, max(1.05, float(completion.max()) + 0.05))
    right.set_title("Completion: share of ultimate claims paid", fontsize=10)
    right.set_xlabel("months from service to payment")
    show_percent(right.yaxis)
    return figure


def _draw_large(axes: Axes, frame: pd.DataFrame, bottom: Numbers) -> None:
    """Draw large claims on top of the others: what is paid, and what they still lack."""
    for column, name, hatch in (("large_paid", "paid", ""), ("large_unpaid", "not yet paid", "////")):
        height = frame[column].to_numpy() / frame["member_months"].to_numpy()
        face = "white" if hatch else PURPLE
        axes.bar(
            np.arange(len(frame)), height, bottom=bottom, color=face, edgecolor=PURPLE, hatch=hatch, width=0.85,
            linewidth=0.5, label=f"large claims, {name}",
        )  # fmt: skip
        bottom = bottom + height


def plot_pool_charges(charges: PoolCharges) -> Figure:
    """Return a figure: PMPM below and above each pooling level."""
    figure, (axes,) = new_figure(width=8.0)
    table = charges.levels.to_pandas()
    names = [f"${level:,.0f}" for level in table["level"]]
    axes.bar(names, table["capped_pmpm"], color=GREY, label="below the level")
    axes.bar(names, table["pool_charge_pmpm"], bottom=table["capped_pmpm"], color=AMBER, label="pool charge")
    for place, row in enumerate(table.itertuples()):
        text = f"${row.pool_charge_pmpm:,.2f}\n{row.members_above:,} above"
        top = row.capped_pmpm + row.pool_charge_pmpm
        axes.annotate(text, (place, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8)
    axes.margins(y=0.15)
    axes.set_xlabel("pooling level, a member in the period")
    axes.set_ylabel("PMPM")
    show_dollars(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_actual_to_expected(found: ActualToExpected) -> Figure:
    """Return a figure: actual to expected by group, each with its interval; area of the dots: member months."""
    frame = found.to_pandas()
    names = frame[list(found.by)].astype(str).agg(", ".join, axis=1)
    figure, (axes,) = new_figure(width=9.0, height=max(3.0, 0.32 * len(frame) + 1.2))
    place = np.arange(len(frame))[::-1]
    ratio = frame["actual_to_expected"]
    axes.hlines(place, frame["low"], frame["high"], color=GREY, linewidth=1.5)
    axes.scatter(
        ratio, place, s=160 * frame["member_months"] / frame["member_months"].max() + 12, color=BLUE, zorder=3
    )
    axes.axvline(found.total, color=AMBER, linewidth=1.0, linestyle="--")
    axes.set_yticks(place, list(names), fontsize=8)
    axes.set_xlabel(
        f"actual to expected, {found.confidence:.0%} interval; dashed: everybody; area: member months"
    )
    return figure


def plot_stop_loss(found: StopLoss) -> Figure:
    """Return a figure: who bears the group's claims, and what the largest claimants leave to it."""
    figure, (left, right) = new_figure(1, 2, width=12.0, width_ratios=(1.2, 1))
    draw_waterfall(
        left, ["specific", "aggregate"], [-found.specific, -found.aggregate],
        start=("claims", float(found.run["claims"])), end="kept by the group", decimals=0,
    )  # fmt: skip
    show_short_dollars(left.yaxis)
    left.set_title("Claims, less what the cover pays", fontsize=10)
    largest = found.to_pandas().nlargest(_MOST_CLAIMANTS, "amount")
    places = np.arange(1, len(largest) + 1)
    right.bar(places, largest["retained"], color=BLUE, label="kept, before the aggregate cover")
    right.bar(
        places, largest["reimbursed"], bottom=largest["retained"], color=GREY, label="above the deductible"
    )
    right.plot(places, largest["deductible"], "_", color="black", markersize=12, label="deductible")
    show_short_dollars(right.yaxis)
    right.set_xlabel("members by claims, the largest first")
    right.set_title("The largest claimants", fontsize=10)
    right.legend(frameon=False, fontsize=8)
    return figure


def plot_triangle(triangle: Triangle) -> Figure:
    """Return a figure: claims paid to date by months since service, a line for each month incurred."""
    from matplotlib import colormaps

    figure, (axes,) = new_figure(width=9.0)
    paid = triangle.cumulative
    for row, (month, line) in enumerate(zip(triangle.months, paid, strict=True)):
        shade = colormaps["Blues"](0.35 + 0.65 * row / max(len(paid) - 1, 1))
        is_named = row in (0, len(paid) - 1)
        axes.plot(
            line, color=shade, marker="o", markersize=3, label=name_of(int(month)) if is_named else None
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("months from service to payment")
    axes.set_title(f"Paid by {triangle.valuation_date}, a line for each month incurred", fontsize=10)
    show_short_dollars(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, title="incurred")
    return figure
