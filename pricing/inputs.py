"""Tables that pricing reads (plans, counties, enrollees), each checked column by column as its columns are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.rows import Labels, Rows, combined, read_rows, rows_in_words

Numbers = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


_SHARE = "a share: 0.05 for 5 percent"
#: Growth is a rate in some tables and a factor in others; one written as the other lies outside these bounds.
MOST_RATE, LEAST_FACTOR = 0.8, 0.5
AS_RATE, AS_FACTOR = "growth as a rate: 0.05 for 5 percent", "growth as a factor: 1.05 for 5 percent"


@dataclass(frozen=True)
class Column:
    """One column of an input: its name, kind and what its values may be.

    Parameters
    ----------
    kind : {"number", "integer", "text", "flag", "date", "month"}
        A month is a date in it, or YYYY-MM.
    default : number or str, optional
        Stands where the column is absent; without one the column is required. ``...`` (Ellipsis): optional, left out.
    minimum, maximum : float, optional
        Inclusive.
    above : float, optional
        Values must be greater.
    allowed : tuple of str
        Codes of a text column; compared in lower case.
    written : str
        How a number of the column is written, such as ``0.05 for 5 percent``: told to who writes it otherwise.
    """

    name: str
    kind: str = "number"
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] = ()
    written: str = ""


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

    def holds(self, name: str, values: object) -> npt.NDArray[np.bool_]:
        """Return which rows of a column hold the value, or one of the values, compared as texts."""
        if isinstance(values, str) or not isinstance(values, Iterable):
            values = [values]
        return np.isin(self[name].astype(str), [str(value) for value in values])

    def groups(self, names: Sequence[str]) -> tuple[list[tuple[Any, ...]], npt.NDArray[np.int64]]:
        """Return the distinct combinations of some columns, in order, and the number of each row's."""
        labels = [_labels_in_order(self[name]) for name in names]
        group, codes = combined(labels, self.n_rows)
        columns = [each.names.take(pa.array(codes[:, i])).to_pylist() for i, each in enumerate(labels)]
        return list(zip(*columns, strict=True)), group

    def refuse(self, bad: npt.NDArray[np.bool_], what: str, *, remedy: str = "") -> None:
        """Raise InputError if any row is bad; `what` says which rule they break, `remedy` what is allowed or to do."""
        if bad.any():
            ending = f"; {remedy}" if remedy else ""
            raise InputError(f"{self.label}: {what} in {rows_in_words(bad)}{ending}.")


def _labels_in_order(column: Array) -> Labels:
    encoded = pa.array(column).dictionary_encode()
    return Labels(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary).in_order()


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
    rows = read_rows(
        Rows(source.label, source.table()) if isinstance(source, Columns) else source,
        role,
        needed=[column.name for column in columns if column.default is None],
        optional=[column.name for column in columns if column.default is not None],
        carry=carry,
    )
    arrays: dict[str, Array] = {}
    for column in columns:
        if rows.has(column.name):
            arrays[column.name] = _checked(rows, column)
        elif column.default is not ...:
            arrays[column.name] = np.full(
                rows.n_rows, column.default, object if column.kind == "text" else None
            )
    rest = [name for name in rows.table.column_names if name not in arrays]
    arrays |= {name: np.asarray(rows.table[name].to_numpy()) for name in rest}
    result = Columns(rows.label, rows.n_rows, arrays)
    _check_key(result, key)
    return result


def _checked(rows: Rows, column: Column) -> Array:
    if column.kind == "text":
        return _text(rows, column)
    values = _READ[column.kind](rows, column.name)
    if column.kind in ("number", "integer"):
        _check_range(values, column, rows)
    return values


_READ: dict[str, Callable[[Rows, str], Array]] = {
    "number": Rows.numbers,
    "integer": Rows.integers,
    "flag": Rows.flags,
    "date": lambda rows, name: rows.days(name).astype("datetime64[D]"),
    "month": lambda rows, name: rows.months(name).astype("datetime64[D]"),
}


def _text(rows: Rows, column: Column) -> Array:
    """Return text without blanks around it; in lower case where only some codes are allowed."""
    labels = rows.labels(column.name, blank="" if column.default == "" else None)
    names = [name.strip() for name in labels.names.to_pylist()]
    if column.allowed:
        names = [name.lower() for name in names]
        bad = np.array([name not in column.allowed for name in names], np.bool_)[labels.codes]
        rows.refuse(
            bad, f"column '{column.name}': not allowed", remedy=f"allowed: {', '.join(column.allowed)}"
        )
    return np.array(names, object)[labels.codes]


def _check_range(values: Array, column: Column, rows: Rows) -> None:
    written = column.written or (_SHARE if column.maximum == 1.0 else "")
    remedy = f"write {written}" if written else ""
    for bad, what in (
        (values < (-np.inf if column.minimum is None else column.minimum), f"below {column.minimum}"),
        (values > (np.inf if column.maximum is None else column.maximum), f"above {column.maximum}"),
        (values <= (-np.inf if column.above is None else column.above), f"not above {column.above}"),
    ):
        rows.refuse(bad, f"column '{column.name}': {what}", remedy=remedy)


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
