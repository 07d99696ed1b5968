"""Monthly claim triangles: what was paid for each month incurred, by months from service to payment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.claim_lines import ClaimLines, read_claim_lines
from pricing.errors import InputError, check_choice
from pricing.experience.months import as_dates, month_numbers, month_of, name_of, working_days
from pricing.inputs import Numbers
from pricing.rows import Integers, add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LARGE_BY = ("claim_id", "member_id")
WHOLE, EXCESS = LARGE_PARTS = ("whole", "excess")
_DECIMALS = 6


@dataclass(frozen=True)
class Triangle:
    """Claims by month incurred and lag.

    Attributes
    ----------
    months : ndarray of int64, shape (n_months,)
        Months incurred, as months since January 1970.
    paid : ndarray of float64, shape (n_months, n_months)
        Paid in lag 0, 1, ... (months from service to payment) without large claims; NaN where not known yet. [dollars]
    large_cells : ndarray of float64, shape (n_months, n_months)
        The same for large claims, or what is large of them; `paid` and `large_cells` add up to all that was paid.
        [dollars]
    development : ndarray of float64, shape (n_months, n_months)
        Cumulative; what age-to-age factors are made of. Without `working_days` it is the running total of `paid`; with
        it, each payment is set to a month of average length first.
    run : dict
        Lines and dollars read = in the triangle + large + after the valuation date + outside the months.
    """

    months: Integers
    paid: Numbers
    large_cells: Numbers = field(repr=False)
    development: Numbers = field(repr=False)
    valuation_date: date
    amount: str
    large_claim: float | None
    large_by: str
    large_part: str
    has_working_days: bool
    warnings: tuple[str, ...]
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"table": "claim_triangle"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def cumulative(self) -> Numbers:
        """Paid to date at each lag, shape (n_months, n_months); NaN where not known yet."""
        return np.cumsum(self.paid, axis=1)

    @property
    def total(self) -> Numbers:
        """Paid by the valuation date for each month incurred, large claims left out, shape (n_months,)."""
        return np.round(np.nansum(self.paid, axis=1), _DECIMALS)

    @property
    def large(self) -> Numbers:
        """Paid by the valuation date for large claims, which are no part of `total`, shape (n_months,)."""
        return np.round(np.nansum(self.large_cells, axis=1), _DECIMALS)

    def table(self) -> pa.Table:
        """Return one row per month incurred and known lag: month, lag_months, paid, paid_to_date, large_paid."""
        row, lag = np.nonzero(~np.isnan(self.paid))
        return pa.table(
            {
                "month": as_dates(self.months[row]),
                "lag_months": pa.array(lag.astype(np.int32)),
                "paid": pa.array(self.paid[row, lag]),
                "paid_to_date": pa.array(self.cumulative[row, lag]),
                "large_paid": pa.array(self.large_cells[row, lag]),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return the triangle as printed: months in rows, lags in columns, paid to date."""
        import pandas as pd

        names = [name_of(int(month)) for month in self.months]
        return pd.DataFrame(self.cumulative, index=pd.Index(names, name="month"))

    def plot(self) -> Figure:
        """Return a figure: paid to date by months from service to payment, a line for each month incurred."""
        from pricing.experience.plots import plot_triangle

        return plot_triangle(self)

    def __repr__(self) -> str:
        """Return what is in it."""
        first, last = (name_of(int(self.months[position])) for position in (0, -1))
        return f"<Triangle: {self.total.sum():,.0f} dollars incurred {first} to {last}, paid by {self.valuation_date}>"


