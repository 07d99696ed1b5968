"""NumPy arrays as Arrow columns, without a Python object per value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def strings(texts: npt.NDArray[np.void]) -> pa.Array:
    """Return texts of one fixed width (void items) as a string column."""
    n, width = len(texts), texts.dtype.itemsize
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts)))


def coded(positions: npt.NDArray[np.integer | np.bool_], values: Sequence[str | None]) -> pa.DictionaryArray:
    """Return `values[positions]` as a dictionary column; a value of None becomes null."""
    known = {value: i for i, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    place = np.array([-1 if value is None else known[value] for value in values], dtype=np.int16)
    indices = place[positions.astype(np.intp)]
    missing = indices < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=missing if missing.any() else None), pa.array(list(known), pa.string())
    )


def dates(days: npt.NDArray[np.integer]) -> pa.Array:
    """Return days since 1970-01-01 as a date column."""
    return pa.array(days.astype(np.int32)).view(pa.date32())


def flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Return a bool column."""
    return pa.array(values)


def whole_numbers(
    values: npt.NDArray[np.integer], kind: type[np.integer], missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return whole numbers of the given width, null where `missing`."""
    return pa.array(values.astype(kind), mask=missing)


def dollars(cents: npt.NDArray[np.integer]) -> pa.Array:
    """Return cents as dollars."""
    return pa.array(cents / 100.0)


def plain(table: pa.Table) -> pa.Table:
    """Return the table with its dictionary columns decoded."""
    columns = [
        column.cast(field.type.value_type) if pa.types.is_dictionary(field.type) else column
        for column, field in zip(table.columns, table.schema, strict=True)
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))
