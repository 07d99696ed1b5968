"""Arrow arrays seen as NumPy arrays, and back, without copying and without importing pandas.

``pa.array``, ``pa.scalar`` and ``Array.to_numpy`` import pandas (0.45 s at start-up), so this module goes through
buffers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from riskadj.errors import ColumnTypeError

_FIXED_WIDTH = {
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "float": np.float32, "double": np.float64, "date32[day]": np.int32, "date64[ms]": np.int64,
}  # fmt: skip


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return `column` as one array; zero copy if it has one chunk already."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    if isinstance(combined, pa.Array):
        return combined
    return _one_large_chunk(combined)


def _one_large_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Join chunks that together pass the 2 GB of 32-bit offsets."""
    if column.num_chunks == 0:
        return pa.nulls(0, column.type)
    if pa.types.is_string(column.type):
        column = column.cast(pa.large_string())
    elif pa.types.is_binary(column.type):
        column = column.cast(pa.large_binary())
    return column.combine_chunks()


def is_valid(array: pa.Array) -> np.ndarray:
    """Return True where `array` is not null; bool, shape (len(array),)."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=bool)
    bitmap = array.buffers()[0]
    if bitmap is None:  # null type
        return np.zeros(len(array), dtype=bool)
    return _bits(bitmap, array.offset, len(array))


def _bits(buffer: pa.Buffer, offset: int, length: int) -> np.ndarray:
    bits = np.unpackbits(np.frombuffer(buffer, dtype=np.uint8), bitorder="little", count=offset + length)
    return bits[offset:].astype(bool)


def values_of(array: pa.Array) -> np.ndarray:
    """Return the values of a fixed-width array; zero copy but for booleans. Null slots hold anything."""
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array.offset, len(array)) if len(array) else np.empty(0, dtype=bool)
    dtype = _FIXED_WIDTH[str(array.type)]
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.zeros(len(array), dtype=dtype)
    return np.frombuffer(buffer, dtype=dtype)[array.offset : array.offset + len(array)]


def from_numpy(values: np.ndarray, arrow_type: pa.DataType, *, valid: np.ndarray | None = None) -> pa.Array:
    """Return an Arrow array of `arrow_type` over `values` (same width; zero copy); null where `valid` is False."""
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    if pa.types.is_boolean(arrow_type):
        data = pa.py_buffer(np.packbits(values, bitorder="little"))
    else:
        data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(arrow_type, len(values), [bitmap, data])


def from_floats(values: np.ndarray) -> pa.Array:
    """Return a float64 array of `values`; null where there is no number."""
    return from_numpy(values, pa.float64(), valid=~np.isnan(values))


def from_strings(values: Sequence[str]) -> pa.Array:
    """Return a string array of `values`."""
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def encoded_strings(indices: np.ndarray, names: Sequence[str]) -> pa.DictionaryArray:
    """Return the dictionary array of ``names[indices]``."""
    codes = from_numpy(indices.astype(np.int32, copy=False), pa.int32())
    return pa.DictionaryArray.from_arrays(codes, from_strings(names))


def id_buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of member ids and where each begins.

    Parameters
    ----------
    array : pyarrow.Array of string, large_string, binary, large_binary, fixed_size_binary or int64; slices too

    Returns
    -------
    data : ndarray of uint8
        All bytes, zero copy; an integer id is its 8 bytes as they lie in memory.
    offsets : ndarray of int32 (int64 where Arrow's are), shape (len(array) + 1,)
        Id ``i`` is ``data[offsets[i]:offsets[i + 1]]``; a null id has no bytes.

    Raises
    ------
    ColumnTypeError
        If the array has another type.
    """
    if pa.types.is_int64(array.type):
        return _integer_id_buffers(array)
    if pa.types.is_fixed_size_binary(array.type):
        return _fixed_id_buffers(array)
    for test, dtype in (
        (pa.types.is_string, np.int32), (pa.types.is_binary, np.int32),
        (pa.types.is_large_string, np.int64), (pa.types.is_large_binary, np.int64),
    ):  # fmt: skip
        if test(array.type):
            return _string_id_buffers(array, dtype)
    raise ColumnTypeError(
        f"member ids of type {array.type} cannot be looked up; allowed: string, binary, int64."
    )


def _bytes_of(buffer: pa.Buffer | None) -> np.ndarray:
    return np.empty(0, dtype=np.uint8) if buffer is None else np.frombuffer(buffer, dtype=np.uint8)


def _string_id_buffers(array: pa.Array, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    _, offset_buffer, data = array.buffers()
    if offset_buffer is None or len(array) == 0:
        return _bytes_of(data), np.zeros(len(array) + 1, dtype=dtype)
    offsets: np.ndarray = np.frombuffer(offset_buffer, dtype=dtype)[
        array.offset : array.offset + len(array) + 1
    ]
    if array.null_count:
        return _without_null_bytes(_bytes_of(data), offsets, is_valid(array))
    return _bytes_of(data), offsets


def _without_null_bytes(
    data: np.ndarray, offsets: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give null ids no bytes; most writers do already, and then nothing is copied."""
    lengths = np.diff(offsets)
    if not lengths[~valid].any():
        return data, offsets
    kept = np.repeat(valid, lengths)
    packed = np.concatenate(([0], np.cumsum(np.where(valid, lengths, 0))))
    return data[offsets[0] : offsets[-1]][kept], packed.astype(offsets.dtype)


def _fixed_id_buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    width = array.type.byte_width
    data = _bytes_of(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]
    return _fixed_offsets(array, data, width)


def _integer_id_buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    return _fixed_offsets(array, values_of(array).view(np.uint8), 8)


def _fixed_offsets(array: pa.Array, data: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    dtype = np.int32 if len(array) * width <= np.iinfo(np.int32).max else np.int64
    offsets = np.arange(0, (len(array) + 1) * width, width, dtype=dtype)
    return _without_null_bytes(data, offsets, is_valid(array)) if array.null_count else (data, offsets)


def harmonise_ids(enrollment_type: pa.DataType, diagnoses_type: pa.DataType) -> pa.DataType | None:
    """Return the type to which both sides' member ids are cast before they are compared; None: compare as they stand.

    Integers on one side and text on the other meet as text: ``12`` and ``"12"`` are one member, ``"012"`` is another.

    Raises
    ------
    ColumnTypeError
        If one side is integer and the other binary.
    """
    sides = [_value_type(enrollment_type), _value_type(diagnoses_type)]
    integers = [pa.types.is_integer(side) for side in sides]
    if all(integers) or not any(integers):
        return None
    text = sides[integers.index(False)]
    if pa.types.is_string(text) or pa.types.is_large_string(text):
        return pa.string()
    raise ColumnTypeError(
        f"member_id is {sides[0]} in enrollment and {sides[1]} in diagnoses, which cannot be compared; "
        "give both as text or both as integers."
    )


def _value_type(arrow_type: pa.DataType) -> pa.DataType:
    return arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type


def cast_ids(array: pa.Array, arrow_type: pa.DataType | None) -> pa.Array:
    """Return integer ids as text if `arrow_type` is text; all other ids as they are, dictionaries as dictionaries.

    `arrow_type` is the answer of `harmonise_ids`: None asks for nothing.
    """
    if (
        arrow_type is None
        or not pa.types.is_string(arrow_type)
        or not pa.types.is_integer(_value_type(array.type))
    ):
        return array
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(arrow_type))
    return array.cast(arrow_type)
