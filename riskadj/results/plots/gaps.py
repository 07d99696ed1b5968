"""Charts of gaps: recapture by month, and the open HCCs that are worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.charts import (
    BLUE,
    GREY,
    PALETTE,
    draw_bars,
    new_figure,
    shortened,
    show_percent,
    show_short_dollars,
)
from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.results.summary.groups import NO_LABEL, labels_of_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_HCCS = 12
_KINDS = ("chronic", "unknown")


def plot_gaps(recapture: pa.Table, gaps: pa.Table, prior_year: pa.Table) -> Figure:
    """Return a figure of two charts: the recapture rate to date by month, and the open HCCs that are worth most.

    Parameters
    ----------
    recapture, gaps, prior_year : pyarrow.Table
        As `riskadj.gaps` returns them; a prior year's own curve without rows is not drawn.
    """
    figure, (left, right) = new_figure(1, 2, width=12.5, width_ratios=(1, 1.1))
    draw_recapture(left, curves_of(recapture), curves_of(prior_year))
    _draw_worth(right, gaps)
    return figure


@dataclass(frozen=True)
class Curve:
    """Recapture to date of one model's conditions that are not acute, month by month.

    Attributes
    ----------
    months : list of str
    rates : ndarray of float64, shape (n_months,)
        NaN after the last month that has data. [share of conditions, 0 to 1]
    is_empty : ndarray of bool, shape (n_months,)
        Months without a single diagnosis.
    """

    model_id: str
    months: list[str]
    conditions: int
    rates: npt.NDArray[np.float64]
    is_empty: npt.NDArray[np.bool_]

    @property
    def share(self) -> float | None:
        """The rate of the last month that has one."""
        known = self.rates[~np.isnan(self.rates)]
        return float(known[-1]) if len(known) else None


def curves_of(recapture: pa.Table) -> list[Curve]:
    """Return the curve of each model over all groups of a recapture table."""
    models = labels_of_column(recapture["model_id"])
    months = labels_of_column(recapture["month"])
    names = [name for name in months.names if name != NO_LABEL]
    wanted = np.isin(recapture["kind"].cast(pa.string()).to_numpy(), _KINDS)
    curves = []
    for code in np.unique(models.codes[wanted]).tolist():
        rows = wanted & (models.codes == code)

        def total(name: str, rows: npt.NDArray[np.bool_] = rows) -> npt.NDArray[np.float64]:
            values = recapture[name].to_numpy().astype(np.float64)[rows]
            sums = np.bincount(months.codes[rows], weights=values, minlength=len(names))
            return sums.astype(np.float64)

        conditions = total("conditions")
        curves.append(
            Curve(
                model_id=models.names[code],
                months=names,
                conditions=int(conditions[0]),
                rates=total("recaptured_to_date") / conditions,
                is_empty=total("diagnoses") == 0,
            )
        )
    return curves


def draw_recapture(axes: Axes, curves: Sequence[Curve], earlier: Sequence[Curve]) -> None:
    """Draw this year's curves, and dashed the prior year's own in the same colours, month under month."""
    if not curves:
        axes.set_title("No conditions to recapture", fontsize=10)
        axes.set_axis_off()
        return
    axes.set_title("Recapture of chronic conditions, year to date", fontsize=10)
    axes.set_ylabel("share seen again")
    years = {model.model_id: model for model in earlier}
    for number, curve in enumerate(curves):
        color = PALETTE[number % len(PALETTE)]
        positions = range(len(curve.rates))
        axes.plot(positions, curve.rates, color=color, marker="o", markersize=4, label=_legend(curve))
        if curve.model_id in years:
            own = years[curve.model_id]
            axes.plot(range(len(own.rates)), own.rates, color=color, linestyle="--", label=_legend(own))
    longest = max((*curves, *earlier), key=lambda curve: len(curve.months))
    _draw_months(axes, curves[0], len(longest.months))
    axes.set_ylim(0, 1)
    show_percent(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="best")


def _legend(curve: Curve) -> str:
    share = "no data" if curve.share is None else f"{curve.share:.1%} of {curve.conditions:,}"
    return f"{curve.model_id}, {curve.months[-1][:4]}: {share}"


def _draw_months(axes: Axes, curve: Curve, n_months: int) -> None:
    """Name the months of this year's curve; those after its window stay blank, those without data are grey."""
    for position in np.flatnonzero(curve.is_empty).tolist():
        axes.axvspan(position - 0.5, position + 0.5, color=GREY, alpha=0.15, linewidth=0)
    if curve.is_empty.any():
        axes.set_xlabel("grey: months without diagnoses")
    names = [*curve.months, *([""] * (n_months - len(curve.months)))]
    axes.set_xticks(range(n_months), names, rotation=45, ha="right", fontsize=8)
    axes.set_xlim(-0.5, n_months - 0.5)


def _draw_worth(axes: Axes, gaps: pa.Table) -> None:
    in_dollars = "revenue_change" in gaps.column_names
    name = "revenue_change" if in_dollars else "payment_risk_score_change"
    is_open = pc.equal(gaps["status"].cast(pa.string()), "open")
    is_acute = pc.fill_null(pc.invert(gaps["is_chronic"]), False)
    open_gaps = gaps.filter(pc.and_not(pc.and_(gaps["is_last_span"], is_open), is_acute))
    axes.set_title("Open gaps worth most, without acute conditions", fontsize=10)
    if not open_gaps.num_rows:
        axes.set_title("No open gaps", fontsize=10)
        axes.set_axis_off()
        return
    texts = pc.binary_join_element_wise(
        open_gaps["hcc"].cast(pa.string()), open_gaps["label"].cast(pa.string()), " "
    )
    labels = labels_of_column(texts)
    array = one_chunk(open_gaps[name])
    worth = np.bincount(
        labels.codes, weights=np.where(is_valid(array), values_of(array), 0.0), minlength=len(labels.names)
    )
    open_ones = np.bincount(labels.codes, minlength=len(labels.names)) > 0
    top = np.flatnonzero(open_ones)[np.argsort(-worth[open_ones], kind="stable")[:_MOST_HCCS]].tolist()
    draw_bars(axes, [shortened(labels.names[number]) for number in top], worth[top].tolist(), color=BLUE)
    axes.tick_params(axis="y", labelsize=8)
    if in_dollars:
        axes.set_xlabel("payment over the months enrolled, all members together")
        show_short_dollars(axes.xaxis)
    else:
        axes.set_xlabel("payment risk scores, summed over all members")
