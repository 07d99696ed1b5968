"""Orders and distinct values of whole numbers, as NumPy gives them; of many rows in a fraction of the time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

#: From so many rows on, the kernel is worth its loading; beyond the last, its row numbers would not do.
MANY_ROWS = 1 << 17
_MOST_ROWS = 1 << 32
#: Bits that are ordered at a time: so many places to write to that a processor's cache holds them.
_DIGIT = 11


def stable_order(key: Integers) -> Integers:
    """Return the rows in order of a key; rows of the same key stay as they were.

    Parameters
    ----------
    key : ndarray of int64, shape (n_rows,)
    """
    return sorted_rows(key)[1]


def is_repeated(key: Integers) -> npt.NDArray[np.bool_]:
    """Return True where an earlier row has the same key."""
    order = np.argsort(key, kind="stable")
    repeated = np.zeros(len(key), np.bool_)
    repeated[order[1:]] = key[order[1:]] == key[order[:-1]]
    return repeated


def distinct(key: Integers) -> tuple[Integers, Integers]:
    """Return the distinct values of a key in order, and which of them each row has."""
    if len(key) < MANY_ROWS:
        found, group = np.unique(key, return_inverse=True)
        return found, group.astype(np.int64)
    ordered, rows = sorted_rows(key)
    is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    group = np.empty(len(key), np.int64)
    group[rows] = np.cumsum(is_first) - 1
    return ordered[is_first], group


def sorted_rows(key: Integers) -> tuple[Integers, Integers]:
    """Return a key in order, and the rows that its values come from."""
    if not MANY_ROWS <= len(key) < _MOST_ROWS:
        order = np.argsort(key, kind="stable")
        return key[order], order
    from pricing.rows_kernel import sort_by_digit

    least = key.min()
    bits = (int(key.max()) - int(least)).bit_length()
    n_digits = -(-bits // _DIGIT)
    keys = (key - least).view(np.uint64)
    rows: npt.NDArray[np.uint32] = np.arange(len(key), dtype=np.uint32)
    if n_digits:
        width = -(-bits // n_digits)
        keys_out, rows_out = np.empty_like(keys), np.empty_like(rows)
        for digit in range(n_digits):
            sort_by_digit(keys, rows, digit * width, width, keys_out, rows_out)
            keys, keys_out, rows, rows_out = keys_out, keys, rows_out, rows
    return keys.view(np.int64) + least, rows.astype(np.int64)
