"""Spans of enrollment: the window in which months count, and how many months a span has in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from riskadj.errors import ExtractError
from riskadj.extracts.dates import EPOCH, MISSING_DATE, days_of, month_of

#: End of a span without end.
OPEN_END = days_of(date.max)


@dataclass(frozen=True)
class Coverage:
    """The window in which months are counted, both days included."""

    start: date
    end: date
    note: str | None = None


def calendar_year(year: int) -> Coverage:
    """Return the window of the calendar year `year`."""
    return Coverage(date(year, 1, 1), date(year, 12, 31))


def choose_coverage(
    starts: np.ndarray, ends: np.ndarray, *, payment_year: int, override: tuple[date, date] | None
) -> Coverage:
    """Return the window in which months are counted.

    It is the payment year's calendar year. In a what-if (`override` is given) whose spans all lie elsewhere it is the
    window of services, or else the calendar year of the latest span.

    Parameters
    ----------
    starts, ends : ndarray of int32, shape (n_rows,)
        Spans; MISSING_DATE where a row has no dates. [days since 1970-01-01]
    payment_year : int
    override : (first day, last day), optional
        The window of services asked for in a what-if.

    Raises
    ------
    ExtractError
        If no span touches the payment year and this is no what-if.
    """
    year = calendar_year(payment_year)
    dated = starts != MISSING_DATE
    if not dated.all() or not len(starts) or touches(starts, ends, year).any():
        return year
    found = f"spans run from {month_of(starts.min())} to {_last_month(ends)}"
    if override is None:
        raise ExtractError(
            f"no enrollment span overlaps payment year {payment_year} ({found}); give the enrollment of that year, "
            "or name the window of a what-if with --collection."
        )
    other = Coverage(*override)
    if not touches(starts, ends, other).any():
        other = calendar_year((EPOCH + timedelta(days=int(starts.max()))).year)
    window = f"{other.start} to {other.end}"
    note = f"no enrollment span overlaps payment year {payment_year}; months are counted in {window}"
    return Coverage(other.start, other.end, note)


def telling_spans(
    starts: np.ndarray, ends: np.ndarray, *, payment_year: int, override: tuple[date, date] | None
) -> np.ndarray:
    """Return the few spans of which `choose_coverage` says what it says of all: int32, shape (n, 2).

    They stand in for a share's spans where several shares have to agree on one window: one without dates, one that
    touches each window that may be chosen, the first and the last to start, and the last to end.
    """
    if not len(starts):
        return np.empty((0, 2), np.int32)
    windows = [calendar_year(payment_year), *([] if override is None else [Coverage(*override)])]
    found = [starts == MISSING_DATE, *(touches(starts, ends, window) for window in windows)]
    rows = [int(is_so.argmax()) for is_so in found if is_so.any()]
    rows += [int(starts.argmin()), int(starts.argmax()), int(ends.argmax())]
    return np.column_stack([starts, ends])[sorted(set(rows))]


def _last_month(ends: np.ndarray) -> str:
    return "an open end" if ends.max() == OPEN_END else month_of(ends.max())


def touches(starts: np.ndarray, ends: np.ndarray, coverage: Coverage) -> np.ndarray:
    """Return True where a span and the window share a day; rows without dates always do."""
    inside = (starts <= days_of(coverage.end)) & (ends >= days_of(coverage.start))
    return inside | (starts == MISSING_DATE)


def months_in(starts: np.ndarray, ends: np.ndarray, coverage: Coverage) -> np.ndarray:
    """Return the calendar months whose first day lies in the span and in the window.

    Returns
    -------
    ndarray of int16, shape (n_rows,)
        Months; those of the whole window where a row has no dates. [months]
    """
    firsts = [np.int32(days_of(day)) for day in _first_days(coverage)]
    months = np.zeros(len(starts), np.int16)
    for day in firsts:
        months += (starts <= day) & (ends >= day)
    return np.where(starts == MISSING_DATE, np.int16(len(firsts)), months)


def _first_days(coverage: Coverage) -> Iterator[date]:
    day = coverage.start.replace(day=1)
    while day <= coverage.end:
        if day >= coverage.start:
            yield day
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
