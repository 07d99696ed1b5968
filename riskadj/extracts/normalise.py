"""Arrow columns of any make to the few types the stages read: ids, codes, dates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskadj.errors import ColumnTypeError
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.contract import accepted_words, accepts, is_bytes, is_text, stored_type
from riskadj.extracts.dates import MISSING_DATE, to_days

CODE_TYPE = pa.dictionary(pa.int32(), pa.string())


def check_type(kind: str, arrow_type: pa.DataType, *, label: str, name: str) -> None:
    """Raise ColumnTypeError unless a column of `kind` may have `arrow_type`."""
    if not accepts(kind, arrow_type):
        raise ColumnTypeError(
            f"{label}, column '{name}' is of type {stored_type(arrow_type)}; allowed: {accepted_words(kind)}."
        )


def unwrapped(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return one array without extension types."""
    array = one_chunk(column)
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def read_id_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type that ids stored as `arrow_type` are read as; text of any kind counts as string."""
    stored = stored_type(arrow_type)
    if pa.types.is_integer(stored) or pa.types.is_floating(stored) or pa.types.is_decimal(stored):
        return pa.int64()
    return stored if is_bytes(stored) else pa.string()


def as_ids(column: pa.Array | pa.ChunkedArray, *, keep_dictionary: bool, label: str, name: str) -> pa.Array:
    """Return ids as string, large_string, binary, fixed_size_binary or int64.

    With `keep_dictionary`, a dictionary stays one (int32 indices over such values): each id is then looked up once.
    """
    array = unwrapped(column)
    if not pa.types.is_dictionary(array.type):
        return _plain_ids(array, label, name)
    entries = _plain_ids(unwrapped(array.dictionary), label, name)
    encoded = pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), entries)
    return encoded if keep_dictionary else encoded.dictionary_decode()


def _plain_ids(array: pa.Array, label: str, name: str) -> pa.Array:
    arrow_type = array.type
    if pa.types.is_null(arrow_type) or pa.types.is_string_view(arrow_type):
        return array.cast(pa.string())
    if pa.types.is_binary_view(arrow_type):
        return array.cast(pa.binary())
    if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return _whole_numbers(array, label, name)
    return array


def _whole_numbers(array: pa.Array, label: str, name: str) -> pa.Array:
    """Cast to int64; pandas keeps whole numbers with gaps as floats, Snowflake as decimals."""
    if pa.types.is_floating(array.type):
        array = _without_nan(array)
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:
        raise ColumnTypeError(
            f"{label}, column '{name}' holds numbers that are not whole, or too long; give it as text."
        ) from None


def _without_nan(array: pa.Array) -> pa.Array:
    values = values_of(array.cast(pa.float64()))
    valid = is_valid(array) & ~np.isnan(values)
    return from_numpy(np.where(valid, values, 0.0), pa.float64(), valid=valid)


def as_codes(column: pa.Array | pa.ChunkedArray, *, label: str, name: str) -> pa.DictionaryArray:
    """Return codes as dictionary of string with int32 indices; whole numbers become their digits."""
    array = unwrapped(column)
    if array.type == CODE_TYPE:
        return array
    if pa.types.is_dictionary(array.type):
        entries = _code_entries(unwrapped(array.dictionary), label, name)
        return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), entries)
    if is_text(array.type):
        return array.cast(pa.string()).dictionary_encode()
    return _code_entries(array, label, name).dictionary_encode()


def _code_entries(array: pa.Array, label: str, name: str) -> pa.Array:
    if is_text(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.string())
    if pa.types.is_floating(array.type):
        return _float_codes(_without_nan(array))
    return _whole_numbers(array, label, name).cast(pa.string())


def _float_codes(array: pa.Array) -> pa.Array:
    """Return 99213.0 as 99213; what is not whole keeps its decimals and is refused by whoever reads the code."""
    try:
        return array.cast(pa.int64()).cast(pa.string())
    except pa.ArrowInvalid:
        return array.cast(pa.string())


def as_dates(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """Return dates as date32, and True where something stands that is no date."""
    array = one_chunk(column)
    if pa.types.is_date32(array.type):
        return array, np.zeros(len(array), dtype=bool)
    days, unreadable = to_days(array)
    valid = days != MISSING_DATE
    return from_numpy(days, pa.date32(), valid=None if valid.all() else valid), unreadable
