"""The diagnoses that count in a run and map to a condition, picked from an extract once more, with where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnTypeError
from riskadj.extracts.buffers import cast_ids, from_numpy, harmonise_ids, is_valid, one_chunk, values_of
from riskadj.extracts.dates import days_of
from riskadj.extracts.open import Chunk, Extract
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.eligible_diagnoses import claim_filter, columns_of_filter
from riskadj.scoring.run import ScoringRun

Integers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CountedDiagnoses:
    """Diagnoses of one piece of an extract that count and map; arrays of shape (n,).

    Attributes
    ----------
    table : pyarrow.Table
        The piece, all its rows.
    rows : ndarray of int64
        Where in the table they stand.
    members, codes : ndarray of int32
        Member number (-1: not scored) and code number of each.
    days : ndarray of int32
        Service dates [days since 1970-01-01]; shape (0,) where the extract has none.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    members: Integers
    codes: Integers
    days: Integers

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Return columns of the table, a row for each of these diagnoses."""
        return self.table.select(list(names)).take(from_numpy(self.rows, pa.int64()))


@dataclass(frozen=True)
class CountedReader:
    """Picks them from the chunks of an extract, by a run's claim filter and code book, in a window of service dates."""

    run: ScoringRun
    extract: Extract
    window: tuple[date, date]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the extract that decide."""
        return columns_that_decide(self.run, self.extract)

    def read(self, chunk: Chunk) -> Iterator[CountedDiagnoses]:
        """Yield the diagnoses of a chunk that count, piece after piece."""
        which_count = claim_filter(self.run.options, self.run.rules.year, self.columns)
        for piece in chunk.pieces():
            table = piece.read(Rejects("write"))
            codes = self._codes(table)
            days, counts = self._dated(table, codes)
            if which_count is not None:
                counts &= which_count(table) != 0
            ids = cast_ids(one_chunk(table["member_id"]), compared_id_type(self.run, self.extract))
            rows = np.flatnonzero(counts & is_valid(ids))
            members = self.run.index.find(ids, rows)
            yield CountedDiagnoses(table, rows, members, codes[rows], days[rows] if len(days) else days)

    def _codes(self, table: pa.Table) -> Integers:
        """Return the code number of each row; negative where the code maps to no condition."""
        column = one_chunk(table["diagnosis_code"])
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        if not len(column.dictionary):
            return np.full(len(column), -1, np.int32)
        numbers = self.run.book.look_up(column.dictionary)
        numbers = np.where(self.run.book.is_mapped[numbers] & (numbers >= 0), numbers, -1).astype(np.int32)
        entries = np.where(is_valid(column), values_of(column.indices), 0)
        return np.where(is_valid(column), numbers[entries], -1).astype(np.int32)

    def _dated(self, table: pa.Table, codes: Integers) -> tuple[Integers, Flags]:
        """Return the service dates, and which rows map by a code that is valid on a day of the window."""
        if "service_date" not in table.column_names:
            return np.empty(0, np.int32), codes >= 0
        dates = one_chunk(table["service_date"])
        days = values_of(dates).astype(np.int32)
        first, last = (days_of(day) for day in self.window)
        period = np.searchsorted(self.run.book.period_begins, days, side="right")
        counts: Flags = is_valid(dates) & (days >= first) & (days <= last) & (codes >= 0)
        return days, counts & self.run.book.is_valid[period, np.maximum(codes, 0)]


def columns_that_decide(run: ScoringRun, extract: Extract) -> tuple[str, ...]:
    """Return the columns of a diagnoses extract that say which of its rows count in a run."""
    wanted: tuple[str, ...] = ("member_id", "diagnosis_code", "service_date")
    wanted += columns_of_filter(run.options.diagnosis_filter, run.rules.year)
    return tuple(name for name in wanted if name in extract.columns)


def compared_id_type(run: ScoringRun, extract: Extract) -> pa.DataType | None:
    """Return what the extract's ids are cast to; ids of the run that are whole numbers are in the index as such.

    Raises
    ------
    ColumnTypeError
        They are text, and those of the run whole numbers.
    """
    wanted = harmonise_ids(run.index_id_type, extract.id_type)
    if wanted is not None and pa.types.is_integer(run.index_id_type):
        raise ColumnTypeError(
            f"member_id is text in {extract.files[0]} and whole numbers in the other extracts; give all one type."
        )
    return wanted
