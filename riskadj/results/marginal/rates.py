"""What a score is worth in dollars: the payment rate of each enrollment row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ColumnTypeError, ExtractError, OptionError
from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.extracts.open import Chunk, Extract, row_numbers
from riskadj.scoring.run import ScoringRun

#: Column of the enrollment extract: dollars per member and month at a payment risk score of 1.000.
RATE = "rate_pmpm"

Dollars = npt.NDArray[np.float64]


def rates_of_rows(run: ScoringRun, rate: float | None = None) -> Dollars | None:
    """Return the payment rate of each scored enrollment row.

    Parameters
    ----------
    run : ScoringRun
    rate : float, optional
        One rate for everybody. Default: the column ``rate_pmpm`` of the enrollment extract, if it has one.

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None where there is no rate
        [dollars per member and month at a payment risk score of 1.000]

    Raises
    ------
    OptionError
        `rate` is no positive number.
    ExtractError, ColumnTypeError
        Rows that are scored have no rate, or one that is no number from 0.
    """
    if rate is not None:
        return np.full(run.population.n_rows, checked_rate(rate))
    extract = run.extracts[0]
    return _read_rates(run, extract) if RATE in extract.columns else None


def checked_rate(rate: float) -> float:
    """Return a rate that can be one.

    Raises
    ------
    OptionError
        It cannot.
    """
    if isinstance(rate, bool) or not 0 < rate < np.inf:
        raise OptionError(
            f"rate={rate!r} is no payment rate; give dollars per member and month at a score of 1.000, such as 1000."
        )
    return float(rate)


def rate_words(run: ScoringRun, rate: float | None) -> str:
    """Return where the rates of a run come from, for its report."""
    if rate is not None:
        return f"{rate:,.2f} dollars per member and month at a payment risk score of 1.000, for everybody"
    if RATE in run.extracts[0].columns:
        return f"column {RATE} of the enrollment extract"
    return f"none: the enrollment extract has no {RATE} and no rate was given, so there are no dollars"


def _read_rates(run: ScoringRun, extract: Extract) -> Dollars:
    rows = run.population.enrollment
    rates = np.full(run.population.n_rows, np.nan)
    for chunk in extract.chunks([RATE]):
        table = chunk.read()
        here = np.flatnonzero(rows.file_id == extract.files.index(chunk.file))
        numbers = row_numbers(table, chunk.first_row)
        at = np.searchsorted(numbers, rows.row_number[here])
        found = numbers[np.minimum(at, len(numbers) - 1)] == rows.row_number[here] if len(numbers) else at < 0
        rates[here[found]] = _numbers(chunk, table)[at[found]]
    _must_be_rates(extract, rows.file_id, rows.row_number, rates)
    return rates


def _numbers(chunk: Chunk, table: pa.Table) -> Dollars:
    column = table[RATE]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        numbers = one_chunk(pc.cast(column, pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ColumnTypeError(
            f"{Path(chunk.file).name}, column '{RATE}' holds what is no number; give dollars per member and month."
        ) from None
    return np.where(is_valid(numbers), values_of(numbers), np.nan)


def _must_be_rates(
    extract: Extract, file_id: npt.NDArray[np.int32], row_number: npt.NDArray[np.int64], rates: Dollars
) -> None:
    bad = np.flatnonzero(~(rates >= 0) | ~np.isfinite(rates))
    if len(bad):
        first = ", ".join(str(row_number[row]) for row in bad[:5])
        raise ExtractError(
            f"{extract.files[file_id[bad[0]]]}, column '{RATE}': no rate in {len(bad):,} of {len(rates):,} scored rows "
            f"(first rows: {first}); give each row its dollars per member and month, or pass one rate for everybody."
        )
