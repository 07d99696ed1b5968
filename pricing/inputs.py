"""Tables that pricing reads (plans, counties, experience): anything Arrow can hold, checked column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.errors import InputError
from riskadj.errors import nearest
from riskadj.extracts.sources import open_parts

Numbers = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

_ARROW = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "text": pa.string(),
    "flag": pa.bool_(),
    "date": pa.date32(),
}
_FIRST_ROWS = 5


@dataclass(frozen=True)
class Column:
    """One column of an input: its name, kind and what its values may be.

    Parameters
    ----------
    kind : {"number", "integer", "text", "flag", "date"}
    default : number or str, optional
        Stands where the column is absent; without one the column is required. ``...`` (Ellipsis): optional, left out.
    minimum, maximum : float, optional
        Inclusive.
    above : float, optional
        Values must be greater.
    allowed : tuple of str
        Codes of a text column; compared in lower case.
    """

    name: str
    kind: str = "number"
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns(Mapping[str, Array]):
    """Checked columns by name, each an array of shape (n_rows,); text columns hold str objects."""

    label: str
    n_rows: int
    arrays: Mapping[str, Array] = field(repr=False)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def table(self) -> pa.Table:
        """Return the columns as an Arrow table."""
        return pa.table({name: pa.array(array) for name, array in self.arrays.items()})

    def with_columns(self, **arrays: Array) -> Columns:
        """Return the columns with some replaced or added."""
        return Columns(self.label, self.n_rows, {**self.arrays, **arrays})

    def refuse(self, bad: npt.NDArray[np.bool_], what: str) -> None:
        """Raise InputError if any row is bad; `what` says which rule they break and what to do."""
        if bad.any():
            raise InputError(f"{self.label}: {what} in {rows_in_words(bad)}.")


def rows_in_words(bad: npt.NDArray[np.bool_]) -> str:
    """Return ``"14 of 20,000 rows (first rows: 3, 91)"``; the first data row is 1."""
    numbers = (np.flatnonzero(bad)[:_FIRST_ROWS] + 1).tolist()
    return f"{int(bad.sum()):,} of {len(bad):,} rows (first rows: {', '.join(map(str, numbers))})"


def read_columns(
    source: Any, columns: Sequence[Column], *, role: str, key: Sequence[str] = (), carry: bool = False
) -> Columns:
    """Read a table and check it.

    Parameters
    ----------
    source : path, list of paths, pandas or Polars DataFrame, Arrow table, mapping of lists, or Columns
    columns : sequence of Column
    role : str
        What the table is, for messages.
    key : sequence of str
        Columns that together name a row; twice the same is an error.
    carry : bool
        Keep columns that are not asked for, as they are.

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        A column is missing, of the wrong kind, has blanks, or holds values that are not allowed; a key is repeated.
    riskadj.errors.ExtractError
        The source cannot be read.
    """
    table, label = _open(source, role)
    if not table.num_rows:
        raise InputError(f"{label} has no rows; {role} needs at least one.")
    arrays: dict[str, Array] = {}
    for column in columns:
        if column.name in table.column_names:
            arrays[column.name] = _checked(table[column.name], column, label)
        elif column.default is None:
            close = nearest(column.name, table.column_names)
            raise InputError(f"{label} lacks '{column.name}' (has: {', '.join(table.column_names)}){close}.")
        elif column.default is not ...:
            arrays[column.name] = np.full(
                table.num_rows, column.default, object if column.kind == "text" else None
            )
    if carry:
        rest = [name for name in table.column_names if name not in arrays]
        arrays |= {name: np.asarray(table[name].to_numpy()) for name in rest}
    result = Columns(label, table.num_rows, arrays)
    _check_key(result, key)
    return result


def _open(source: Any, role: str) -> tuple[pa.Table, str]:
    if isinstance(source, Columns):
        return source.table(), source.label
    if isinstance(source, Mapping):
        return pa.table({name: pa.array(list(values)) for name, values in source.items()}), role
    parts = open_parts(source, role)
    names = parts[0].schema.names
    chunks = [chunk.read() for part in parts for chunk in part.chunks(names, frozenset())]
    return pa.concat_tables(chunks) if chunks else parts[0].schema.empty_table(), parts[0].label


def _checked(values: pa.ChunkedArray, column: Column, label: str) -> Array:
    where = f"{label}, column '{column.name}'"
    array = _cast(values, column, where)
    if array.null_count:
        raise InputError(
            f"{where}: blank in {rows_in_words(_flags(pc.is_null(array)))}; give every row a value."
        )
    result = (
        np.array(array.to_pylist(), object) if column.kind == "text" else array.to_numpy(zero_copy_only=False)
    )
    if column.kind == "text":
        return _check_codes(result, column, where)
    if column.kind in ("number", "integer"):
        _check_range(result, column, where)
    return result


def _cast(values: pa.ChunkedArray, column: Column, where: str) -> pa.Array:
    array = values.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # pyarrow returns an array, or for no chunks a chunked one
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        return array.cast(_ARROW[column.kind])
    except pa.ArrowException:
        raise InputError(
            f"{where} has type {array.type}, or a value that is no {column.kind}; give {column.kind}s."
        ) from None


def _flags(mask: pa.Array) -> npt.NDArray[np.bool_]:
    return mask.to_numpy(zero_copy_only=False).astype(np.bool_)


def _check_codes(values: Array, column: Column, where: str) -> Array:
    if not column.allowed:
        return np.array([value.strip() for value in values], object)
    lower = np.array([value.strip().lower() for value in values], object)
    bad = ~np.isin(lower.astype(str), column.allowed)
    if bad.any():
        raise InputError(
            f"{where}: not allowed in {rows_in_words(bad)}; allowed: {', '.join(column.allowed)}."
        )
    return lower


def _check_range(values: Array, column: Column, where: str) -> None:
    checks = (
        (~np.isfinite(values), "not a finite number"),
        (values < (-np.inf if column.minimum is None else column.minimum), f"below {column.minimum}"),
        (values > (np.inf if column.maximum is None else column.maximum), f"above {column.maximum}"),
        (values <= (-np.inf if column.above is None else column.above), f"not above {column.above}"),
    )
    for bad, what in checks:
        if bad.any():
            raise InputError(f"{where}: {what} in {rows_in_words(bad)}.")


def _check_key(columns: Columns, key: Sequence[str]) -> None:
    if not key:
        return
    seen: dict[tuple[Any, ...], int] = {}
    rows = list(zip(*(columns[name] for name in key), strict=True))
    repeated = np.array([seen.setdefault(row, number) != number for number, row in enumerate(rows)])
    if repeated.any():
        raise InputError(
            f"{columns.label}: the same {', '.join(key)} again in {rows_in_words(repeated)}; give each one row."
        )
