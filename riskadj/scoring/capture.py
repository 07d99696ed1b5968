"""Stream an extract of coded rows into the condition bits of each member, a piece per thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import cast_ids, from_numpy, from_strings, is_valid, one_chunk, values_of
from riskadj.extracts.dictionaries import OncePerDictionary
from riskadj.extracts.memory import lean_pool
from riskadj.extracts.open import Chunk, Extract, row_numbers
from riskadj.extracts.order import in_turns
from riskadj.extracts.rejects import Rejects
from riskadj.kernels import capture
from riskadj.kernels.arrays import Ids
from riskadj.scoring.codes import UNKNOWN, CodeBook, pack, unpack
from riskadj.scoring.eligible_diagnoses import REASONS, Judge, Judgement, judge_nothing
from riskadj.scoring.members import MemberIndex, MemberPass, bytes_of, dictionary_entries, no_ids

_EPOCH = date(1970, 1, 1)
_REJECTED, _NULL = -1, -2
_OUTSIDE = REASONS[1]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
#: Rows that do not count, by reason, claim type, bill type and whether their code maps to an HCC.
Filtered = Counter[tuple[str, str | None, str | None, bool]]


@dataclass(frozen=True)
class CodedColumns:
    """Which columns of an extract hold the code and its date."""

    code: str
    day: str


class Book(Protocol):
    """What capture asks of a code book: `scoring.codes.CodeBook` says what each part is."""

    @property
    def n_codes(self) -> int: ...
    @property
    def is_mapped(self) -> Flags: ...
    @property
    def bits_begin(self) -> Integers: ...
    @property
    def bits(self) -> npt.NDArray[np.int32]: ...
    @property
    def period_begins(self) -> npt.NDArray[np.int32]: ...
    @property
    def is_valid(self) -> Flags: ...
    @property
    def refused(self) -> tuple[tuple[str, int], ...]: ...

    def look_up(self, entries: pa.Array) -> npt.NDArray[np.int32]: ...


DIAGNOSES = CodedColumns(code="diagnosis_code", day="service_date")


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
    not_counted : Filtered
        Rows outside the collection window and rows filtered out.
    """

    rows_read: int = 0
    file_rows_read: int = 0
    rows_rejected: int = 0
    rows_mapped: int = 0
    rows_unknown: int = 0
    rows_of_code: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    unknown_codes: set[str] = field(default_factory=set)
    not_counted: Filtered = field(default_factory=Counter)

    @property
    def rows_unmapped(self) -> int:
        """Rows of valid codes that map to no HCC."""
        return int(self.rows_of_code.sum()) - self.rows_mapped

    @property
    def rows_outside_collection(self) -> int:
        """Rows whose service date lies outside the collection window."""
        return sum(n_rows for key, n_rows in self.not_counted.items() if key[0] == _OUTSIDE)

    @property
    def rows_filtered(self) -> int:
        """Rows inside the window that the claim filter leaves out."""
        return self.filtered.total()

    @property
    def filtered(self) -> Filtered:
        """The rows of `not_counted` that lie inside the window."""
        return Counter({key: n_rows for key, n_rows in self.not_counted.items() if key[0] != _OUTSIDE})

    @property
    def rows_used(self) -> int:
        """Rows read and not rejected, whether or not their code maps to an HCC."""
        return self.rows_read - self.rows_rejected

    def add(self, other: CaptureCounts) -> None:
        """Add the counts of one more chunk."""
        self.rows_read += other.rows_read
        self.file_rows_read += other.file_rows_read
        self.rows_rejected += other.rows_rejected
        self.rows_mapped += other.rows_mapped
        self.rows_unknown += other.rows_unknown
        if not len(self.rows_of_code):
            self.rows_of_code = np.zeros(len(other.rows_of_code), np.int64)
        self.rows_of_code += other.rows_of_code
        self.unknown_codes |= other.unknown_codes
        self.not_counted.update(other.not_counted)