def claim_triangle(
    claims: Any,
    *,
    valuation_date: date,
    first_month: date | str | None = None,
    amount: str = "paid_amount",
    large_claim: float | None = None,
    large_by: str = "claim_id",
    large_part: str = WHOLE,
    use_working_days: bool = False,
    holidays: Sequence[date] = (),
    header_amounts: bool | str | Iterable[str] = False,
    columns: Mapping[str, str] | None = None,
) -> Triangle:
    """Return the triangle of claims by month incurred and months to payment.

    Parameters
    ----------
    claims : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line: claim_id, member_id, service_date, paid_date and `amount`.
    valuation_date : date
        Last day of a month; what was paid later is not known, and is counted in ``run``.
    first_month : date or str, optional
        First month incurred; default: the first that has a claim. The last is that of the valuation date.
    amount : {"paid_amount", "allowed_amount"}
    large_claim : float, optional
        Claims (or members) with more than this in the months of the triangle are left out of `paid` and stand in
        `large_cells`: one of them may hide how the others develop. [dollars]
    large_by : {"claim_id", "member_id"}
    large_part : {"whole", "excess"}
        What of a large claim is left out: all of it, in every lag, as it is known at the valuation date; or what it has
        above `large_claim`, from the payment on with which it passes that. The first keeps claims together; the second
        is how the months would have looked at every earlier date, so that large claims can be completed by their own
        development (`ibnr` with ``large_method="development"``). "excess" is of claims only.
    use_working_days : bool
        Set each payment to a month of average working days before factors are made: a short month pays less.
    holidays : sequence of date
        Days on which nothing is paid.
    header_amounts : bool, str or iterable of str
        As in `incurred`.
    columns : mapping, optional
        Our name -> the extract's.

    Returns
    -------
    Triangle

    Raises
    ------
    InputError
        A column is missing; a paid date is blank, or lies in a month before the service; the valuation date is not the
        last day of its month; or no claim is left.
    """
    last = _last_month(valuation_date)
    _check_large(large_claim, large_by, large_part)
    lines = read_claim_lines(
        claims, amount=amount, header_amounts=header_amounts, more=("paid_date",), columns=columns
    )
    service, lag, known = _lags(lines, last)
    first = (
        int(service[known].min())
        if first_month is None and known.any()
        else month_of(first_month or valuation_date)
    )
    inside = (service >= first) & (service <= last)
    if not (known & inside).any():
        raise InputError(
            f"{lines.rows.label}: nothing was paid by {name_of(last)} for months from {name_of(first)} on; choose "
            "another valuation date or first month."
        )
    counted = known & inside
    large = _large(lines, counted, service + lag, large_claim, large_by, large_part)
    used = np.flatnonzero(counted)
    n_months = last - first + 1
    paid, large_cells = (
        _cells(service[used] - first, lag[used], dollars[used], n_months)
        for dollars in (lines.amounts - large, large)
    )
    months = np.arange(first, last + 1)
    payable = working_days(np.arange(first, last + 1), holidays=holidays) if use_working_days else None
    return Triangle(
        months=months,
        paid=paid,
        large_cells=large_cells,
        development=np.cumsum(paid if payable is None else _at_average_days(paid, payable), axis=1),
        valuation_date=valuation_date,
        amount=amount,
        large_claim=large_claim,
        large_by=large_by,
        large_part=large_part,
        has_working_days=use_working_days,
        warnings=lines.warnings,
        run=_run(lines, large, counted, ~known & inside, ~inside),
    )


def _last_month(valuation_date: date) -> int:
    if (valuation_date + timedelta(days=1)).day != 1:
        raise InputError(
            "valuation_date must be the last day of a month: a month paid in part would bend every factor."
        )
    return month_of(valuation_date)


def _lags(lines: ClaimLines, last: int) -> tuple[Integers, Integers, npt.NDArray[np.bool_]]:
    """Return month of service, months to payment, and whether it was paid by the valuation date."""
    try:
        paid_days = lines.rows.days("paid_date")
    except InputError as error:
        raise InputError(
            f"{error} A triangle needs to know when each line was paid: take the dates from the payment system, or "
            "start from a triangle of your own with chain_ladder."
        ) from None
    service, paid = month_numbers(lines.days), month_numbers(paid_days)
    lines.rows.refuse(
        paid < service,
        "column 'paid_date': in a month before the service (correct it or leave those lines out)",
    )
    return service, paid - service, paid <= last


