"""Dates of any make to days since 1970-01-01."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.extracts.contract import is_text, is_whole

#: Stands where there is no date; earlier than any real one.
MISSING_DATE = -(2**31)
EPOCH = date(1970, 1, 1)

_YEAR_FIRST = re.compile(r"(\d{4})([-/]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})([- ]?)([A-Za-z]{3})\2(\d{4})(?:[T: ].*)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def to_days(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the days of a column of dates, timestamps (the date part), text or whole numbers YYYYMMDD.

    Text is in one of the `contract.DATE_FORMS`, perhaps with a time behind it. Each distinct text is read once.

    Returns
    -------
    days : ndarray of int32, shape (n_rows,)
        Days since 1970-01-01; MISSING_DATE where there is none. [days]
    is_unreadable : ndarray of bool, shape (n_rows,)
        True where something stands that is no date.
    """
    array = one_chunk(column)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_null(array.type):
        return np.full(len(array), MISSING_DATE, dtype=np.int32), np.zeros(len(array), dtype=bool)
    if pa.types.is_dictionary(array.type):
        return _dictionary_days(array)
    if is_text(array.type) or is_whole(array.type):
        return _dictionary_days(array.cast(pa.string()).dictionary_encode())
    days = values_of(array if pa.types.is_date32(array.type) else array.cast(pa.date32(), safe=False))
    return _with_missing(days, is_valid(array)), np.zeros(len(array), dtype=bool)


def _with_missing(days: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return days if valid.all() else np.where(valid, days, np.int32(MISSING_DATE))


def _dictionary_days(array: pa.DictionaryArray) -> tuple[np.ndarray, np.ndarray]:
    days, unreadable = _entry_days(array.dictionary)
    if not len(days):
        return np.full(len(array), MISSING_DATE, dtype=np.int32), np.zeros(len(array), dtype=bool)
    valid = is_valid(array)
    entries = np.where(valid, values_of(array.indices), 0)
    return np.where(valid, days[entries], np.int32(MISSING_DATE)), valid & unreadable[entries]


def _entry_days(entries: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    if not (is_text(entries.type) or is_whole(entries.type)):
        return to_days(entries)
    texts = [None if text is None else text.strip() for text in entries.cast(pa.string()).to_pylist()]
    found = [parse_date(text) if text else None for text in texts]
    days = np.array([MISSING_DATE if day is None else day for day in found], dtype=np.int32)
    return days, np.array(
        [bool(text) and day is None for text, day in zip(texts, found, strict=True)], dtype=bool
    )


def parse_date(text: str) -> int | None:
    """Return days since 1970-01-01 of a date in one of the `contract.DATE_FORMS`, or None if it is none."""
    match = _YEAR_FIRST.fullmatch(text)
    if match and (match[2] or len(match[3]) == len(match[4]) == 2):
        return _days(match[1], match[3], match[4])
    if match := _MONTH_FIRST.fullmatch(text):
        return _days(match[3], match[1], match[2])
    if match := _DAY_FIRST.fullmatch(text):
        return _days(match[4], _month_number(match[3]), match[1])
    return None


def _month_number(name: str) -> int:
    """Return 1 to 12 for the first three letters of an English month; 0, which no date has, for any others."""
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def _days(year: str, month: str | int, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() - EPOCH.toordinal()
    except ValueError:
        return None


def days_of(day: date) -> int:
    """Return days since 1970-01-01."""
    return day.toordinal() - EPOCH.toordinal()


def day_of(days: int) -> date:
    """Return the date `days` after 1970-01-01."""
    return EPOCH + timedelta(days=int(days))


def month_of(days: int) -> str:
    """Return ``YYYY-MM`` of days since 1970-01-01."""
    return day_of(days).strftime("%Y-%m")
