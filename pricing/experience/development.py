"""Development triangles: age-to-age factors, completion, claims incurred but not reported, and their range.

A triangle holds cumulative paid claims by period incurred (rows) and age (columns); cells not known yet are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.errors import InputError, check_choice
from pricing.inputs import Numbers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

AVERAGES = ("volume", "simple", "geometric", "harmonic")
SIGMAS = ("mack", "log-linear")
#: Ages that Mack's range needs.
LEAST_AGES = 4


@dataclass(frozen=True)
class Development:
    """A triangle developed to ultimate by the chain ladder.

    Attributes
    ----------
    triangle : ndarray of float64, shape (n_periods, n_ages)
        Cumulative paid claims; NaN where not known yet. [dollars, or any unit]
    factors : ndarray of float64, shape (n_ages - 1,)
        Age-to-age factors.
    tail : float
        Factor from the last age to ultimate.
    paid, ultimate, ibnr : ndarray of float64, shape (n_periods,)
        To date; developed; their difference. [unit of the triangle]
    """

    triangle: Numbers
    factors: Numbers
    tail: float
    average: str

    TABLES: ClassVar[Mapping[str, str]] = {"table": "development", "age_to_age": "age_to_age_factors"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def completion(self) -> Numbers:
        """Completion factor at each age: the share of ultimate claims that is paid by then, shape (n_ages,)."""
        to_ultimate = np.append(np.cumprod(self.factors[::-1])[::-1], 1.0) * self.tail
        return 1 / to_ultimate

    @property
    def ages(self) -> npt.NDArray[np.int64]:
        """Position of the last age known of each period, shape (n_periods,)."""
        return last_ages(self.triangle)

    @property
    def paid(self) -> Numbers:
        """Paid to date, by period."""
        return self.triangle[np.arange(len(self.triangle)), self.ages]

    @property
    def ultimate(self) -> Numbers:
        """Paid to date divided by completion, by period; NaN where no period has anything paid by that age."""
        completion = self.completion[self.ages]
        return np.divide(self.paid, completion, out=np.full(len(completion), np.nan), where=completion > 0)

    @property
    def ibnr(self) -> Numbers:
        """Claims incurred and not yet paid, by period."""
        return self.ultimate - self.paid

    def table(self) -> pa.Table:
        """Return one row per period: period (1, 2, ...), paid, completion, ultimate, ibnr."""
        return pa.table(
            {
                "period": np.arange(1, len(self.triangle) + 1),
                "paid": self.paid,
                "completion": self.completion[self.ages],
                "ultimate": self.ultimate,
                "ibnr": self.ibnr,
            }
        )

    def age_to_age(self) -> pa.Table:
        """Return one row per age (1, 2, ...): age, factor to the next (the last: the tail), completion."""
        ages = np.arange(1, self.triangle.shape[1] + 1)
        factors = np.append(self.factors, self.tail)
        return pa.table({"age": ages, "factor": factors, "completion": self.completion})

    @property
    def run(self) -> dict[str, Any]:
        """How it was developed; paid + ibnr = ultimate."""
        sums = {"paid": self.paid, "ibnr": self.ibnr, "ultimate": self.ultimate}
        return {
            "periods": len(self.triangle),
            "average": self.average,
            "tail": self.tail,
            **{name: float(values.sum()) for name, values in sums.items()},
        }

    def summary(self) -> pd.DataFrame:
        """Return the periods, with all together in the last row (pandas)."""
        frame = self.to_pandas().set_index("period")
        frame.loc["all"] = [
            self.paid.sum(),
            self.paid.sum() / self.ultimate.sum(),
            self.ultimate.sum(),
            self.ibnr.sum(),
        ]
        return frame

    def plot(self) -> Figure:
        """Return a figure: age-to-age factors cell by cell, and paid and IBNR by period."""
        from pricing.experience.plots import plot_development

        return plot_development(self)

    def __repr__(self) -> str:
        """Return the total."""
        return f"<Development: {np.nansum(self.ibnr):,.0f} not yet paid, {len(self.triangle)} periods>"


@dataclass(frozen=True)
class MackRange:
    """Standard errors of the chain ladder (Mack 1993, 1999).

    Attributes
    ----------
    standard_error : ndarray of float64, shape (n_periods,)
        Of each period's IBNR: process and parameter error. [unit of the triangle]
    total : float
        Of the sum over periods; periods share factors, so it is not the root of the sum of squares.
    sigma : ndarray of float64, shape (n_ages - 1,)
        Of each age-to-age factor. [square root of the triangle's unit]
    """

    development: Development
    standard_error: Numbers
    total: float
    sigma: Numbers

    def quantile(self, probability: float) -> float:
        """Return a quantile of total IBNR, lognormal with Mack's mean and standard error.

        Raises
        ------
        InputError
            The probability is not between 0 and 1, or IBNR is not positive.
        """
        return lognormal_quantile(float(self.development.ibnr.sum()), self.total, probability)


def lognormal_quantile(mean: float, standard_error: float, probability: float) -> float:
    """Return a quantile of what is not yet paid, lognormal with this mean and standard error.

    Raises
    ------
    InputError
        The probability is not between 0 and 1, or the mean is not positive.
    """
    from scipy.special import ndtri

    if not 0 < probability < 1 or mean <= 0:
        raise InputError("probability must lie between 0 and 1, and total IBNR be above 0.")
    variance = np.log1p((standard_error / mean) ** 2)
    return float(mean * np.exp(ndtri(probability) * np.sqrt(variance) - variance / 2))


def chain_ladder(
    triangle: Any,
    *,
    average: str = "volume",
    last: int | None = None,
    drop_high: int = 0,
    drop_low: int = 0,
    tail: float = 1.0,
) -> Development:
    """Return a triangle developed to ultimate.

    Parameters
    ----------
    triangle : array of shape (n_periods, n_ages)
        Cumulative; NaN or None where not known yet. Each row is known up to some age, and from there on it is not.
    average : {"volume", "simple", "geometric", "harmonic"}
        How age-to-age ratios are averaged; "volume" weighs them by what was paid before, so that periods of which
        nothing was paid by then still count with what was paid after; the others leave those periods out.
    last : int, optional
        Number of periods: the latest of each age are used only.
    drop_high, drop_low : int
        Number of ratios: the highest and lowest of each age that are left out, where enough remain.
    tail : float
        Factor from the last age to ultimate.

    Returns
    -------
    Development

    Raises
    ------
    InputError
        The triangle has holes, no ratio can be had for an age, or an option is not allowed.
    """
    found = develop(triangle, average=average, last=last, drop_high=drop_high, drop_low=drop_low, tail=tail)
    for age in np.flatnonzero(np.isinf(found.factors)).tolist():
        raise _nothing_before(age)
    return found


def develop(
    triangle: Any, *, average: str, last: int | None, drop_high: int, drop_low: int, tail: float
) -> Development:
    """Return what `chain_ladder` does; of an age by which nothing is paid the factor is infinite, completion 0."""
    values = as_triangle(triangle)
    check_choice("average", average, AVERAGES)
    if not tail > 0 or (last is not None and last < 1) or min(drop_high, drop_low) < 0:
        raise InputError("tail must be above 0, last at least 1, and drop_high and drop_low at least 0.")
    factors = [
        _factor(values[:, age], values[:, age + 1], age, average, last, drop_high, drop_low)
        for age in range(values.shape[1] - 1)
    ]
    return Development(values, np.array(factors), tail, average)


def as_triangle(triangle: Any) -> Numbers:
    """Return a triangle as an array, checked.

    Raises
    ------
    InputError
        It is no table, a row is unknown before it is known, or a row knows nothing.
    """
    try:
        values = np.array(triangle, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "a triangle is a table of numbers, each row as long as the others, None where not known yet."
        ) from None
    if values.ndim != 2 or values.shape[1] < 2 or np.isinf(values).any():
        raise InputError("a triangle is a table of at least two ages, without infinite numbers.")
    known = ~np.isnan(values)
    holes = (np.diff(known.astype(np.int8), axis=1) > 0).any(axis=1) | ~known[:, 0]
    if holes.any():
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(holes)[:5])
        raise InputError(
            f"{int(holes.sum())} rows of the triangle have holes or nothing known (rows: {rows})."
        )
    return values


def last_ages(triangle: Numbers) -> npt.NDArray[np.int64]:
    """Return the position of the last known age of each row."""
    return (~np.isnan(triangle)).sum(axis=1) - 1


def _factor(
    before: Numbers, after: Numbers, age: int, average: str, last: int | None, drop_high: int, drop_low: int
) -> float:
    known = ~np.isnan(after)
    rows = np.flatnonzero(known if average == "volume" else known & (before > 0))
    rows = rows if last is None else rows[-last:]
    ratios = _ratios(before[rows], after[rows])
    if len(rows) > drop_high + drop_low:
        kept = np.sort(np.argsort(ratios, kind="stable")[drop_low : len(rows) - drop_high])
        rows, ratios = rows[kept], ratios[kept]
    if not before[rows].any() and after[known].sum() > 0:
        return np.inf
    if not before[rows].sum() > 0:
        raise _nothing_before(age)
    if not after[rows].sum() > 0 or (average in ("geometric", "harmonic") and not (ratios > 0).all()):
        raise InputError(
            f"claims paid by age {age + 1} were taken back by the next, so they have no {average} factor; correct "
            "them, or leave those periods out."
        )
    if average == "volume":
        return float(after[rows].sum() / before[rows].sum())
    if average == "geometric":
        return float(np.exp(np.log(ratios).mean()))
    return float(len(ratios) / (1 / ratios).sum()) if average == "harmonic" else float(ratios.mean())


def _nothing_before(age: int) -> InputError:
    return InputError(
        f"no period is known at ages {age + 1} and {age + 2} with claims paid by then; shorten the triangle."
    )


def _ratios(before: Numbers, after: Numbers) -> Numbers:
    """Return what ratios are sorted by; without claims before, any are infinitely more."""
    without = np.where(after > before, np.inf, 1.0)
    return np.divide(after, before, out=without, where=before > 0)


def mack_range(triangle: Any, *, sigma: str = "mack") -> MackRange:
    """Return Mack's standard errors of the volume-weighted chain ladder.

    Parameters
    ----------
    triangle : array of shape (n_periods, n_ages)
        Cumulative.
    sigma : {"mack", "log-linear"}
        How the last age's sigma, which one ratio cannot tell, is extrapolated: by Mack's rule, or along the logarithms.

    Returns
    -------
    MackRange

    Raises
    ------
    InputError
        As `chain_ladder`; or fewer than four ages.

    References
    ----------
    .. [1] Mack (1993), Distribution-free calculation of the standard error of chain ladder reserve estimates.
    """
    check_choice("sigma", sigma, SIGMAS)
    development = chain_ladder(triangle)
    values, factors = development.triangle, development.factors
    n_ages = values.shape[1]
    if not (values[~np.isnan(values)] > 0).all():
        raise InputError(
            "Mack's range needs claims paid above 0 in every known cell of the cumulative triangle."
        )
    if n_ages < LEAST_AGES:
        raise InputError(
            f"Mack's range needs at least {LEAST_AGES} ages: the last sigma is extrapolated from two."
        )
    variance = _variances(values, factors, sigma)
    known = ~np.isnan(values[:, 1:])
    volume = np.where(known, values[:, :-1], 0.0).sum(axis=0)
    parameter = variance / factors**2 / volume
    developed = _developed(values, factors)
    ages = development.ages
    ultimate = developed[:, -1]
    errors, common = np.zeros(len(values)), np.zeros(len(values))
    for row, age in enumerate(ages):
        ahead = slice(age, n_ages - 1)
        process = variance[ahead] / factors[ahead] ** 2 / developed[row, ahead]
        errors[row] = ultimate[row] ** 2 * (process + parameter[ahead]).sum()
        common[row] = 2 * parameter[ahead].sum()
    order = np.argsort(-ages, kind="stable")  # the most developed first: later periods share its factors
    later = np.append(np.cumsum(ultimate[order][::-1])[::-1][1:], 0.0)
    total = errors.sum() + (ultimate[order] * later * common[order]).sum()
    return MackRange(development, np.sqrt(errors), float(np.sqrt(total)), np.sqrt(variance))


def _variances(values: Numbers, factors: Numbers, sigma: str) -> Numbers:
    variance = np.full(len(factors), np.nan)
    for age, factor in enumerate(factors):
        rows = np.flatnonzero(~np.isnan(values[:, age + 1]))
        if len(rows) > 1:
            ratios = values[rows, age + 1] / values[rows, age]
            variance[age] = (values[rows, age] * (ratios - factor) ** 2).sum() / (len(rows) - 1)
    for blank in np.flatnonzero(np.isnan(variance)).tolist():
        variance[blank] = _extrapolated(variance[:blank], blank, sigma)
    return variance


def _extrapolated(variance: Numbers, age: int, sigma: str) -> float:
    if sigma == "mack":
        before, last = variance[-2], variance[-1]
        return float(min(last**2 / before, before, last)) if before > 0 else 0.0
    used = np.flatnonzero(variance > 0)
    slope, level = np.polyfit(used, np.log(np.sqrt(variance[used])), 1)
    return float(np.exp(level + slope * age) ** 2)


def _developed(values: Numbers, factors: Numbers) -> Numbers:
    """Return the triangle with its unknown cells filled in."""
    developed = values.copy()
    for age, factor in enumerate(factors):
        unknown = np.isnan(developed[:, age + 1])
        developed[unknown, age + 1] = developed[unknown, age] * factor
    return developed
