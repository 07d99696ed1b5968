"""Values of diagnoses columns as hashes of 64 bits: equal values have equal hashes, however a file stores them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings, id_buffers, is_valid, one_chunk, values_of
from riskadj.extracts.contract import ROLES, is_bytes
from riskadj.kernels.support import hash_values
from riskadj.scoring.codes import pack, unpack

Hashes = npt.NDArray[np.uint64]

_JOIN = np.uint64(0x9E3779B97F4A7C15)


def hashes_of(
    name: str, column: pa.ChunkedArray | pa.Array, rows: npt.NDArray[np.int64] | None = None
) -> Hashes:
    """Return a hash of each value of a diagnoses column.

    Codes are compared without the blanks around them and whatever their case, diagnosis codes without dots as well, ids
    exactly, whole numbers as text. A missing value is a blank one.

    Parameters
    ----------
    name : str
        Canonical name of the column.
    column : pyarrow array, shape (n_rows,)
    rows : ndarray of int64, shape (n,), optional
        Default: all rows.
    """
    array = one_chunk(column)
    if not pa.types.is_dictionary(array.type):
        chosen = array if rows is None else array.take(from_numpy(rows, pa.int64()))
        return _hashed(_comparable(name, chosen))
    own = np.append(_hashed(_comparable(name, array.dictionary)), _hashed(from_strings([""])))
    entries = np.where(is_valid(array), values_of(array.indices), len(array.dictionary))
    return own[entries if rows is None else entries[rows]]


def labels_of(name: str, column: pa.ChunkedArray | pa.Array) -> dict[int, str]:
    """Return the value of each hash, for a column of codes read as a dictionary; none for blanks, ids and dates."""
    array = one_chunk(column)
    if not (is_code(name) and pa.types.is_dictionary(array.type)):
        return {}
    values = _comparable(name, array.dictionary)
    named = zip(_hashed(values).tolist(), values.to_pylist(), strict=True)
    return {number: word for number, word in named if word}


def join_hashes(one: Hashes, other: Hashes) -> Hashes:
    """Return a hash of two values beside each other; their order matters."""
    joined: Hashes = (one * _JOIN) ^ (other + (one >> np.uint64(29)))
    return joined


def key_hashes(table: pa.Table, columns: Sequence[str]) -> Hashes:
    """Return a hash of the values of several diagnoses columns beside each other, one for each row."""
    hashes = hashes_of(columns[0], table[columns[0]])
    for name in columns[1:]:
        hashes = join_hashes(hashes, hashes_of(name, table[name]))
    return hashes


def _hashed(values: pa.Array) -> Hashes:
    data, offsets = id_buffers(values)
    hashes = np.empty(len(values), np.uint64)
    hash_values(data, offsets, hashes)
    return hashes


def _comparable(name: str, array: pa.Array) -> pa.Array:
    """Return values as text or bytes of which equal ones mean the same."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.date32()).cast(pa.int32())
    if not (is_bytes(array.type) or pa.types.is_large_string(array.type)):
        array = array.cast(pa.string())
    if name == "diagnosis_code":
        return from_strings([unpack(code) for code in pack(array)])
    if is_code(name):
        return from_strings([(word or "").strip().lower() for word in array.to_pylist()])
    return array


def is_code(name: str) -> bool:
    """Return True for a diagnoses column of codes: few values, which may be shown."""
    return ROLES["diagnoses"].get(name) == "code"
