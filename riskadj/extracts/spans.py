"""Spans of coverage: the window in which months count, and rows of one member that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import from_numpy, id_buffers, values_of
from riskadj.extracts.dates import MISSING_DATE, days_of, month_of

#: End of a span without end.
OPEN_END = days_of(date.max)

_BLOCK = 131_072
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


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
    """Return the payment year's calendar year, or `override` where no span touches that year.

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
        If no span touches the payment year, nor `override`.
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
        raise ExtractError(
            f"no enrollment span overlaps payment year {payment_year} nor {other.start} to {other.end} ({found})."
        )
    note = f"no enrollment span overlaps payment year {payment_year}; months are counted in {other.start} to {other.end}"
    return Coverage(other.start, other.end, note)


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
    firsts = np.array([days_of(day) for day in _first_days(coverage)], dtype=np.int32)
    first = np.searchsorted(firsts, starts, side="left")
    after = np.searchsorted(firsts, ends, side="right")
    months = np.maximum(after - first, 0)
    return np.where(starts == MISSING_DATE, len(firsts), months).astype(np.int16)


def _first_days(coverage: Coverage) -> Iterator[date]:
    for index in range(coverage.start.year * 12 + coverage.start.month - 1, coverage.end.year * 12 + coverage.end.month):
        day = date(index // 12, index % 12 + 1, 1)
        if day >= coverage.start:
            yield day


def repeated_members(ids: pa.Array, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the usable rows whose member has several, and which member each belongs to.

    Ids are hashed to 64 bits and sorted; only rows whose hash occurs twice are compared exactly, so that an extract
    with one row per member costs one sort.

    Returns
    -------
    rows : ndarray of int64
        In file order.
    member : ndarray of int64, same shape
        Equal where the ids are equal.
    """
    hashes = hash_ids(ids)
    usable_rows = np.flatnonzero(usable)
    ordered = np.sort(hashes[usable_rows])
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    found = np.minimum(np.searchsorted(twice, hashes[usable_rows]), len(twice) - 1)
    rows = usable_rows[twice[found] == hashes[usable_rows]]
    encoded = ids.take(from_numpy(rows, pa.int64())).dictionary_encode()
    return rows, values_of(encoded.indices).astype(np.int64)


def hash_ids(ids: pa.Array) -> np.ndarray:
    """Return a 64-bit hash of each id; uint64, shape (len(ids),)."""
    if pa.types.is_int64(ids.type):
        return values_of(ids).astype(np.uint64) * _MIX
    data, offsets = id_buffers(ids)
    lengths = np.diff(offsets)
    hashes = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), _BLOCK):
        block = slice(start, start + _BLOCK)
        for length in np.unique(lengths[block]):
            rows = start + np.flatnonzero(lengths[block] == length)
            hashes[rows] = _hash_equal_lengths(data, offsets[rows], int(length))
    return hashes


def _hash_equal_lengths(data: np.ndarray, begins: np.ndarray, length: int) -> np.ndarray:
    width = -(-length // 8) * 8
    padded = np.zeros((len(begins), width), dtype=np.uint8)
    for position in range(length):
        padded[:, position] = data[begins + position]
    hashes = np.full(len(begins), length, dtype=np.uint64)
    for word in padded.view(np.uint64).T:
        hashes = (hashes ^ word) * _MIX
        hashes ^= hashes >> _SHIFT
    return hashes
