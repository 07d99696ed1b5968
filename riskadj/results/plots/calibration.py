"""Charts of a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.charts import BLUE, GREY, PALETTE, RED, new_figure, shortened, show_dollars, show_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: Standard errors to either side of a mean that 95 % of samples stay within.
_NORMAL = 1.96
_COLORS = {"fitted": BLUE, "cross-validated": PALETTE[1], "starting model": GREY}
_MOST_FACTORS = 14


def plot_calibration(factors: pa.Table, fit: pa.Table, predictive_ratios: pa.Table) -> Figure:
    """Return a figure of four charts: actual against predicted by decile, A/E by age and sex, factors, R2 and CPM.

    Parameters
    ----------
    factors, fit, predictive_ratios : pyarrow.Table
        As `riskadj.calibrate` returns them.
    """
    figure, (deciles, ages, changes, fits) = new_figure(2, 2, width=12.0, height=8.6)
    shown = "cross-validated" if "cross-validated" in fit["prediction"].to_pylist() else "fitted"
    _draw_deciles(deciles, predictive_ratios, shown)
    _draw_ages(ages, predictive_ratios, shown)
    _draw_factors(changes, factors, fit)
    _draw_fit(fits, fit)
    return figure


def _where(table: pa.Table, **values: str) -> pa.Table:
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], value))
    return table


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = table[name].to_numpy().astype(np.float64)
    return numbers


def _draw_deciles(axes: Axes, ratios: pa.Table, shown: str) -> None:
    """Mean actual cost of each decile of prediction, with its interval, against the mean predicted."""
    for prediction in ("starting model", shown):
        rows = _where(ratios, grouping="decile", prediction=prediction)
        axes.errorbar(
            _numbers(rows, "mean_predicted"), _numbers(rows, "mean_actual"), color=_COLORS[prediction],
            yerr=_NORMAL * _numbers(rows, "std_error_actual"), fmt="o", markersize=5, capsize=3, label=prediction,
        )  # fmt: skip
    top = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([0, top], [0, top], color="black", linewidth=0.8, linestyle="--", zorder=0)
    axes.set(
        xlim=(0, None), ylim=(0, None), xlabel="mean predicted cost a year", ylabel="mean actual cost a year"
    )
    axes.set_title("Deciles of predicted cost (bars: 95 % interval)", fontsize=10)
    show_dollars(axes.xaxis)
    show_dollars(axes.yaxis)
    axes.legend(frameon=False, fontsize=9)


def _draw_ages(axes: Axes, ratios: pa.Table, shown: str) -> None:
    """Actual to expected by age band, a line for each sex."""
    rows = _where(ratios, grouping="age_sex", prediction=shown)
    names = rows["group"].to_pylist()
    bands = list(dict.fromkeys(sorted((name.split()[1] for name in names), key=_lowest_age)))
    for sex, color in (("F", PALETTE[4]), ("M", PALETTE[2])):
        at = [number for number, name in enumerate(names) if name.startswith(sex)]
        places = [bands.index(names[number].split()[1]) for number in at]
        axes.plot(places, _numbers(rows, "actual_to_expected")[at], marker="o", color=color, label=sex)
    axes.axhline(1.0, color="black", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xticks(range(len(bands)), bands, fontsize=8, rotation=30)
    farthest = 1.15 * max(0.1, float(np.nanmax(np.abs(_numbers(rows, "actual_to_expected") - 1.0))))
    axes.set(
        xlabel="age in years", ylabel="actual / expected", ylim=(max(0.0, 1.0 - farthest), 1.0 + farthest)
    )
    axes.set_title(f"A/E by age and sex, {shown}", fontsize=10)
    axes.legend(frameon=False, fontsize=9)


def _lowest_age(band: str) -> int:
    return int(band.rstrip("+").split("-")[0])


def _draw_factors(axes: Axes, factors: pa.Table, fit: pa.Table) -> None:
    """Fitted factors with their intervals beside the starting ones: the commonest conditions of the largest segment."""
    fitted = _where(fit, prediction="fitted").filter(
        pc.not_equal(_where(fit, prediction="fitted")["segment"], "all")
    )
    segment = fitted["segment"].to_pylist()[int(np.argmax(_numbers(fitted, "n_members")))]
    rows = _where(factors, segment=segment).filter(
        pc.not_equal(_where(factors, segment=segment)["label"], "")
    )
    rows = rows.take(np.argsort(-_numbers(rows, "n_members"), kind="stable")[:_MOST_FACTORS])
    places = np.arange(rows.num_rows)[::-1]
    factor, spread = _numbers(rows, "factor"), _numbers(rows, "factor_high") - _numbers(rows, "factor")
    axes.errorbar(
        factor,
        places,
        xerr=np.nan_to_num(spread),
        fmt="o",
        color=BLUE,
        capsize=2,
        markersize=5,
        label="fitted",
    )
    axes.scatter(
        _numbers(rows, "starting_factor"), places, color=GREY, marker="D", s=22, label="starting model"
    )
    axes.axvline(0.0, color="black", linewidth=0.8)
    labels = zip(rows["variable"].to_pylist(), rows["label"].to_pylist(), strict=True)
    axes.set_yticks(places, [shortened(f"{name} {label}") for name, label in labels], fontsize=7)
    axes.set_xlabel("relative factor (1.000 = average)")
    axes.set_title(f"Commonest conditions in {segment} (bars: 95 % interval)", fontsize=10)
    axes.legend(frameon=False, fontsize=9)


def _draw_fit(axes: Axes, fit: pa.Table) -> None:
    """R2 of each prediction by segment, and CPM as a mark."""
    segments = list(dict.fromkeys(fit["segment"].to_pylist()))
    predictions = list(dict.fromkeys(fit["prediction"].to_pylist()))
    width = 0.8 / len(predictions)
    for number, prediction in enumerate(predictions):
        rows = _where(fit, prediction=prediction)
        places = np.arange(len(segments)) + (number - (len(predictions) - 1) / 2) * width
        axes.bar(
            places,
            _numbers(rows, "r2"),
            width=0.9 * width,
            color=_COLORS[prediction],
            label=f"R², {prediction}",
        )
        axes.scatter(places, _numbers(rows, "cpm"), marker="_", color=RED, label=None if number else "CPM")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(segments)), segments, fontsize=8)
    axes.set_title("Share of the variation of costs explained", fontsize=10)
    show_percent(axes.yaxis)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.25 * (high - low))
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
