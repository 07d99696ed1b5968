"""One chunk of a file -> a table of canonical columns in their canonical types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import cast_ids, from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.contract import ROLES, ROW_NUMBER, is_text, stored_type
from riskadj.extracts.layout_tuva import is_icd9
from riskadj.extracts.normalise import as_codes, as_dates, as_ids, check_type
from riskadj.extracts.parts import Part, RawChunk
from riskadj.extracts.readings import Reading
from riskadj.extracts.rejects import Rejects

_CODED_KINDS = ("code", "date", "flag", "integer")


@dataclass(frozen=True)
class ChunkReader:
    """Reads chunks of one part of an extract.

    Parameters
    ----------
    names : tuple of str
        Canonical columns to read.
    id_type : pyarrow.DataType
        Type in which member ids leave.
    """

    role: str
    part: Part
    reading: Reading
    names: tuple[str, ...]
    id_type: pa.DataType

    def raw_chunks(self) -> Iterator[RawChunk]:
        """Yield the part's chunks in its own columns."""
        sources = self.reading.sources_of(list(self.names))
        return self.part.chunks(sources, frozenset(self._worth_a_dictionary(sources)))

    def _worth_a_dictionary(self, sources: Sequence[str]) -> Iterator[str]:
        """Name the columns to read as dictionaries: text that repeats always, ids where the file stores them so."""
        ids = {
            theirs
            for name in self.names
            if name in self.reading.origins and ROLES[self.role][name] not in _CODED_KINDS
            for theirs in self.reading.origins[name].sources
        }
        for theirs in sources:
            is_stored_text = is_text(stored_type(self.part.schema.field(theirs).type))
            if theirs in ids:
                if self.role != "enrollment" and self.part.repeats(theirs):
                    yield theirs
            elif is_stored_text:
                yield theirs

    def read(self, raw: RawChunk, rejects: Rejects | None = None) -> pa.Table:
        """Return the canonical columns of a chunk; rows it cannot use go to `rejects` and are left out."""
        table = raw.read()
        arrays, unreadable = {}, {}
        for name in self.names:
            if name in self.reading.origins:
                arrays[name], bad = self._canonical(name, table)
                if bad is not None and bad.any():
                    unreadable[name] = bad
        if "member_id" in arrays:
            arrays["member_id"] = cast_ids(arrays["member_id"], self.id_type)
        canonical = pa.Table.from_arrays(list(arrays.values()), names=list(arrays))
        if self.reading.diagnosis_columns and "diagnosis_code" in self.names:
            canonical = self._one_row_per_diagnosis(canonical, table, raw.first_row, rejects)
            unreadable = {name: bad[self._line(canonical, raw)] for name, bad in unreadable.items()}
        if unreadable:
            canonical = self._without(canonical, unreadable, raw.first_row, rejects)
        return canonical

    @staticmethod
    def _line(canonical: pa.Table, raw: RawChunk) -> np.ndarray:
        return row_numbers(canonical, raw.first_row) - raw.first_row

    def _canonical(self, name: str, table: pa.Table) -> tuple[pa.Array, np.ndarray | None]:
        """Return a column in its canonical type; dates of an enrollment extract are left to its own reader."""
        origin, kind, label = self.reading.origins[name], ROLES[self.role][name], self.part.label
        columns = [table.column(theirs) for theirs in origin.sources]
        column = columns[0] if origin.make is None else origin.make(*map(one_chunk, columns))
        theirs = origin.sources[0]
        check_type(kind, column.type, label=label, name=theirs)
        if kind == "id":
            return as_ids(column, keep_dictionary=self.role != "enrollment", label=label, name=theirs), None
        if kind == "code":
            return as_codes(column, label=label, name=theirs), None
        if kind == "date" and self.role != "enrollment":
            return as_dates(column)
        return column, None

    def _one_row_per_diagnosis(
        self, lines: pa.Table, table: pa.Table, first_row: int, rejects: Rejects | None
    ) -> pa.Table:
        """Turn claim lines into diagnoses, each with the row number of its line; ICD-9-CM diagnoses are rejected."""
        line_is_icd9 = self._icd9_lines(table)
        pieces, lines_of = [], []
        for theirs in self.reading.diagnosis_columns:
            codes = as_codes(table.column(theirs), label=self.part.label, name=theirs)
            given = _is_given(codes)
            if rejects is not None:
                rows = first_row + np.flatnonzero(given & line_is_icd9)
                rejects.add(self.part.label, rows, theirs, "icd9_code")
            kept = np.flatnonzero(given & ~line_is_icd9)
            if len(kept):
                pieces.append(codes.take(from_numpy(kept, pa.int64())))
                lines_of.append(kept)
        line = np.concatenate(lines_of) if lines_of else np.empty(0, dtype=np.int64)
        codes = one_chunk(pa.chunked_array(pieces, type=pa.dictionary(pa.int32(), pa.string())))
        long = lines.take(from_numpy(line, pa.int64()))
        long = long.append_column("diagnosis_code", codes)
        return long.append_column(ROW_NUMBER, from_numpy(first_row + line, pa.int64()))

    def _icd9_lines(self, table: pa.Table) -> np.ndarray:
        if self.reading.code_type_column is None:
            return np.zeros(table.num_rows, dtype=bool)
        types = as_codes(
            table.column(self.reading.code_type_column), label=self.part.label, name="diagnosis_code_type"
        )
        return _entries_that(types, [is_icd9(text or "") for text in types.dictionary.to_pylist()])

    def _without(
        self, table: pa.Table, unreadable: dict[str, np.ndarray], first_row: int, rejects: Rejects | None
    ) -> pa.Table:
        """Leave out rows with unreadable dates; the rows that stay keep their numbers in an extra column."""
        rows = row_numbers(table, first_row)
        stays = np.ones(table.num_rows, dtype=bool)
        for name, bad in unreadable.items():
            if rejects is not None:
                rejects.add(self.part.label, rows[bad & stays], name, f"{name}_unreadable")
            stays &= ~bad
        if ROW_NUMBER not in table.column_names:
            table = table.append_column(ROW_NUMBER, from_numpy(rows, pa.int64()))
        return table.filter(from_numpy(stays, pa.bool_()))


def _is_given(codes: pa.DictionaryArray) -> np.ndarray:
    return _entries_that(codes, [bool((text or "").strip()) for text in codes.dictionary.to_pylist()])


def _entries_that(codes: pa.DictionaryArray, answers: list[bool]) -> np.ndarray:
    """Return the answer for each row's dictionary entry; False for null."""
    entry = np.where(is_valid(codes), values_of(codes.indices), np.int32(len(answers)))
    return np.array([*answers, False])[entry]


def row_numbers(table: pa.Table, first_row: int) -> np.ndarray:
    """Return the row number within its file of each row of a chunk; int64, shape (table.num_rows,)."""
    if ROW_NUMBER in table.column_names:
        return values_of(one_chunk(table.column(ROW_NUMBER)))
    return np.arange(first_row, first_row + table.num_rows, dtype=np.int64)
