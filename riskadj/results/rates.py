"""What a score is worth in dollars: the payment rate of each enrollment row. One rule for every question.

A rate is dollars per member and month at a payment risk score of 1.000: a number for everybody, or the name of a column
(of the caller's attributes, or else of the enrollment extract). Where none is asked for, it is the column ``rate_pmpm``
of the enrollment extract, if there is one. Every scored row must have a rate: a sum over some of them would pass for
the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, OptionError, nearest
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.open import Extract, row_numbers
from riskadj.extracts.raw_columns import column_of_rows
from riskadj.results.summary.groups import Attributes
from riskadj.scoring.run import ScoringRun

#: Column of the enrollment extract: dollars per member and month at a payment risk score of 1.000.
RATE = "rate_pmpm"

Dollars = npt.NDArray[np.float64]


def rates_of_rows(
    run: ScoringRun,
    rate: float | str | None = None,
    *,
    source: Any = None,
    attributes: Attributes | None = None,
) -> Dollars | None:
    """Return the payment rate of each scored enrollment row.

    Parameters
    ----------
    run : ScoringRun
    rate : float or str, optional
        One rate for everybody, or the column of `attributes` or of the enrollment extract that holds them. Default: the
        column ``rate_pmpm`` of the enrollment extract, if it has one.
    source : path or table, optional
        What the enrollment was read from, for columns that only the files know.
    attributes : Attributes, optional

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None where there is no rate
        [dollars per member and month at a payment risk score of 1.000]

    Raises
    ------
    OptionError, ColumnMissingError
        `rate` is no positive number and names no column.
    ExtractError, ColumnTypeError
        Rows that are scored have no rate, or one that is no number from 0.
    """
    if rate is not None and not isinstance(rate, str):
        return np.full(run.population.n_rows, checked_rate(rate))
    name, extract = rate or RATE, run.extracts[0]
    if rate is not None and attributes is not None and name in attributes.table.column_names:
        return _checked(run, name, "attributes", _of_members(run, attributes, name))
    if name in extract.columns:
        return _checked(run, name, "enrollment", _of_extract(run, extract, name))
    if rate is None:
        return None
    if source is not None and all(name in header for header in extract.headers):
        return _checked(run, name, "enrollment", column_of_rows(source, name, run.population.enrollment))
    raise ColumnMissingError(_unknown(extract, name, attributes))


def checked_rate(rate: float) -> float:
    """Return a rate that can be one.

    Raises
    ------
    OptionError
        It cannot.
    """
    if isinstance(rate, bool) or not 0 < rate < np.inf:
        raise OptionError(
            f"rate={rate!r} is no payment rate; give dollars per member and month at a score of 1.000, such as 1000, "
            "or the column that holds them."
        )
    return float(rate)


def rate_words(run: ScoringRun, rate: float | str | None, attributes: Attributes | None = None) -> str:
    """Return where the rates of a run come from, for its report."""
    if rate is not None and not isinstance(rate, str):
        return f"{rate:,.2f} dollars per member and month at a payment risk score of 1.000, for everybody"
    if rate is not None and attributes is not None and rate in attributes.table.column_names:
        return f"column {rate} of the attributes"
    if rate is not None or RATE in run.extracts[0].columns:
        return f"column {rate or RATE} of the enrollment extract"
    return f"none: the enrollment extract has no {RATE} and no rate was given, so there are no dollars"


def _of_members(run: ScoringRun, attributes: Attributes, name: str) -> pa.Array:
    rows = attributes.row_of_member[run.population.member_of_row]
    column = one_chunk(attributes.table[name])
    return column.take(from_numpy(np.maximum(rows, 0), pa.int64(), valid=rows >= 0))


def _of_extract(run: ScoringRun, extract: Extract, name: str) -> pa.Array:
    """Return a canonical column of the enrollment extract for the rows that are scored."""
    rows = run.population.enrollment
    pieces, at = [], np.full(run.population.n_rows, -1, np.int64)
    begin = 0
    for chunk in extract.chunks([name]):
        table = chunk.read()
        here = np.flatnonzero(rows.file_id == extract.files.index(chunk.file))
        numbers = row_numbers(table, chunk.first_row)
        place = np.searchsorted(numbers, rows.row_number[here])
        found = (
            numbers[np.minimum(place, len(numbers) - 1)] == rows.row_number[here]
            if len(numbers)
            else place < 0
        )
        at[here[found]] = begin + place[found]
        pieces.append(_plain(table[name]))
        begin += len(numbers)
    column = one_chunk(pa.chunked_array([part for piece in pieces for part in piece.chunks]))
    return column.take(from_numpy(np.maximum(at, 0), pa.int64(), valid=at >= 0))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _checked(run: ScoringRun, name: str, role: str, column: pa.Array) -> Dollars:
    """Return a column as rates, one for each scored row.

    Raises
    ------
    ColumnTypeError
        It is not made of numbers.
    ExtractError
        A row has none, or one below 0.
    """
    rates = numbers_of_rates(pa.chunked_array([column]), role, name)
    bad = np.flatnonzero(~(rates >= 0) | ~np.isfinite(rates))
    if len(bad):
        rows = run.population.enrollment
        first = ", ".join(str(row) for row in rows.row_number[bad[:5]])
        raise ExtractError(
            f"{role}, column '{name}': no rate for {len(bad):,} of {len(rates):,} scored rows (first rows of "
            f"{run.extracts[0].files[rows.file_id[bad[0]]]}: {first}); give each its dollars per member and month, or "
            "pass one rate for everybody."
        )
    return rates


def numbers_of_rates(column: pa.ChunkedArray, role: str, name: str) -> Dollars:
    """Return a column as numbers, NaN where there is none.

    Raises
    ------
    ColumnTypeError
        It is not made of numbers.
    """
    try:
        numbers = one_chunk(pc.cast(_plain(column), pa.float64()))
    except MemoryError:
        raise
    except pa.ArrowException:
        raise ColumnTypeError(
            f"{role}, column '{name}' holds what is no number; give dollars per member and month."
        ) from None
    rates: Dollars = np.where(is_valid(numbers), values_of(numbers), np.nan)
    return rates


def _unknown(extract: Extract, name: str, attributes: Attributes | None) -> str:
    own = [] if attributes is None else list(attributes.table.column_names)
    known = [*own, *(column for column in extract.headers[0] if column not in own)]
    return (
        f"rate='{name}' is no column of the enrollment{' or of attributes' if own else ''}{nearest(name, known)}; "
        f"there are: {', '.join(known)}. Give one of them, or dollars per member and month for everybody."
    )
