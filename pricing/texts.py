"""Ids of many rows as numbers: what Arrow's dictionaries do, in half the time and without joining chunks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.rows_kernel import BLOCK, Names, number_texts, place_names
from riskadj.extracts.buffers import id_buffers, is_valid, values_of
from riskadj.extracts.normalise import as_ids

Integers = npt.NDArray[np.int64]

_FIRST_SLOTS = 1 << 12
_FIRST_BYTES = 1 << 16
#: Names grow this much at a time; no more than five slots of eight are taken.
_GROWTH = 4
_TAKEN = 5 / 8
_MOST_BYTES_OF_STRINGS = 2**31 - 1


def number_column(column: pa.ChunkedArray, *, label: str, name: str) -> tuple[Integers, pa.Array]:
    """Number the distinct values of a column of text, whole numbers, or a dictionary of them.

    Returns
    -------
    codes : ndarray of int64, shape (n_rows,)
        -1 where the row is null.
    names : pyarrow.Array of string
        Distinct, in order of first appearance; of a dictionary, its entries in their order, used or not.
    """
    codes = np.full(len(column), -1, np.int64)
    names, first, values = _empty(_FIRST_SLOTS, _FIRST_BYTES), 0, pa.string()
    for chunk in column.chunks:
        ids = as_ids(chunk, keep_dictionary=True, label=label, name=name)
        values = ids.type.value_type if pa.types.is_dictionary(ids.type) else ids.type
        names = _number(ids, names, codes[first : first + len(chunk)])
        first += len(chunk)
    return codes, _held(names, values)


def _number(ids: pa.Array, names: Names, codes: Integers) -> Names:
    """Write the numbers of one chunk, and return the names with its own."""
    if pa.types.is_dictionary(ids.type):
        entries = np.full(len(ids.dictionary) + 1, -1, np.int64)  # the last is that of nulls
        names = _number(ids.dictionary, names, entries[:-1])
        codes[:] = entries[np.where(is_valid(ids), values_of(ids.indices), -1)]
        return names
    if ids.null_count:
        valid = is_valid(ids)
        some = np.empty(int(valid.sum()), np.int64)
        names = _number(ids.drop_null(), names, some)
        codes[valid] = some
        return names
    data, offsets = id_buffers(ids)
    data.flags.writeable = offsets.flags.writeable = False  # most are: one kind of array, compiled once
    row = 0
    while (row := number_texts(data, offsets, row, names, codes)) < len(codes):
        names = _with_room(names, int(offsets[min(row + BLOCK, len(codes))] - offsets[row]))
    return names


def _empty(n_slots: int, n_bytes: int) -> Names:
    room = np.zeros(int(n_slots * _TAKEN) + 1, np.int64)
    return Names(np.zeros(n_slots, np.uint64), np.zeros(n_bytes, np.uint8), room, np.zeros(1, np.int64))


def _with_room(names: Names, n_bytes: int) -> Names:
    """Return the names in a larger place, in which `n_bytes` more have room."""
    count = int(names.n_names[0])
    used = int(names.offsets[count])
    grown = _empty(_GROWTH * len(names.slots), _GROWTH * len(names.data) + n_bytes)
    grown.data[:used], grown.offsets[: count + 1] = names.data[:used], names.offsets[: count + 1]
    grown.n_names[0] = count
    place_names(grown)
    return grown


def _held(names: Names, values: pa.DataType) -> pa.Array:
    """Return the names as strings; whole numbers as their digits."""
    count = int(names.n_names[0])
    offsets = names.offsets[: count + 1]
    data = names.data[: offsets[-1]].copy()
    if pa.types.is_int64(values):
        return pa.Array.from_buffers(values, count, [None, pa.py_buffer(data)]).cast(pa.string())
    is_large = len(data) > _MOST_BYTES_OF_STRINGS
    kind = pa.large_string() if is_large else pa.string()
    begins = offsets.copy() if is_large else offsets.astype(np.int32)
    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(begins), pa.py_buffer(data)])