class CodeCapture:
    """Sets condition bits from the chunks of one extract; safe to feed from several threads.

    Threads share the bits and OR into them atomically: an OR commutes, so their order cannot change the result.

    Parameters
    ----------
    index : MemberIndex
    book : Book
    captured : ndarray of uint64, shape (n_members, n_words)
        `no_bits`, or what another extract has set already; changed.
    columns : CodedColumns
    window : tuple of date
        First and last date that count, inclusive.
    judge : callable
        Tells of one chunk's rows which claims count, and why the others do not.
    id_type : pyarrow.DataType or None
        Type that the extract's member ids are cast to before they are compared.
    member_pass : MemberPass or None
        Only rows of its members are there.
    """

    def __init__(
        self,
        index: MemberIndex,
        book: Book,
        captured: npt.NDArray[np.uint64],
        *,
        columns: CodedColumns,
        window: tuple[date, date],
        judge: Judge = judge_nothing,
        id_type: pa.DataType | None = None,
        member_pass: MemberPass | None = None,
    ) -> None:
        self.index, self.book, self.captured, self.columns = index, book, captured, columns
        self.judge, self.id_type, self.member_pass = judge, id_type, member_pass
        self.first_day, self.last_day = ((day - _EPOCH).days for day in window)
        self.meaning = OncePerDictionary(partial(_meaning, book))

    def beside(self, book: Book, columns: CodedColumns) -> CodeCapture:
        """Return the capture of another extract of the same members and dates, into the same bits."""
        other = copy(self)
        other.book, other.columns, other.judge = book, columns, judge_nothing
        other.meaning = OncePerDictionary(partial(_meaning, book))
        return other

    def add(self, piece: Chunk, counts: CaptureCounts) -> tuple[int, Rejects]:
        """Set the bits of the codes of a piece, count what became of its rows; return how many, and those rejected."""
        table, numbers, rejects = self._read(piece)
        n_rows = table.num_rows + len(rejects)
        work = _Piece(table, self)
        work.capture(counts)
        for column, reason, rows in work.rejected:
            rejects.add(piece.file, numbers[rows], column, reason)
        counts.rows_read += n_rows
        counts.rows_rejected += len(rejects)
        if self.is_first_pass:
            counts.file_rows_read += piece.n_rows if piece.n_rows is not None else table.num_rows
        return n_rows, rejects

    def no_counts(self) -> CaptureCounts:
        """Return counts of no rows."""
        return CaptureCounts(rows_of_code=np.zeros(self.book.n_codes, np.int64))

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


def no_bits(index: MemberIndex, book: CodeBook) -> npt.NDArray[np.uint64]:
    """Return the words of every member, no bit set."""
    return np.zeros((index.n_members, book.n_words), np.uint64)


@dataclass(frozen=True)
class _Meaning:
    """What the entries of a code dictionary mean; the last entry stands for a dictionary that has none.

    Attributes
    ----------
    numbers : ndarray of int32, shape (n_entries,)
        As `Book.look_up` gives them.
    mapped : ndarray of int32, shape (n_periods, n_entries)
        Number of each code that maps to an HCC in a period; UNKNOWN for the others.
    mapped_ever : ndarray of int32, shape (1, n_entries)
        The same where nobody can say when a code was given: it counts if it is valid at any time.
    names_of_unknown : mapping of int to str
        Code of each entry that is not known, cleaned.
    """

    numbers: npt.NDArray[np.int32]
    mapped: npt.NDArray[np.int32]
    mapped_ever: npt.NDArray[np.int32]
    names_of_unknown: Mapping[int, str]


def _meaning(book: Book, entries: pa.Array) -> _Meaning:
    entries = entries if len(entries) else from_strings([""])
    numbers = book.look_up(entries)
    is_mapped = book.is_mapped[numbers] & (numbers >= 0)
    is_valid_in = book.is_valid[:, np.maximum(numbers, 0)]
    unknown = np.flatnonzero(numbers == UNKNOWN)
    codes = map(unpack, pack(entries)[unknown])
    return _Meaning(
        numbers,
        np.where(is_mapped & is_valid_in, numbers, np.int32(UNKNOWN)),
        np.where(is_mapped, numbers, np.int32(UNKNOWN))[None, :],
        dict(zip(unknown.tolist(), codes, strict=True)),
    )


