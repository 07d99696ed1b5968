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
import pyarrow.compute as pc

from pricing import results
from pricing.errors import InputError, check_choice
from pricing.experience.development import (
    LEAST_AGES,
    Development,
    MackRange,
    develop,
    lognormal_quantile,
    mack_range,
)  # fmt: skip
from pricing.experience.expected_claims import MIN_COMPLETION, expected_pmpms, shape_of, ultimate_of
from pricing.experience.exposure import MemberMonths
from pricing.experience.large_claims import EXPERIENCE, LargeUnpaid, assumptions_of_large, complete_large
from pricing.experience.months import name_of, working_days
from pricing.experience.triangles import Triangle
from pricing.experience.unpaid_tables import (
    assumptions_of,
    expected_assumption,
    factors_table,
    months_table,
    steps_table,
)  # fmt: skip
from pricing.inputs import AS_RATE, MOST_RATE, Numbers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

IMMATURE = ("pmpm", "bornhuetter_ferguson", "chain_ladder")
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
        used), large_paid, large_unpaid, large_method (pmpm, development, bornhuetter_ferguson; none where nothing is
        added), incurred (= ultimate + large_paid + large_unpaid), incurred_pmpm, margin.
    factors : pyarrow.Table
        One row per lag: lag_months, age_to_age (to the next lag; the last row's is the tail), completion,
        large_age_to_age, large_completion (null unless large claims develop on their own).
    steps : pyarrow.Table
        From what is paid to what is incurred: step, dollars, pmpm, is_total (the sum of the steps before it).
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
    steps: pa.Table
    triangle: Triangle = field(repr=False)
    development: Development = field(repr=False)
    mack: MackRange | None = field(repr=False)
    assumptions: pa.Table
    warnings: tuple[str, ...]
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "months": "ibnr_months",
        "factors": "completion_factors",
        "steps": "ibnr_steps",
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
        """Return a quantile of IBNR of the months whose method is completion: lognormal, with Mack's standard error.

        Its mean is the estimate's, whatever average and tail that was made with.

        Raises
        ------
        InputError
            Mack's range cannot be had, or the probability is not between 0 and 1.
        """
        if self.mack is None:
            raise InputError("this triangle has no Mack range; warnings say why.")
        by_completion = pc.equal(self.months["method"], "completion")
        mean = pc.sum(self.months["ibnr"].filter(by_completion)).as_py()
        return lognormal_quantile(mean, self.mack.total, probability)

    def summary(self) -> pd.DataFrame:
        """Return the months that are not complete: paid, completion, method, ultimate, ibnr, not_yet_paid, PMPM.

        ``not_yet_paid`` is ``ibnr`` and what large claims lack; it adds up to `total`.
        """
        frame = self.months.to_pandas().set_index("month")
        frame["not_yet_paid"] = frame["ibnr"] + frame["large_unpaid"]
        shown = [
            "member_months",
            "paid",
            "completion",
            "method",
            "ultimate",
            "ibnr",
            "not_yet_paid",
            "incurred_pmpm",
        ]
        return frame.loc[(frame["completion"] != 1.0) | (frame["not_yet_paid"] != 0.0), shown]

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
    large_method: str = "pmpm",
    large_pmpm: float | str | None = None,
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
    large_method : {"pmpm", "development"}
        How large claims are completed, where the triangle leaves them out. ``pmpm``: what is expected of them is added
        for the share of a month that the other claims' completion leaves unpaid, too little where large claims are paid
        later than the others. ``development``: by their own triangle, volume-weighted over all months; months of which
        less than `min_completion` of large claims is paid take what is paid + (1 - completion) x what is expected.
    large_pmpm : float or "experience", optional
        Large claims expected per member and month. [dollars] A pool charge is such a number; "experience" takes what
        the base months have: large claims over member months, each month as complete as its method says. Default:
        nothing for "pmpm", which a warning says; "experience" for "development".
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
    development = develop(
        triangle.development, average=average, last=last, drop_high=drop_high, drop_low=drop_low, tail=tail
    )
    completion = development.completion[development.ages]
    paid = triangle.total
    developed = np.divide(paid, completion, out=np.full(len(paid), np.nan), where=completion > 0)
    is_mature = (completion >= min_completion) & (completion > 0)
    if immature == "chain_ladder" and not completion.all():
        raise InputError(
            "nothing is ever paid as early as for the latest month, so the chain ladder cannot complete it; take "
            "immature='pmpm' or 'bornhuetter_ferguson'."
        )
    needs = ~is_mature & (immature != "chain_ladder")
    shape = shape_of(
        triangle,
        trend_annual,
        seasonality,
        working_days(triangle.months, holidays=holidays) if use_working_days else None,
    )
    expected = np.full(len(paid), np.nan)
    if needs.any():
        expected[needs] = expected_pmpms(
            triangle, expected_pmpm, needs, developed, exposure * shape, is_mature, shape, base_months
        )
    ultimate = np.where(needs, ultimate_of(immature, paid, completion, expected * exposure), developed)
    method = np.where(needs, immature, np.where(is_mature, "completion", "chain_ladder"))
    mack, reason = _mack(triangle, is_mature)
    large = complete_large(
        triangle, exposure, completion, method=large_method, given=large_pmpm, min_completion=min_completion,
        base_months=base_months, tail=tail,
    )  # fmt: skip
    best = ultimate - paid + large.unpaid
    months = months_table(
        triangle,
        {
            "member_months": exposure, "completion": completion, "expected_pmpm": expected, "ultimate": ultimate,
            "large_unpaid": large.unpaid, "margin": margin * best,
        },
        (method.tolist(), large.method),
        _errors(mack, is_mature),
    )  # fmt: skip
    return Ibnr(
        months=months,
        factors=factors_table(development, large),
        steps=steps_table(triangle, months),
        triangle=triangle,
        development=development,
        mack=mack,
        assumptions=assumptions_of(
            triangle,
            {
                "average": average, "last": last, "drop_high": drop_high, "drop_low": drop_low, "tail": tail,
                "min_completion": min_completion, "immature": immature, "trend_annual": trend_annual,
                "seasonality": "given" if seasonality else None, "use_working_days": use_working_days,
                "margin": margin,
            },
            expected_assumption(expected_pmpm, base_months),
            *assumptions_of_large(
                triangle, large, method=large_method, given=large_pmpm, base_months=base_months
            ),
        ),
        warnings=(
            *triangle.warnings,
            *reason,
            *_look(triangle, ultimate, paid, expected),
            *_look_large(triangle, large),
        ),
        run=_run(triangle, months),
    )  # fmt: skip


def _check(immature: str, min_completion: float, base_months: int, margin: float, trend: float) -> None:
    check_choice("immature", immature, IMMATURE)
    if not 0 <= min_completion <= 1:
        raise InputError("min_completion must lie between 0 and 1.")
    if base_months < 1:
        raise InputError("base_months must be at least 1.")
    if not -1 < trend <= MOST_RATE:
        raise InputError(f"trend_annual of {trend:g} is impossible; write {AS_RATE}.")
    if not 0 <= margin <= 1:
        raise InputError(f"margin of {margin:g} is none; write a share of the estimate: 0.05 for 5 percent.")


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
    if months.shape != triangle.months.shape:
        raise InputError(
            f"member_months must be {len(triangle.months)} numbers above 0, one for each month incurred."
        )
    if not (months > 0).all():
        without = ", ".join(name_of(month) for month in triangle.months[~(months > 0)].tolist())
        raise InputError(
            f"claims are incurred in months without member months: {without}; give enrollment of these months, or "
            "begin the triangle later (first_month=, --first-month)."
        )
    return months


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


def _look_large(triangle: Triangle, large: LargeUnpaid) -> tuple[str, ...]:
    if not triangle.large.any() or set(large.method) != {"none"}:
        return ()
    return (
        f"large claims of {triangle.large.sum():,.0f} dollars are left out of the triangle, and nothing is added for "
        f"those not yet paid: give large_pmpm, a pool charge or '{EXPERIENCE}', or large_method='development'.",
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