def _check_large(threshold: float | None, large_by: str, large_part: str) -> None:
    check_choice("large_by", large_by, LARGE_BY)
    check_choice("large_part", large_part, LARGE_PARTS)
    if large_part == EXCESS and large_by != "claim_id":
        raise InputError("large_part='excess' parts claims; leave large_by out, or take members as a whole.")
    if threshold is not None and not threshold > 0:
        raise InputError("large_claim must be above 0 dollars.")


def _large(
    lines: ClaimLines, counted: npt.NDArray[np.bool_], paid: Integers, threshold: float | None, large_by: str,
    large_part: str,
) -> Numbers:  # fmt: skip
    """Return the dollars of each line that belong to large claims."""
    if threshold is None:
        return np.zeros(lines.rows.n_rows)
    owner = (lines.claims if large_by == "claim_id" else lines.members).codes
    amounts = np.where(counted, lines.amounts, 0.0)
    if large_part == EXCESS:
        return _excess(owner, paid, month_numbers(lines.days), amounts, threshold)
    is_large: npt.NDArray[np.bool_] = (np.bincount(owner, weights=amounts) > threshold)[owner]
    return np.where(is_large, amounts, 0.0)


def _excess(
    owner: Integers, paid: Integers, service: Integers, amounts: Numbers, threshold: float
) -> Numbers:
    """Return how much each line adds to what its claim has above the threshold, in the order of payment."""
    may_be_large = np.bincount(owner, weights=np.maximum(amounts, 0.0)) > threshold
    rows = np.flatnonzero(may_be_large[owner])
    rows = rows[np.lexsort((service[rows], paid[rows], owner[rows]))]
    running = np.cumsum(amounts[rows])
    begins = np.flatnonzero(np.diff(owner[rows], prepend=-1))
    before = np.repeat(running[begins] - amounts[rows][begins], np.diff(begins, append=len(rows)))
    above = np.maximum(running - before - threshold, 0.0)
    earlier = np.append(0.0, above[:-1])
    earlier[begins] = 0.0
    excess = np.zeros(len(amounts))
    excess[rows] = above - earlier
    return excess


def _cells(row: Integers, lag: Integers, amounts: Numbers, n_months: int) -> Numbers:
    """Return amounts by month and lag; NaN beyond the valuation date."""
    sums = add_up(row * n_months + lag, amounts, n_months**2).reshape(n_months, n_months)
    known = np.add.outer(np.arange(n_months), np.arange(n_months)) < n_months
    return np.where(known, np.round(sums, _DECIMALS), np.nan)


def _at_average_days(paid: Numbers, days: Integers) -> Numbers:
    """Set each cell to a payment month of average working days."""
    calendar = np.add.outer(np.arange(len(days)), np.arange(len(days)))
    return paid * (days.mean() / days[np.minimum(calendar, len(days) - 1)])


def _run(lines: ClaimLines, large: Numbers, counted: Any, later: Any, outside: Any) -> dict[str, Any]:
    """Count lines and dollars; a line that is large in part counts as used."""
    amounts, is_large = lines.amounts, counted & (large != 0) & (large == lines.amounts)
    parts = {
        "used": (counted & ~is_large, amounts - large, counted),
        "large": (is_large, large, counted),
        "paid_later": (later, amounts, later),
        "outside_months": (outside, amounts, outside),
    }
    report: dict[str, Any] = {**lines.counts, "dollars_read": round(float(amounts.sum()), 2)}
    for name, (rows, dollars, of) in parts.items():
        report |= {f"lines_{name}": int(rows.sum()), f"dollars_{name}": round(float(dollars[of].sum()), 2)}
    owners = (lines.claims.codes[large != 0], lines.members.codes[large != 0])
    return {**report, "large_claims": len(np.unique(owners[0])), "large_members": len(np.unique(owners[1]))}
