"""Calendar months as numbers: months since January 1970, their days and working days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError

Integers = npt.NDArray[np.int64]

_EPOCH_YEAR = 1970
_TEXT = re.compile(r"(\d{4})-(\d{2})(?:-\d{2})?")


#: Months in a year times 1,000 members.
PER_1000 = 12_000


def month_of(month: date | str) -> int:
    """Return the number of a month given as a date in it, ``"2025-03"`` or ``"2025-03-01"``.

    Raises
    ------
    InputError
        It is no month.

    Examples
    --------
    >>> month_of("1971-02")
    13
    """
    if isinstance(month, date):
        return (month.year - _EPOCH_YEAR) * 12 + month.month - 1
    match = _TEXT.fullmatch(month.strip())
    if match is None or not 1 <= int(match[2]) <= 12:
        raise InputError(f"'{month}' is no month; write it YYYY-MM, or give a date in it.")
    return (int(match[1]) - _EPOCH_YEAR) * 12 + int(match[2]) - 1


def name_of(month: int) -> str:
    """Return ``YYYY-MM``."""
    return f"{_EPOCH_YEAR + month // 12}-{month % 12 + 1:02d}"


def years_of(months: npt.NDArray[np.integer]) -> Integers:
    """Return the calendar year of each month."""
    return (months // 12 + _EPOCH_YEAR).astype(np.int64)


def month_numbers(days: npt.NDArray[np.integer]) -> Integers:
    """Return the month in which each day lies; days since 1970-01-01."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_days(months: npt.NDArray[np.integer]) -> Integers:
    """Return the first day of each month [days since 1970-01-01]."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def days_in(months: npt.NDArray[np.integer]) -> Integers:
    """Return how many days each month has."""
    return first_days(months + 1) - first_days(months)


def as_dates(months: npt.NDArray[np.integer]) -> pa.Array:
    """Return the first day of each month as an Arrow date."""
    return pa.array(first_days(months).astype(np.int32), pa.int32()).cast(pa.date32())


def months_of_dates(dates: pa.Array | pa.ChunkedArray) -> Integers:
    """Return the months of Arrow dates: the way back from `as_dates`."""
    return month_numbers(dates.cast(pa.date32()).cast(pa.int32()).to_numpy())


def month_range(first: date | str, last: date | str) -> Integers:
    """Return the months from the first to the last, both included.

    Raises
    ------
    InputError
        The last lies before the first.
    """
    begin, end = month_of(first), month_of(last)
    if end < begin:
        raise InputError(f"last_month {name_of(end)} lies before first_month {name_of(begin)}.")
    return np.arange(begin, end + 1, dtype=np.int64)


def working_days(months: npt.NDArray[np.integer], *, holidays: Sequence[date] = ()) -> Integers:
    """Return the working days of each month: Monday to Friday, without the holidays given.

    Examples
    --------
    >>> working_days(month_range("2025-01", "2025-02"), holidays=[date(2025, 1, 1)]).tolist()
    [22, 20]
    """
    begin = first_days(months).astype("datetime64[D]")
    end = first_days(months + 1).astype("datetime64[D]")
    off = np.array(sorted(holidays), "datetime64[D]")
    return np.busday_count(begin, end, holidays=off).astype(np.int64)
