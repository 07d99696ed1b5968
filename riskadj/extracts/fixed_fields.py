"""Fields of fixed-width records: blocks of characters to Arrow columns, all rows of a field at once.

A block is an array of uint8, shape (n_rows, width): the characters of one field in each row. Every reader returns the
column and which rows hold something that is not of the type. Blanks are null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy
from riskadj.extracts.record_layout import VARIABLE_TYPES, Field

Block = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Read = tuple[pa.Array, Flags]

BLANK, ZERO, NINE, POINT, MINUS, PLUS = (ord(character) for character in " 09.-+")
#: A number of more digits does not fit a double exactly.
_MOST_DIGITS = 15
_TRUE, _FALSE = (np.frombuffer(text, np.uint8) for text in (b"1Y", b"0N"))

#: What messages say a field should hold.
EXPECTED = {
    "text": "printable ASCII characters",
    "date": "a date, CCYYMMDD (CCYY-MM-DD in fields of ten)",
    "submitted_date": "a date, CCYYMMDD, or what was submitted for one",
    "month": "a month, CCYYMM",
    "integer": "a whole number",
    "count": "a whole number",
    "decimal": "a number, with a point and perhaps a sign",
    "flag": "1, 0, Y, N or a blank",
}


def read_field(field: Field, block: Block) -> Read:
    """Return the column of a field, and which rows hold what the field may not hold."""
    column, is_wrong = _READERS[field.type](block)
    if field.allowed:
        is_wrong = is_wrong | ~is_allowed(field, block)
    return column, is_wrong


def expected(field: Field) -> str:
    """Return what a field should hold, for messages."""
    if field.allowed:
        return " or ".join(field.allowed) + ("" if field.type in ("record", "literal") else " or blanks")
    return EXPECTED["flag" if field.type in VARIABLE_TYPES else field.type]


def is_allowed(field: Field, block: Block) -> Flags:
    """Return which rows hold one of the allowed values, or blanks where the field may be blank."""
    blanks = () if field.type in ("record", "literal") else ("",)
    found = np.zeros(len(block), np.bool_)
    for value in (*field.allowed, *blanks):
        found |= (block == np.frombuffer(value.ljust(field.width).encode(), np.uint8)).all(axis=1)
    return found


def read_text(block: Block) -> Read:
    """Return text without the blanks around it."""
    is_wrong = np.any((block < BLANK) | (block > ord("~")), axis=1)
    filled = block != BLANK
    has_text = filled.any(axis=1)
    first = filled.argmax(axis=1)
    after = np.where(has_text, block.shape[1] - filled[:, ::-1].argmax(axis=1), first)
    position = np.arange(block.shape[1])
    kept = (position >= first[:, None]) & (position < after[:, None])
    offsets = np.zeros(len(block) + 1, np.int32)
    np.cumsum(after - first, out=offsets[1:])
    characters = np.where(block[kept] < 128, block[kept], np.uint8(ord("?")))
    buffers = [_bitmap(has_text), pa.py_buffer(offsets), pa.py_buffer(characters)]
    return pa.Array.from_buffers(pa.string(), len(block), buffers), is_wrong


def _bitmap(valid: Flags) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def read_flag(block: Block) -> Read:
    """Return True for 1 and Y, False for 0 and N."""
    character = block[:, 0]
    is_true, is_false = np.isin(character, _TRUE), np.isin(character, _FALSE)
    known = is_true | is_false
    return from_numpy(is_true, pa.bool_(), valid=known), ~known & (character != BLANK)


def read_date(block: Block) -> Read:
    """Return dates; a date of zeros is null."""
    if block.shape[1] == 10:
        has_dashes = (block[:, (4, 7)] == MINUS).all(axis=1)
        digits = np.delete(block, (4, 7), axis=1)
        is_blank = (block == BLANK).all(axis=1) | (has_dashes & (digits == ZERO).all(axis=1))
    else:
        has_dashes, digits, is_blank = np.ones(len(block), np.bool_), block, _is_empty(block)
    days, is_wrong = _days(digits[:, :4], digits[:, 4:6], digits[:, 6:])
    return _dates(days, (is_wrong | ~has_dashes) & ~is_blank, is_blank)


def read_submitted_date(block: Block) -> Read:
    """Return dates as they were submitted and came back; what is no date is null, and no fault of the file."""
    column, _ = read_date(block)
    return column, np.zeros(len(block), np.bool_)


def read_month(block: Block) -> Read:
    """Return the first day of months; a month of zeros is null."""
    is_blank = _is_empty(block)
    first_of_month = np.full((len(block), 2), (ZERO, ZERO + 1), np.uint8)
    days, is_wrong = _days(block[:, :4], block[:, 4:], first_of_month)
    return _dates(days, is_wrong & ~is_blank, is_blank)


def _is_empty(digits: Block) -> Flags:
    return (digits == BLANK).all(axis=1) | (digits == ZERO).all(axis=1)


def _dates(days: npt.NDArray[np.int32], is_wrong: Flags, is_blank: Flags) -> Read:
    return from_numpy(days, pa.date32(), valid=~(is_wrong | is_blank)), is_wrong


def _days(year: Block, month: Block, day: Block) -> tuple[npt.NDArray[np.int32], Flags]:
    """Return days since 1970-01-01, and which rows are no day of the calendar."""
    (y, year_wrong), (m, month_wrong), (d, day_wrong) = (_whole(part) for part in (year, month, day))
    is_wrong = year_wrong | month_wrong | day_wrong | (y < 1) | (m < 1) | (m > 12)
    months = np.where(is_wrong, 0, (y - 1970) * 12 + m - 1)
    first, after = (shifted.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
                    for shifted in (months, months + 1))  # fmt: skip
    is_wrong |= (d < 1) | (d > after - first)
    return (first + d - 1).astype(np.int32), is_wrong


def _whole(block: Block) -> tuple[npt.NDArray[np.int64], Flags]:
    is_wrong = np.any((block < ZERO) | (block > NINE), axis=1)
    value = np.zeros(len(block), np.int64)
    for character in block.T:
        value = value * 10 + np.where(is_wrong, 0, character.astype(np.int64) - ZERO)
    return value, is_wrong


def read_integer(block: Block) -> Read:
    """Return whole numbers, perhaps signed."""
    value, decimals, is_blank, is_wrong = _number(block)
    is_wrong |= decimals != 0
    return from_numpy(value, pa.int64(), valid=~(is_blank | is_wrong)), is_wrong


def read_decimal(block: Block) -> Read:
    """Return numbers, perhaps signed before or behind, each the double nearest to what is printed."""
    value, decimals, is_blank, is_wrong = _number(block)
    nearest_double = value / 10.0 ** np.maximum(decimals, 0)
    return from_numpy(nearest_double, pa.float64(), valid=~(is_blank | is_wrong)), is_wrong


def _number(block: Block) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Flags, Flags]:
    """Return digits as a whole number, decimals (-1: a point without any), which rows are blank and which no number."""
    n_rows = len(block)
    value, digits, decimals = (np.zeros(n_rows, np.int64) for _ in range(3))
    point, sign, negative, begun, ended, is_wrong = (np.zeros(n_rows, np.bool_) for _ in range(6))
    for character in block.T:
        is_digit = (character >= ZERO) & (character <= NINE)
        is_point, is_blank = character == POINT, character == BLANK
        is_sign = (character == MINUS) | (character == PLUS)
        is_wrong |= ~(is_digit | is_point | is_blank | is_sign)
        is_wrong |= (ended & (is_digit | is_point)) | (point & is_point) | (sign & is_sign)
        value = np.where(
            is_digit & (digits < _MOST_DIGITS), value * 10 + character.astype(np.int64) - ZERO, value
        )
        digits += is_digit & ((value != 0) | point)
        decimals += is_digit & point
        ended |= begun & (is_blank | is_sign)
        begun |= is_digit | is_point
        point |= is_point
        sign |= is_sign
        negative |= character == MINUS
    is_empty = (block == BLANK).all(axis=1)
    has_digit = ((block >= ZERO) & (block <= NINE)).any(axis=1)
    is_wrong |= (~has_digit & ~is_empty) | (digits > _MOST_DIGITS)
    return (
        np.where(negative, -value, value),
        np.where(point & (decimals == 0), -1, decimals),
        is_empty,
        is_wrong,
    )


_READERS: dict[str, Callable[[Any], Read]] = {
    "text": read_text,
    "record": read_text,
    "literal": read_text,
    "date": read_date,
    "submitted_date": read_submitted_date,
    "month": read_month,
    "integer": read_integer,
    "count": read_integer,
    "decimal": read_decimal,
    **dict.fromkeys(("flag", *VARIABLE_TYPES), read_flag),
}
