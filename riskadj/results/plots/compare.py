"""Charts of scores against CMS's reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.charts import AMBER, BLUE, draw_bars, new_figure, show_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = {"mor": "member records", "mmr": "member months"}
_MOST_VARIABLES = 15


def plot_comparison(classes: pa.Table, variable_counts: pa.Table) -> Figure:
    """Return a figure: for each report the share of rows in each class that differs; and the HCCs that differ most.

    Parameters
    ----------
    classes, variable_counts : pyarrow.Table
        Of a `riskadj.results.compare.compare.Comparison`.
    """
    reports = list(dict.fromkeys(classes["report"].to_pylist()))
    n_charts = len(reports) + ("mor" in reports)
    figure, axes = new_figure(1, n_charts, width=5.5 * n_charts if n_charts > 1 else 7.0)
    for each, report in zip(axes, reports, strict=False):
        _draw_classes(each, report, [row for row in classes.to_pylist() if row["report"] == report])
    if "mor" in reports:
        _draw_variables(axes[-1], variable_counts.to_pylist())
    return figure


def _words(name: str) -> str:
    return name.replace("_", " ").replace("hccs", "HCCs").replace("orec", "OREC").replace("esrd", "ESRD")


def _draw_classes(axes: Axes, report: str, rows: list[dict[str, Any]]) -> None:
    total = sum(row["n_rows"] for row in rows)
    equal = sum(row["n_rows"] for row in rows if row["difference_class"] == "equal")
    others = [row for row in rows if row["n_rows"] and row["difference_class"] != "equal"]
    axes.set_title(
        f"{report.upper()}: {equal / total:.1%} of {total:,} {_ROWS[report]} are equal", fontsize=10
    )
    axes.set_xlabel(f"share of all {_ROWS[report]}, by what differs")
    if not others:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No differences", ha="center", transform=axes.transAxes)
        return
    others.sort(key=lambda row: -row["n_rows"])
    names = [f"{_words(row['difference_class'])} ({row['n_rows']:,})" for row in others]
    draw_bars(axes, names, [row["n_rows"] / total for row in others], color=BLUE)
    show_percent(axes.xaxis)


def _draw_variables(axes: Axes, rows: list[dict[str, Any]]) -> None:
    """Draw stacked bars of members that only one side has an HCC for, the most frequent difference on top."""
    found = [row for row in rows if row["kind"] == "hcc" and row["n_only_ours"] + row["n_only_theirs"]]
    found = sorted(found, key=lambda row: -row["n_only_ours"] - row["n_only_theirs"])[:_MOST_VARIABLES][::-1]
    axes.set_title("HCCs that only one side has", fontsize=10)
    if not found:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No HCC differs", ha="center", transform=axes.transAxes)
        return
    n_models = len({row["model_id"] for row in found})
    names = [row["variable"] + (f", {row['model_id']}" if n_models > 1 else "") for row in found]
    ours = [row["n_only_ours"] for row in found]
    axes.barh(names, ours, color=BLUE, label="only ours")
    axes.barh(names, [row["n_only_theirs"] for row in found], left=ours, color=AMBER, label="only theirs")
    axes.set_xlabel("members")
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
