"""Stream the diagnoses extract into the condition bits of each member, a chunk per thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import cast_ids, from_numpy, from_strings, is_valid, one_chunk, values_of
from riskadj.extracts.open import Chunk, Extract, row_numbers
from riskadj.extracts.order import in_order
from riskadj.extracts.rejects import Rejects
from riskadj.kernels import capture
from riskadj.scoring.codes import BLANK, ICD9, UNKNOWN, CodeBook, pack, unpack
from riskadj.scoring.members import MemberIndex, MemberPass

_EPOCH = date(1970, 1, 1)
_REJECTED, _NULL = -1, -2

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Answers, for one chunk of diagnoses, which rows the claim filter lets count (uint8), or an empty array for all.
ClaimFilter = Callable[[pa.Table], npt.NDArray[np.uint8]]


@dataclass
class CaptureCounts:
    """What became of every diagnosis; rows read = used + rejected, and used = the sum of the five kinds below it.

    Attributes
    ----------
    rows_read : int
        Diagnoses read: rows of a narrow extract, non-empty diagnosis cells of a wide one.
    file_rows_read : int
        Rows of the files.
    rows_of_code : ndarray of int64, shape (n_codes,)
        Rows that count, by number of the code book.
    """

    rows_read: int = 0
    file_rows_read: int = 0
    rows_rejected: int = 0
    rows_outside_collection: int = 0
    rows_filtered: int = 0
    rows_mapped: int = 0
    rows_unmapped: int = 0
    rows_unknown: int = 0
    rows_of_code: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    unknown_codes: set[str] = field(default_factory=set)

    @property
    def rows_used(self) -> int:
        """Rows read and not rejected, whether or not their code maps to an HCC."""
        return self.rows_read - self.rows_rejected

    def add(self, other: CaptureCounts) -> None:
        """Add the counts of one more chunk."""
        self.rows_read += other.rows_read
        self.file_rows_read += other.file_rows_read
        self.rows_rejected += other.rows_rejected
        self.rows_outside_collection += other.rows_outside_collection
        self.rows_filtered += other.rows_filtered
        self.rows_mapped += other.rows_mapped
        self.rows_unmapped += other.rows_unmapped
        self.rows_unknown += other.rows_unknown
        more = other.rows_of_code
        self.rows_of_code = self.rows_of_code + more if len(self.rows_of_code) else more.copy()
        self.unknown_codes |= other.unknown_codes


class DiagnosisCapture:
    """Sets condition bits from diagnosis chunks; safe to feed from several threads.

    Threads decode, select and look up members side by side. Only the setting of bits takes turns, behind a lock: an
    OR commutes, so the turns' order cannot change the result.

    Parameters
    ----------
    index : MemberIndex
    book : CodeBook
    window : tuple of date
        First and last service date that count, inclusive.
    claim_filter : callable or None
        See `ClaimFilter`.
    id_type : pyarrow.DataType or None
        Type that the diagnoses' member ids are cast to before they are compared.
    member_pass : MemberPass or None
        Only rows of its members are there.
    """

    def __init__(
        self,
        index: MemberIndex,
        book: CodeBook,
        *,
        window: tuple[date, date],
        claim_filter: ClaimFilter | None = None,
        id_type: pa.DataType | None = None,
        member_pass: MemberPass | None = None,
    ) -> None:
        self.index, self.book, self.claim_filter, self.id_type = index, book, claim_filter, id_type
        self.member_pass = member_pass
        self.first_day, self.last_day = ((day - _EPOCH).days for day in window)
        self._lock = threading.Lock()
        self.captured = np.zeros((index.n_members, book.n_words), np.uint64)

    def add(self, chunk: Chunk) -> tuple[CaptureCounts, Rejects]:
        """Read one chunk, piece by piece, and set the bits of its diagnoses; return what became of its rows."""
        counts, rejects = CaptureCounts(), Rejects("write")
        for piece in chunk.pieces():
            more, found = self._add_piece(piece)
            counts.add(more)
            rejects.merge(found)
        return counts, rejects

    def _add_piece(self, chunk: Chunk) -> tuple[CaptureCounts, Rejects]:
        table, numbers, rejects = self._read(chunk)
        n_unreadable = len(rejects)
        work = _ChunkWork(table, self)
        counts = work.select()
        members = self.index.find(work.ids, work.rows)
        with self._lock:
            capture.set_bits(members, work.codes, self.book.bits_begin, self.book.bits, self.captured)
        work.reject("member_id", "member_not_enrolled", work.rows[members < 0])
        counts.rows_of_code -= np.bincount(work.codes[members < 0], minlength=self.book.n_codes)
        for column, reason, rows in work.rejected:
            rejects.add(chunk.file, numbers[rows], column, reason)
        counts.rows_read = table.num_rows + n_unreadable
        counts.rows_rejected = len(rejects)
        if self.is_first_pass:
            counts.file_rows_read = chunk.n_rows if chunk.n_rows is not None else table.num_rows
        counts.rows_mapped = int(counts.rows_of_code[self.book.is_mapped].sum())
        counts.rows_unmapped = int(counts.rows_of_code.sum()) - counts.rows_mapped
        return counts, rejects

    @property
    def is_first_pass(self) -> bool:
        """True where this pass answers for what belongs to no member."""
        return self.member_pass is None or self.member_pass.number == 0

    def _read(self, chunk: Chunk) -> tuple[pa.Table, Integers, Rejects]:
        """Return the rows of this pass, their row numbers, and the rows that could not be read."""
        rejects = Rejects("write")
        table = chunk.read(rejects)
        numbers = row_numbers(table, chunk.first_row)
        if self.member_pass is not None:
            kept = self.member_pass.keeps(one_chunk(table["member_id"]))
            table, numbers = table.filter(from_numpy(kept, pa.bool_())), numbers[kept]
        return table, numbers, rejects if self.is_first_pass else Rejects("write")


class _ChunkWork:
    """One chunk's diagnoses on their way: entries of the code dictionary, and which rows were rejected or selected."""

    def __init__(self, table: pa.Table, sink: DiagnosisCapture) -> None:
        self.table, self.sink = table, sink
        self.ids = cast_ids(one_chunk(table["member_id"]), sink.id_type)
        self.entries, self.dictionary, self.has_null_codes = _entries(table["diagnosis_code"])
        self.rejected: list[tuple[str, str, Integers]] = []
        self.rows, self.codes = np.empty(0, np.int64), np.empty(0, np.int32)

    def select(self) -> CaptureCounts:
        """Set aside the rows that cannot be used, then pick those that count and map; return their counts."""
        code_of_entry = self.sink.book.look_up(self.dictionary)
        self._reject_unusable(code_of_entry)
        rows_of_entry = np.zeros(len(code_of_entry), np.int64)
        rows, codes = np.empty(len(self.entries), np.int64), np.empty(len(self.entries), np.int32)
        counts = np.zeros(capture.N_COUNTS, np.int64)
        capture.select_rows(
            self.entries,
            self._dates(),
            self.sink.first_day,
            self.sink.last_day,
            self.sink.claim_filter(self.table) if self.sink.claim_filter else np.zeros(0, np.uint8),
            np.where(
                self.sink.book.is_mapped[code_of_entry] & (code_of_entry >= 0), code_of_entry, UNKNOWN
            ).astype(np.int32),
            rows_of_entry,
            rows,
            codes,
            counts,
        )
        n_selected = counts[capture.SELECTED]
        self.rows, self.codes = rows[:n_selected], codes[:n_selected]
        return self._counts(code_of_entry, rows_of_entry, counts)

    def _counts(
        self, code_of_entry: npt.NDArray[np.int32], rows_of_entry: Integers, counts: Integers
    ) -> CaptureCounts:
        known = code_of_entry >= 0
        unknown = (code_of_entry == UNKNOWN) & (rows_of_entry > 0)
        rows_of_code = np.bincount(
            code_of_entry[known], rows_of_entry[known], minlength=self.sink.book.n_codes
        )
        names = self.dictionary.filter(from_numpy(unknown, pa.bool_())) if unknown.any() else None
        return CaptureCounts(
            rows_outside_collection=int(counts[capture.OUTSIDE_DATES]),
            rows_filtered=int(counts[capture.FILTERED]),
            rows_unknown=int(rows_of_entry[unknown].sum()),
            rows_of_code=rows_of_code.astype(np.int64),
            unknown_codes=set() if names is None else {unpack(code) for code in pack(names)},
        )

    def _reject_unusable(self, code_of_entry: npt.NDArray[np.int32]) -> None:
        if self.ids.null_count:
            self._mark("member_id", "member_id_missing", ~is_valid(self.ids))
        if self.has_null_codes:
            self._mark("diagnosis_code", "diagnosis_code_missing", self.entries == _NULL)
        for reason, kind in (("diagnosis_code_missing", BLANK), ("icd9_code", ICD9)):
            if (code_of_entry == kind).any():
                self._mark("diagnosis_code", reason, (code_of_entry == kind)[np.maximum(self.entries, 0)])

    def _dates(self) -> npt.NDArray[np.int32]:
        if "service_date" not in self.table.column_names:
            return np.zeros(0, np.int32)
        dates = one_chunk(self.table["service_date"])
        if dates.null_count:
            self._mark("service_date", "service_date_missing", ~is_valid(dates))
        return values_of(dates)

    def _mark(self, column: str, reason: str, where: Flags) -> None:
        """Reject the rows `where`, unless another reason did already."""
        rows = np.flatnonzero(where & (self.entries != _REJECTED))
        self.entries[rows] = _REJECTED
        self.reject(column, reason, rows)

    def reject(self, column: str, reason: str, rows: Integers) -> None:
        """Note rows of the chunk as rejected."""
        if len(rows):
            self.rejected.append((column, reason, rows))


