"""Trend of PMPM: fitted through months with their seasonality, carried forward, and levered by a deductible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.experience.months import as_dates, month_of, name_of
from pricing.inputs import Column, Numbers, read_columns
from pricing.rows import Integers
from pricing.sorting import is_repeated

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MONTHS = 12


@dataclass(frozen=True)
class Trend:
    """A log-linear trend.

    Attributes
    ----------
    annual, low, high : float
        Trend a year, and its confidence interval (Student's t). [share a year]
    r_squared : float
        Of the logarithms, weighted; NaN where all months are alike. [share of variance]
    seasonality : mapping of int to float
        Calendar month -> factor on PMPM, their mean 1; empty without seasonality. `ibnr` takes it as it is.
    months : pyarrow.Table
        One row per month: month, pmpm, member_months, seasonality (factor), deseasonalised_pmpm, fitted_pmpm.
    warnings : tuple of str
        Months between the first and the last that are missing.
    """

    annual: float
    low: float
    high: float
    confidence: float
    r_squared: float
    seasonality: Mapping[int, float]
    months: pa.Table
    assumptions: pa.Table
    warnings: tuple[str, ...]
    run: dict[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"months": "trend_months", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    def factor(self, months: float) -> float:
        """Return what PMPM is multiplied by over a number of months: (1 + annual) ** (months / 12)."""
        return projection_factor(self.annual, months)

    def summary(self) -> pd.DataFrame:
        """Return the trend with its interval, one row."""
        import pandas as pd

        row = {"annual": self.annual, "low": self.low, "high": self.high, "r_squared": self.r_squared}
        return pd.DataFrame([row | {"months": self.months.num_rows}])

    def plot(self) -> Figure:
        """Return a figure: PMPM by month with the fit, and seasonality by calendar month."""
        from pricing.experience.trend_plots import plot_trend

        return plot_trend(self)

    def __repr__(self) -> str:
        """Return the trend with its interval."""
        interval = f"{self.low:+.2%} to {self.high:+.2%}"
        return f"<Trend: {self.annual:+.2%} a year ({interval}), {self.months.num_rows} months>"


def fit_trend(
    months: Any, *, value: str = "pmpm", seasonality: bool = True, confidence: float = 0.95
) -> Trend:
    """Return the trend of PMPM by weighted least squares on its logarithm.

    log(pmpm) = level + calendar month + slope x years, each month weighted by its member months; the trend a year is
    exp(slope) - 1.

    Parameters
    ----------
    months : path, DataFrame, Arrow table or mapping
        One row per month: month (a date in it), the column `value` [dollars per member and month, completed: see
        `ibnr`], and member_months if known (absent: months weigh alike).
    value : str
        Name of the column; utilization per 1,000 or unit cost have trends too.
    seasonality : bool
        Fit a factor for each calendar month; each must be there, and there must be more than thirteen months.
    confidence : float
        Probability of the interval, 0 to 1.

    Returns
    -------
    Trend

    Raises
    ------
    InputError
        A column is missing, a value is not above 0, a month stands twice, or there are too few months.

    References
    ----------
    .. [1] statsmodels, ``WLS``: estimates and intervals.
    """
    import statsmodels.api as sm

    if not 0 < confidence < 1:
        raise InputError("confidence must lie between 0 and 1.")
    wanted = (Column("month", "month"), Column(value, above=0), Column("member_months", default=1.0, above=0))
    rows = read_columns(months, wanted, role="months", key=("month",))
    number = rows["month"].astype("datetime64[M]").astype(np.int64)
    rows.refuse(is_repeated(number), "a month that stands twice")
    order = np.argsort(number)
    number, pmpm, weight = number[order], rows[value][order], rows["member_months"][order].astype(np.float64)
    design = _design(number, seasonality)
    fitted = sm.WLS(np.log(pmpm), design, weights=weight).fit()
    slope, (low, high) = fitted.params[-1], fitted.conf_int(alpha=1 - confidence)[-1]
    factors = _seasonality(fitted.params[:_MONTHS]) if seasonality else {}
    season = np.array([factors.get(int(month) % _MONTHS + 1, 1.0) for month in number])
    return Trend(
        annual=float(np.expm1(slope)),
        low=float(np.expm1(low)),
        high=float(np.expm1(high)),
        confidence=confidence,
        r_squared=float(fitted.rsquared) if np.ptp(pmpm) else np.nan,
        seasonality=factors,
        months=pa.table(
            {
                "month": as_dates(number),
                "pmpm": pmpm,
                "member_months": weight,
                "seasonality": season,
                "deseasonalised_pmpm": pmpm / season,
                "fitted_pmpm": np.exp(fitted.fittedvalues),
            }
        ),
        assumptions=_assumptions(seasonality, confidence),
        warnings=_gaps(number),
        run={
            "months": len(number),
            "first_month": name_of(int(number[0])),
            "last_month": name_of(int(number[-1])),
            "value": value,
            "annual": float(np.expm1(slope)),
        },
    )


def _assumptions(seasonality: bool, confidence: float) -> pa.Table:
    return assumption_table(
        [
            chosen("seasonality", seasonality, True, "", "a factor for each calendar month"),
            chosen("confidence", confidence, 0.95, "", "of the interval"),
            Assumption("model", "log-linear", "", RULE, "the same trend in every month, errors independent"),
            Assumption(
                "weights", "member months", "", RULE, "variance falls with exposure; alike where not given"
            ),
        ]
    )


def _gaps(number: Integers) -> tuple[str, ...]:
    missing = sorted(set(range(int(number[0]), int(number[-1]))) - set(number.tolist()))
    if not missing:
        return ()
    first, last = name_of(int(number[0])), name_of(int(number[-1]))
    names = ", ".join(name_of(month) for month in missing[:5])
    return (
        f"{len(missing)} months between {first} and {last} are missing (first: {names}); if nothing was paid in them, "
        "the trend leaves that out.",
    )


def _design(number: Integers, seasonality: bool) -> Numbers:
    """Return calendar months (or one level) and years since the first month."""
    years = (number - number[0]) / _MONTHS
    level = (number[:, None] % _MONTHS == np.arange(_MONTHS)) if seasonality else np.ones((len(number), 1))
    design = np.column_stack([level, years]).astype(np.float64)
    if len(number) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        need = (
            "more than thirteen months, every calendar month among them"
            if seasonality
            else "at least three months"
        )
        raise InputError(f"{len(number)} months do not tell trend from the rest: it takes {need}.")
    return design


def _seasonality(effects: Numbers) -> dict[int, float]:
    factors = np.exp(effects - effects.mean())
    return {month + 1: float(factor) for month, factor in enumerate(factors / factors.mean())}


def projection_factor(trend_annual: float, months: float) -> float:
    """Return (1 + trend) ** (months / 12).

    Parameters
    ----------
    trend_annual : float
        Above -1 [share a year].
    months : float
        From the experience to the rating period.

    Returns
    -------
    float [factor]

    Raises
    ------
    InputError
        The trend is not above -1.

    Examples
    --------
    >>> round(projection_factor(0.08, 18), 4)
    1.1224
    """
    if not trend_annual > -1:
        raise InputError("trend_annual must be above -1.")
    return float((1 + trend_annual) ** (months / _MONTHS))


def months_between_midpoints(
    experience: tuple[date | str, date | str], rating: tuple[date | str, date | str]
) -> float:
    """Return the months from the middle of one period to the middle of another.

    Parameters
    ----------
    experience, rating : (first month, last month)
        Both included; ``("2024-01", "2024-12")``.

    Returns
    -------
    float [months]

    Raises
    ------
    InputError
        A period ends before it begins, or a month cannot be read.

    Examples
    --------
    >>> months_between_midpoints(("2024-01", "2024-12"), ("2026-01", "2026-06"))
    21.0
    """
    middles = []
    for first, last in (experience, rating):
        if month_of(last) < month_of(first):
            raise InputError("a period ends before it begins; give (first month, last month).")
        middles.append((month_of(first) + month_of(last) + 1) / 2)
    return middles[1] - middles[0]


def leveraged_trend(
    claims: Any, *, deductible: float, trend_annual: float, years: float = 1.0, weights: Any = None
) -> float:
    """Return the trend of what a plan pays above a fixed deductible when allowed claims trend.

    Dollars below the deductible do not grow, so all growth falls on the plan: its trend is the higher, the larger the
    deductible.

    Parameters
    ----------
    claims : array of shape (n_claimants,)
        Allowed claims of each member in a year. [dollars]
    deductible : float
        The same before and after. [dollars a year]
    trend_annual : float
        Of allowed claims. [share a year]
    years : float
    weights : array of shape (n_claimants,), optional
        Members at each amount; default 1.

    Returns
    -------
    float
        Trend of plan payments a year. [share a year]

    Raises
    ------
    InputError
        Claims are negative, or nobody reaches the deductible.

    Examples
    --------
    >>> round(leveraged_trend([2000.0], deductible=1000, trend_annual=0.10), 4)
    0.2
    """
    amounts = np.asarray(claims, np.float64)
    counts = np.ones(len(amounts)) if weights is None else np.asarray(weights, np.float64)
    if amounts.ndim != 1 or counts.shape != amounts.shape or (amounts < 0).any() or deductible < 0:
        raise InputError(
            "claims must be a row of amounts, none negative, with as many weights; so must the deductible."
        )
    before, after = (
        float((counts * np.maximum(amounts * factor - deductible, 0)).sum())
        for factor in (1.0, projection_factor(trend_annual, years * _MONTHS))
    )
    if not years > 0:
        raise InputError("years must be above 0.")
    if not before > 0:
        raise InputError("nobody's claims pass the deductible, so the plan pays nothing that could trend.")
    return float((after / before) ** (1 / years) - 1)