class _Piece:
    """Some rows on their way: entries of the code dictionary, what they mean, and which rows were rejected."""

    def __init__(self, table: pa.Table, sink: CodeCapture) -> None:
        self.table, self.sink = table, sink
        self.ids = cast_ids(one_chunk(table["member_id"]), sink.id_type)
        self.entries, dictionary, self.has_null_codes = _entries(table[sink.columns.code])
        self.meaning = sink.meaning(dictionary)
        self.rejected: list[tuple[str, str, Integers]] = []

    def capture(self, counts: CaptureCounts) -> None:
        """Set aside the rows that cannot be used, capture those that count, and add up what became of all."""
        book, sink, n_rows = self.sink.book, self.sink, self.table.num_rows
        self._reject_unusable()
        dates, judgement = self._dates(), sink.judge(self.table)
        codes = self.meaning.mapped if len(dates) else self.meaning.mapped_ever
        rows_of_entry = np.zeros(codes.shape, np.int64)
        rows_of_lot = np.zeros((judgement.n_lots, 2), np.int64)
        lost_rows, lost_codes = np.empty(n_rows, np.int64), np.empty(n_rows, np.int32)
        found = np.zeros(capture.N_COUNTS, np.int64)
        capture.capture_rows(
            self.entries,
            dates,
            sink.first_day,
            sink.last_day,
            judgement.lots,
            judgement.n_groups,
            book.period_begins if len(dates) else np.empty(0, np.int32),
            codes,
            *self._id_arrays(),
            sink.index.arrays,
            book.bits_begin,
            book.bits,
            sink.captured,
            rows_of_entry,
            rows_of_lot,
            lost_rows,
            lost_codes,
            found,
        )
        n_lost = found[capture.LOST]
        self._reject("member_id", "member_not_enrolled", lost_rows[:n_lost])
        counts.rows_mapped += int(rows_of_entry[codes >= 0].sum()) - int(n_lost)
        self._count_codes(rows_of_entry.sum(axis=0), lost_codes[:n_lost], counts)
        _count_lots(judgement, rows_of_lot, counts)

    def _id_arrays(self) -> tuple[Ids, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return the ids as bytes or, of a dictionary, each row's entry and the entries' members."""
        if pa.types.is_dictionary(self.ids.type):
            return no_ids(), dictionary_entries(self.ids), self.sink.index.find_entries(self.ids)
        return bytes_of(self.ids), np.empty(0, np.int32), np.empty(0, np.int32)

    def _count_codes(
        self, rows_of_entry: Integers, lost_codes: npt.NDArray[np.int32], counts: CaptureCounts
    ) -> None:
        numbers = self.meaning.numbers
        known, unknown = numbers >= 0, (numbers == UNKNOWN) & (rows_of_entry > 0)
        np.add.at(counts.rows_of_code, numbers[known], rows_of_entry[known])
        np.subtract.at(counts.rows_of_code, lost_codes, 1)
        counts.rows_unknown += int(rows_of_entry[unknown].sum())
        counts.unknown_codes.update(
            self.meaning.names_of_unknown[entry] for entry in np.flatnonzero(unknown).tolist()
        )

    def _reject_unusable(self) -> None:
        column, numbers = self.sink.columns.code, self.meaning.numbers
        if self.ids.null_count:
            self._mark("member_id", "member_id_missing", ~is_valid(self.ids))
        if self.has_null_codes:
            self._mark(column, f"{column}_missing", self.entries == _NULL)
        for reason, kind in self.sink.book.refused:
            if (numbers == kind).any():
                self._mark(column, reason, (numbers == kind)[np.maximum(self.entries, 0)])

    def _dates(self) -> npt.NDArray[np.int32]:
        column = self.sink.columns.day
        if column not in self.table.column_names:
            return np.zeros(0, np.int32)
        dates = one_chunk(self.table[column])
        if dates.null_count:
            self._mark(column, f"{column}_missing", ~is_valid(dates))
        return values_of(dates)

    def _mark(self, column: str, reason: str, where: Flags) -> None:
        """Reject the rows `where`, unless another reason did already."""
        rows = np.flatnonzero(where & (self.entries != _REJECTED))
        self.entries[rows] = _REJECTED
        self._reject(column, reason, rows)

    def _reject(self, column: str, reason: str, rows: Integers) -> None:
        """Note rows of the piece as rejected."""
        if len(rows):
            self.rejected.append((column, reason, rows))


def _count_lots(judgement: Judgement, rows_of_lot: Integers, counts: CaptureCounts) -> None:
    """Add the rows of the lots that do not count, by what the lots mean."""
    for lot, maps in np.argwhere(rows_of_lot).tolist():
        reason, group = divmod(lot, judgement.n_groups)
        counts.not_counted[REASONS[reason], *judgement.groups[group], bool(maps)] += int(
            rows_of_lot[lot, maps]
        )


def _entries(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.Array, bool]:
    """Return each row's dictionary entry (a copy; _NULL for none), the dictionary, and whether any is null."""
    codes = one_chunk(column)
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    entries = values_of(codes.indices).astype(np.int32)
    if codes.null_count:
        entries[~is_valid(codes)] = _NULL
    return entries, codes.dictionary, codes.null_count > 0


def capture_diagnoses(
    extract: Extract,
    sink: CodeCapture,
    rejects: Rejects,
    *,
    columns: tuple[str, ...],
    threads: int,
    progress: Callable[[int], None] | None = None,
) -> CaptureCounts:
    """Feed an extract to `sink`, `threads` pieces at a time, and add up what became of the rows.

    Parameters
    ----------
    columns : tuple of str
        Canonical columns to read.
    threads : int
        Pieces in work at a time; memory for diagnoses is bounded by it.
    progress : callable, optional
        Told the number of rows read so far.

    Returns
    -------
    CaptureCounts
    """
    counts = [sink.no_counts() for _ in range(threads)]

    def add(piece: Chunk) -> tuple[int, Rejects]:
        own = counts.pop()  # those of a piece that is not in work now
        found = sink.add(piece, own)
        counts.append(own)
        return found

    readers = (chunk.pieces() for chunk in extract.chunks(columns))
    n_rows = 0
    with lean_pool():
        for n_read, found in in_turns(add, readers, threads):
            rejects.merge(found)
            n_rows += n_read
            if progress:
                progress(n_rows)
    totals = sink.no_counts()
    for each in counts:
        totals.add(each)
    return totals