def _entries(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.Array, bool]:
    """Return each row's dictionary entry (a copy; _NULL for none), the dictionary, and whether any is null."""
    codes = one_chunk(column)
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    entries = values_of(codes.indices).astype(np.int32)
    if codes.null_count:
        entries[~is_valid(codes)] = _NULL
    return entries, codes.dictionary if len(codes.dictionary) else from_strings([""]), codes.null_count > 0


def capture_diagnoses(
    extract: Extract,
    sink: DiagnosisCapture,
    rejects: Rejects,
    *,
    columns: tuple[str, ...],
    threads: int,
    progress: Callable[[int], None] | None = None,
) -> CaptureCounts:
    """Feed every chunk of the diagnoses extract to `sink`, `threads` at a time, and add up what became of the rows.

    Parameters
    ----------
    columns : tuple of str
        Canonical columns to read.
    threads : int
        Chunks in work at a time; memory for diagnoses is bounded by it.
    progress : callable, optional
        Told the number of rows read so far.

    Returns
    -------
    CaptureCounts
    """
    totals = CaptureCounts(rows_of_code=np.zeros(sink.book.n_codes, np.int64))
    for counts, found in in_order(sink.add, extract.chunks(columns), threads):
        totals.add(counts)
        rejects.merge(found)
        if progress:
            progress(totals.rows_read)
    return totals
