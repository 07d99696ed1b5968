"""Claims incurred and not yet paid, by month: completion factors, and expected PMPM where these say little.

A recent month of which little is paid cannot be divided by its completion factor: a small error in the factor, or one
claim, moves it by as much as the month itself. Below a threshold its ultimate comes from what is expected per member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.errors import InputError, check_choice
from pricing.experience.assumptions import FITTED, GIVEN, RULE, Assumption, assumption_table, chosen
from pricing.experience.development import LEAST_AGES, Development, MackRange, chain_ladder, mack_range
from pricing.experience.exposure import MemberMonths
from pricing.experience.months import as_dates, month_of, name_of, working_days
from pricing.experience.triangles import Triangle
from pricing.inputs import Numbers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

IMMATURE = ("pmpm", "bornhuetter_ferguson", "chain_ladder")
#: Below this completion a month's ultimate is not its paid claims divided by completion.
MIN_COMPLETION = 0.65
#: What `large_pmpm` may be instead of dollars.
EXPERIENCE = "experience"
_LEAST_MONTHS = 3
_DECIMALS = 6


@dataclass(frozen=True)
class Ibnr:
    """Ultimate claims of each month incurred.

    Attributes
    ----------
    months : pyarrow.Table
        One row per month incurred: month, member_months, lag_months (of its last payment), paid [dollars, large claims
        left out], completion, method (completion, pmpm, bornhuetter_ferguson, chain_ladder), expected_pmpm [dollars;
        null where not used], ultimate, ibnr (= ultimate - paid), standard_error (Mack; null where another method was
        used), large_paid, large_unpaid, incurred (= ultimate + large_paid + large_unpaid), incurred_pmpm, margin.
    factors : pyarrow.Table
        One row per lag: lag_months, age_to_age (to the next lag; the last row's is the tail), completion.
    triangle, development : Triangle, Development
        What was paid when; and developed by the chain ladder throughout.
    mack : MackRange or None
        Of the months whose method is completion; None where its assumptions cannot be met (a cumulative
        cell that is not above 0, fewer than four months).
    warnings : tuple of str
        What to look at before the numbers are used.
    run : dict
        What was read, and totals that add up: incurred = paid + large_paid + ibnr + large_unpaid.
    """

    months: pa.Table
    factors: pa.Table
    triangle: Triangle = field(repr=False)
    development: Development = field(repr=False)
    mack: MackRange | None = field(repr=False)
    assumptions: pa.Table
    warnings: tuple[str, ...]
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "months": "ibnr_months",
        "factors": "completion_factors",
        "triangle": "claim_triangle",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    @property
    def total(self) -> float:
        """Best estimate of what is not yet paid, large claims included, without margin [dollars]."""
        return float(self.run["ibnr"] + self.run["large_unpaid"])

    @property
    def total_with_margin(self) -> float:
        """What is not yet paid, with the explicit margin [dollars]."""
        return self.total + float(self.run["margin"])

    def quantile(self, probability: float) -> float:
        """Return a quantile of IBNR of the months whose method is completion, lognormal with Mack's standard error.

        Raises
        ------
        InputError
            Mack's range cannot be had, or the probability is not between 0 and 1.
        """
        if self.mack is None:
            raise InputError("this triangle has no Mack range; warnings say why.")
        return self.mack.quantile(probability)

    def summary(self) -> pd.DataFrame:
        """Return the months that are not complete: paid, completion, method, ultimate, ibnr, PMPM."""
        frame = self.months.to_pandas().set_index("month")
        shown = ["member_months", "paid", "completion", "method", "ultimate", "ibnr", "incurred_pmpm"]
        return frame.loc[frame["completion"] != 1.0, shown]

    def plot(self) -> Figure:
        """Return a figure: paid and not yet paid by month with PMPM, and completion by lag."""
        from pricing.experience.plots import plot_ibnr

        return plot_ibnr(self)

    def __repr__(self) -> str:
        """Return the total."""
        at, n_months = self.triangle.valuation_date, self.months.num_rows
        return f"<Ibnr: {self.total:,.0f} dollars not yet paid at {at}, {n_months} months>"


def ibnr(
    triangle: Triangle,
    member_months: MemberMonths | Sequence[float] | npt.NDArray[Any],
    *,
    average: str = "volume",
    last: int | None = None,
    drop_high: int = 0,
    drop_low: int = 0,
    tail: float = 1.0,
    min_completion: float = MIN_COMPLETION,
    immature: str = "pmpm",
    expected_pmpm: float | Mapping[str, float] | None = None,
    trend_annual: float = 0.0,
    seasonality: Mapping[int, float] | None = None,
    use_working_days: bool = False,
    holidays: Sequence[date] = (),
    base_months: int = 12,
    large_pmpm: float | str = 0.0,
    margin: float = 0.0,
) -> Ibnr:
    """Return claims incurred and not yet paid by month.

    Parameters
    ----------
    triangle : Triangle
    member_months : MemberMonths, or array of shape (n_months,)
        Exposure of the triangle's months.
    average, last, drop_high, drop_low, tail
        How age-to-age factors are averaged: as in `chain_ladder`.
    min_completion : float
        Months less complete than this take the method `immature`. [share of ultimate paid]
    immature : {"pmpm", "bornhuetter_ferguson", "chain_ladder"}
        ``pmpm``: expected PMPM x member months, whatever was paid. ``bornhuetter_ferguson``: paid + (1 - completion) x
        expected PMPM x member months. ``chain_ladder``: paid / completion all the same.
    expected_pmpm : float or mapping of month to float, optional
        A-priori PMPM of months that are not mature [dollars], taken as it is; ``{"2025-12": 410.0}`` by month. Without
        it: the PMPM of the base months, moved by trend, seasonality and working days.
    trend_annual : float
        Of PMPM, from the base months to the month. [share a year]
    seasonality : mapping of int to float, optional
        Calendar month (1 to 12) -> factor on PMPM; all twelve. `fit_trend` gives them.
    use_working_days : bool
        PMPM moves with the working days of the month of service.
    holidays : sequence of date
    base_months : int
        Latest mature months from which expected PMPM is taken.
    large_pmpm : float or "experience"
        Large claims expected per member and month, where the triangle leaves them out: the share of it that a month's
        completion leaves unpaid is added. [dollars] A pool charge is such a number; "experience" takes what the base
        months have: their large claims paid over member months x completion.
    margin : float
        Explicit provision for adverse deviation. [share of the best estimate]

    Returns
    -------
    Ibnr

    Raises
    ------
    InputError
        An option is not allowed, exposure does not fit the triangle, or there are no mature months to expect PMPM from.

    References
    ----------
    .. [1] Actuarial Standards of Practice 5 (incurred health claims) and 42 (health liabilities): methods, explicit
       margin, reconciliation.
    .. [2] Bornhuetter and Ferguson (1972), The actuary and IBNR.
    """
    _check(immature, min_completion, base_months, margin, trend_annual)
    exposure = _exposure(triangle, member_months)
    development = chain_ladder(
        triangle.development, average=average, last=last, drop_high=drop_high, drop_low=drop_low, tail=tail
    )
    completion = development.completion[development.ages]
    paid, developed = triangle.total, triangle.total / completion
    is_mature = completion >= min_completion
    needs = ~is_mature & (immature != "chain_ladder")
    shape = _shape(
        triangle,
        trend_annual,
        seasonality,
        working_days(triangle.months, holidays=holidays) if use_working_days else None,
    )
    expected = np.full(len(paid), np.nan)
    if needs.any():
        expected[needs] = _expected(
            triangle, expected_pmpm, needs, developed, exposure * shape, is_mature, shape, base_months
        )
    ultimate = np.where(needs, _replaced(immature, paid, completion, expected * exposure), developed)
    method = np.where(needs, immature, np.where(is_mature, "completion", "chain_ladder"))
    mack, reason = _mack(triangle, is_mature)
    large_expected = _large_pmpm(triangle, large_pmpm, exposure * completion, _base(is_mature, base_months))
    large_unpaid = large_expected * exposure * (1 - completion)
    best = ultimate - paid + large_unpaid
    months = _months_table(
        triangle,
        {
            "member_months": exposure, "completion": completion, "expected_pmpm": expected, "ultimate": ultimate,
            "large_unpaid": large_unpaid, "margin": margin * best,
        },
        method,
        _errors(mack, is_mature),
    )  # fmt: skip
    return Ibnr(
        months=months,
        factors=_factors_table(development),
        triangle=triangle,
        development=development,
        mack=mack,
        assumptions=_assumptions(
            triangle,
            {
                "average": average, "last": last, "drop_high": drop_high, "drop_low": drop_low, "tail": tail,
                "min_completion": min_completion, "immature": immature, "trend_annual": trend_annual,
                "seasonality": "given" if seasonality else None, "use_working_days": use_working_days,
                "margin": margin,
            },
            _expected_assumption(expected_pmpm, base_months),
            _large_assumption(large_pmpm, large_expected, base_months),
        ),
        warnings=(
            *triangle.warnings,
            *reason,
            *_look(triangle, ultimate, paid, expected),
            *_look_large(triangle, large_expected),
        ),
        run=_run(triangle, months),
    )  # fmt: skip


def _check(immature: str, min_completion: float, base_months: int, margin: float, trend: float) -> None:
    check_choice("immature", immature, IMMATURE)
    if not 0 <= min_completion <= 1:
        raise InputError("min_completion must lie between 0 and 1.")
    if base_months < 1 or not trend > -1 or not margin >= 0:
        raise InputError("base_months must be at least 1, trend_annual above -1, margin not negative.")


def _base(is_mature: npt.NDArray[np.bool_], base_months: int) -> npt.NDArray[np.int64]:
    """Return the latest mature months."""
    return np.flatnonzero(is_mature)[-base_months:]


def _large_pmpm(
    triangle: Triangle, given: float | str, completed_exposure: Numbers, base: npt.NDArray[np.int64]
) -> float:
    """Return the large claims expected per member and month."""
    if given == EXPERIENCE:
        if not len(base):
            raise InputError("no month reaches min_completion; give large_pmpm in dollars.")
        return float(triangle.large[base].sum() / completed_exposure[base].sum())
    if isinstance(given, str) or not given >= 0:
        raise InputError(f"large_pmpm must be dollars, not negative, or '{EXPERIENCE}'.")
    return float(given)


def _exposure(triangle: Triangle, given: Any) -> Numbers:
    """Return member months of the triangle's months, checked."""
    if isinstance(given, MemberMonths):
        at = triangle.months - given.numbers[0]
        if at[0] < 0 or at[-1] >= len(given.numbers):
            raise InputError(
                f"member months run from {name_of(int(given.numbers[0]))} to {name_of(int(given.numbers[-1]))}, the "
                f"triangle from {name_of(int(triangle.months[0]))} to {name_of(int(triangle.months[-1]))}; "
                "give member months of all its months."
            )
        given = given.by_month[at]
    months = np.asarray(given, np.float64)
    if months.shape != triangle.months.shape or not (months > 0).all():
        raise InputError(
            f"member_months must be {len(triangle.months)} numbers above 0, one for each month incurred."
        )
    return months


def _shape(
    triangle: Triangle, trend: float, seasonality: Mapping[int, float] | None, days: npt.NDArray[Any] | None
) -> Numbers:
    """Return how PMPM is expected to move from month to month, up to a constant."""
    shape = (1 + trend) ** ((triangle.months - triangle.months[-1]) / 12)
    if seasonality is not None:
        if sorted(seasonality) != list(range(1, 13)) or not all(value > 0 for value in seasonality.values()):
            raise InputError("seasonality needs a factor above 0 for each calendar month, 1 to 12.")
        shape = shape * np.array([seasonality[int(month) % 12 + 1] for month in triangle.months])
    return shape if days is None else shape * days / days.mean()


def _expected(
    triangle: Triangle,
    given: float | Mapping[str, float] | None,
    needs: npt.NDArray[np.bool_],
    developed: Numbers,
    shaped_exposure: Numbers,
    is_mature: npt.NDArray[np.bool_],
    shape: Numbers,
    base_months: int,
) -> Numbers:
    """Return the PMPM expected of the months that need one."""
    if isinstance(given, Mapping):
        by_month = {month_of(month): value for month, value in given.items()}
        missing = [name_of(int(month)) for month in triangle.months[needs] if int(month) not in by_month]
        if missing:
            raise InputError(f"expected_pmpm lacks {', '.join(missing)}, which are below min_completion.")
        return np.array([by_month[int(month)] for month in triangle.months[needs]])
    if given is not None:
        return np.full(int(needs.sum()), float(given))
    base = _base(is_mature, base_months)
    if not len(base):
        raise InputError("no month reaches min_completion; give expected_pmpm, or lower min_completion.")
    return developed[base].sum() / shaped_exposure[base].sum() * shape[needs]


def _replaced(immature: str, paid: Numbers, completion: Numbers, expected: Numbers) -> Numbers:
    return expected if immature == "pmpm" else paid + (1 - completion) * expected


def _mack(triangle: Triangle, is_mature: npt.NDArray[np.bool_]) -> tuple[MackRange | None, tuple[str, ...]]:
    """Return Mack's range of the mature months; the others only enter factors that mature months are past."""
    rows = triangle.development[is_mature]
    if len(is_mature) < LEAST_AGES or len(rows) < _LEAST_MONTHS:
        return None, (f"no Mack range: it takes {LEAST_AGES} months, {_LEAST_MONTHS} of them mature.",)
    if not (rows[~np.isnan(rows)] > 0).all():
        return None, ("no Mack range: a cumulative cell of the triangle is not above 0.",)
    return mack_range(rows), ()


def _errors(mack: MackRange | None, is_mature: npt.NDArray[np.bool_]) -> Numbers:
    errors = np.full(len(is_mature), np.nan)
    if mack is not None:
        errors[is_mature] = mack.standard_error
    return errors


def _months_table(
    triangle: Triangle, numbers: Mapping[str, Numbers], method: Any, errors: Numbers
) -> pa.Table:
    ultimate, exposure = numbers["ultimate"], numbers["member_months"]
    incurred = ultimate + triangle.large + numbers["large_unpaid"]
    expected = numbers["expected_pmpm"]
    return pa.table(
        {
            "month": as_dates(triangle.months),
            "member_months": pa.array(exposure),
            "lag_months": pa.array(triangle.months[-1] - triangle.months),
            "paid": pa.array(triangle.total),
            "completion": pa.array(numbers["completion"]),
            "method": pa.array(method.tolist(), pa.string()),
            "expected_pmpm": pa.array(expected, mask=np.isnan(expected)),
            "ultimate": pa.array(ultimate),
            "ibnr": pa.array(ultimate - triangle.total),
            "standard_error": pa.array(errors, mask=np.isnan(errors)),
            "large_paid": pa.array(triangle.large),
            "large_unpaid": pa.array(numbers["large_unpaid"]),
            "incurred": pa.array(incurred),
            "incurred_pmpm": pa.array(incurred / exposure),
            "margin": pa.array(numbers["margin"]),
        }
    )


def _factors_table(development: Development) -> pa.Table:
    return pa.table(
        {
            "lag_months": pa.array(np.arange(len(development.completion), dtype=np.int32)),
            "age_to_age": pa.array(np.append(development.factors, development.tail)),
            "completion": pa.array(development.completion),
        }
    )


#: Option -> its default, unit and meaning.
_OPTIONS: Mapping[str, tuple[object, str, str]] = {
    "average": ("volume", "", "how age-to-age ratios are averaged"),
    "last": (None, "months", "latest ratios of each lag that are used; none: all"),
    "drop_high": (0, "ratios", "highest ratios of each lag left out"),
    "drop_low": (0, "ratios", "lowest ratios of each lag left out"),
    "tail": (1.0, "factor", "from the last lag to ultimate"),
    "min_completion": (MIN_COMPLETION, "share", "below it a month takes the method of immature months"),
    "immature": ("pmpm", "", "method of months below min_completion"),
    "trend_annual": (0.0, "a year", "of PMPM from the base months on"),
    "seasonality": (None, "factor", "of PMPM by calendar month"),
    "use_working_days": (False, "", "PMPM moves with the working days of service"),
    "margin": (0.0, "share", "explicit provision for adverse deviation, beside the estimate"),
}


def _assumptions(triangle: Triangle, options: Mapping[str, object], *expected: Assumption) -> pa.Table:
    removed = f"claims above it left out, by {triangle.large_by}"
    return assumption_table(
        [
            *(chosen(name, value, *_OPTIONS[name]) for name, value in options.items()),
            *expected,
            Assumption("valuation_date", triangle.valuation_date, "", GIVEN, "what was paid by then"),
            chosen("large_claim", triangle.large_claim, None, "dollars", removed),
            chosen("payment days", triangle.has_working_days, False, "", "payments at average working days"),
            Assumption("range", "Mack", "", RULE, "volume-weighted chain ladder; months by completion"),
        ]
    )


def _expected_assumption(given: float | Mapping[str, float] | None, base_months: int) -> Assumption:
    meaning = "per member and month, where a month takes its ultimate from it"
    if given is None:
        return Assumption("expected_pmpm", f"latest {base_months} mature months", "dollars", FITTED, meaning)
    words = "by month" if isinstance(given, Mapping) else given
    return Assumption("expected_pmpm", words, "dollars", GIVEN, meaning)


def _large_assumption(given: float | str, found: float, base_months: int) -> Assumption:
    if given == EXPERIENCE:
        meaning = f"large claims of the latest {base_months} mature months, for the unpaid share of a month"
        return Assumption("large_pmpm", found, "dollars", FITTED, meaning)
    return chosen(
        "large_pmpm", found, 0.0, "dollars", "large claims expected, for the unpaid share of a month"
    )


def _look_large(triangle: Triangle, expected: float) -> tuple[str, ...]:
    if expected or not triangle.large.any():
        return ()
    return (
        f"large claims of {triangle.large.sum():,.0f} dollars are left out of the triangle, and nothing is added for "
        f"those not yet paid: give large_pmpm, a pool charge or '{EXPERIENCE}'.",
    )


def _look(triangle: Triangle, ultimate: Numbers, paid: Numbers, expected: Numbers) -> tuple[str, ...]:
    short = (ultimate < paid) & ~np.isnan(expected)
    if not short.any():
        return ()
    names = ", ".join(name_of(int(month)) for month in triangle.months[short])
    return (
        f"expected PMPM x member months is less than what is paid already in {names}: raise expected_pmpm, or take "
        "immature='bornhuetter_ferguson'.",
    )


def _run(triangle: Triangle, months: pa.Table) -> dict[str, Any]:
    names = ("member_months", "paid", "large_paid", "ibnr", "large_unpaid", "incurred", "margin")
    totals = {name: round(float(months[name].to_numpy().sum()), _DECIMALS) for name in names}
    return {"valuation_date": str(triangle.valuation_date), **triangle.run, **totals}
