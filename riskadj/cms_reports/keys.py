"""Members and months as whole numbers, so that tables of different origin meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ColumnTypeError
from riskadj.extracts.buffers import is_valid, one_chunk, values_of

Numbers = npt.NDArray[np.int64]
_MONTHS_IN_YEAR = 12
#: Months of a key's lower part: enough for eight thousand years.
_MONTHS = 100_000


def number_ids(*columns: pa.ChunkedArray) -> tuple[list[Numbers], pa.Array]:
    """Return the number of each id in each column, and the ids by number: the same id has one number everywhere.

    Raises
    ------
    ColumnTypeError
        Ids are neither text nor whole numbers.
    """
    texts = [chunk for column in columns for chunk in _as_text(column).chunks]
    encoded = pa.chunked_array(texts, pa.string()).dictionary_encode().unify_dictionaries()
    indices = [values_of(chunk.indices).astype(np.int64) for chunk in encoded.chunks]
    numbers = np.concatenate(indices) if indices else np.zeros(0, np.int64)
    names = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], pa.string())
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(numbers, ends), names


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    value_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (
        pa.types.is_integer(value_type)
        or pa.types.is_string(value_type)
        or pa.types.is_large_string(value_type)
    ):
        raise ColumnTypeError(
            f"member_id of type {value_type} cannot be compared with a report's; give it as text."
        )
    text = column.cast(pa.string())
    return text if isinstance(text, pa.ChunkedArray) else pa.chunked_array([text])


def months_of(dates: pa.ChunkedArray | pa.Array, *, missing: int = -1) -> Numbers:
    """Return months since year 0 of dates; `missing` where there is none [months]."""
    array = one_chunk(dates)
    days = np.where(is_valid(array), values_of(array), 0)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * _MONTHS_IN_YEAR
    return np.where(is_valid(array), months, missing)


def first_days(months: Numbers) -> pa.Array:
    """Return the first day of months since year 0."""
    days = (months - 1970 * _MONTHS_IN_YEAR).astype("datetime64[M]").astype("datetime64[D]").astype(np.int32)
    return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(days)])


def member_month(members: Numbers, months: Numbers) -> Numbers:
    """Return one key of member and month; `split_key` takes it apart."""
    return members * _MONTHS + months


def split_key(keys: Numbers) -> tuple[Numbers, Numbers]:
    """Return members and months of keys."""
    return keys // _MONTHS, keys % _MONTHS


def spread(lengths: Numbers) -> tuple[Numbers, Numbers]:
    """Return, for rows that become `lengths` rows each, the row that each came from and its place among them."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    begins = np.cumsum(lengths) - lengths
    return row, np.arange(len(row)) - begins[row]


def texts_by_position(column: pa.ChunkedArray, wanted: Sequence[str]) -> Numbers:
    """Return where each text stands in `wanted`; ``len(wanted)`` for any other and for none."""
    position = pc.index_in(column.cast(pa.string()), pa.array(list(wanted), pa.string()))
    return pc.fill_null(position, len(wanted)).to_numpy().astype(np.int64)
