"""The charts of a report's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskadj.charts import BLUE, GREY, draw_bars, new_figure, shortened, show_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from riskadj.results.summary.related import GapsPart, ImpactPart, MarginalPart, Table
    from riskadj.results.summary.report import Report

_MOST_HCCS = 15
_UNIT = "payment risk score (1.000 = average beneficiary)"


def draw_distribution(report: Report) -> Figure:
    """Draw enrollment rows by payment risk score."""
    figure, (axes,) = new_figure(width=9.0, height=3.2)
    bins = report.distribution
    axes.bar(_starts(bins), _rows(bins), width=0.92 * bins[0]["to"], align="edge", color=BLUE)
    if report.mean_payment_risk_score is not None:
        axes.axvline(report.mean_payment_risk_score, color="black", linewidth=1)
        axes.set_title(f"Mean {report.mean_payment_risk_score:.3f} (line)", fontsize=10, loc="left")
    _name_axes(axes, bins)
    return figure


def draw_prevalence(report: Report) -> Figure:
    """Draw the most frequent payment HCCs of the model with most members."""
    most = max((row["members"] for row in report.prevalence), default=0)
    rows = [row for row in report.prevalence if row["members"] == most][:_MOST_HCCS]
    figure, (axes,) = new_figure(width=9.0, height=0.6 + 0.26 * max(len(rows), 1))
    draw_bars(
        axes,
        [shortened(f"{row['hcc']} {row['label']}", 46) for row in rows],
        [row["prevalence"] for row in rows],
    )
    axes.set_xlabel(f"share of members, {rows[0]['model_id']}" if rows else "no payment HCC may be shown")
    axes.tick_params(axis="y", labelsize=8)
    show_percent(axes.xaxis)
    return figure


def draw_shift(impact: ImpactPart) -> Figure:
    """Draw the distributions of scores before and after, one over the other."""
    figure, (axes,) = new_figure(width=9.0, height=3.2)
    width = impact.before[0]["to"]
    edges = [*_starts(impact.before), len(impact.before) * width]
    axes.stairs(
        _rows(impact.before), edges, fill=True, color=GREY, alpha=0.45, label=f"before: {impact.names[0]}"
    )
    axes.stairs(_rows(impact.after), edges, color=BLUE, linewidth=1.8, label=f"after: {impact.names[1]}")
    _name_axes(axes, impact.before)
    axes.legend(frameon=False, fontsize=8)
    return figure


def draw_waterfall(impact: ImpactPart) -> Figure:
    """Draw the walk from mean to mean."""
    from riskadj.results.plots.impact import draw_walk

    figure, (axes,) = new_figure(width=9.0, height=3.8)
    causes = impact.causes
    draw_walk(axes, [row["cause"] for row in causes], [row["change"] for row in causes], impact.start)
    return figure


def draw_recapture(gaps: GapsPart) -> Figure:
    """Draw this year's recapture curve, and the prior year's own."""
    from riskadj.results.plots.gaps import curves_of
    from riskadj.results.plots.gaps import draw_recapture as draw_curves

    figure, (axes,) = new_figure(width=9.0, height=3.6)
    draw_curves(axes, curves_of(gaps.recapture), curves_of(gaps.prior_year))
    return figure


def draw_values(marginal: MarginalPart) -> Figure:
    """Draw what the HCCs of most value are worth, and what share of it rests on one value alone."""
    from riskadj.results.plots.marginal import plot_value_by_hcc

    return plot_value_by_hcc(marginal.value_by_hcc, marginal.value_at_risk)


def _starts(bins: Table) -> list[float]:
    return [one["from"] for one in bins]


def _rows(bins: Table) -> list[int]:
    return [one["rows"] or 0 for one in bins]


def _name_axes(axes: Any, bins: Table) -> None:
    axes.set_xlabel(f"{_UNIT}; the last bar is {bins[-1]['from']:g} and more")
    axes.set_ylabel("enrollment rows")
    axes.set_xlim(0, len(bins) * bins[0]["to"])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
