"""The enrollment stage: rows read, checked one by one and against each other, status fields filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import from_numpy, one_chunk
from riskadj.extracts.enrollment_rows import NO_NUMBER, Block, graft_duration, read_block
from riskadj.extracts.issuers import ISSUER_COLUMNS, NO_ISSUER, issuer_spans
from riskadj.extracts.memory import give_back_memory
from riskadj.extracts.open import Chunk, Extract, candidate_for, require, row_numbers
from riskadj.extracts.order import in_order
from riskadj.extracts.rejects import Rejects
from riskadj.extracts.repeats import contradictions, number_members
from riskadj.extracts.spans import Coverage, calendar_year, choose_coverage, months_in, touches
from riskadj.extracts.status import DUAL_LEVEL, HAS_MEDICAID, MISSING, NOT_DUAL
from riskadj.terms import FLAG, STATUS_FIELDS

#: Columns that are carried to the results as they are.
CARRIED = ("contract_id", "plan_id", "county_code")

#: Status fields that need no column of their own name -> the column they follow from, which messages name.
SOURCE_COLUMNS = {
    "dual": "dual_status_code",
    "esrd_status": "esrd_status",
    "graft_duration": "graft_months",
    "enrollment_duration": "months_enrolled",
}

_MEDICAID_FIELDS = ("ltimcaid", "nemcaid", "mcaid")
_SPAN_COLUMNS = ("enrollment_start_date", "enrollment_end_date", "months_enrolled")


@dataclass(frozen=True)
class Enrollment:
    """Enrollment rows that can be scored, in file order; arrays of shape (n_rows,).

    Parameters
    ----------
    member_id : pyarrow.Array
        string, large_string, binary, fixed_size_binary or int64, as given; one chunk.
    member : ndarray of int32
        Number of the row's member.
    file_id, row_number : ndarray of int32 (row_number of int64 where a file has more rows than that counts)
        Where each row came from: position in `files`, and row number in that file (first = 1).
    birth_date : ndarray of int32
        Days since 1970-01-01; MISSING_DATE where `age_years` is given instead. [days]
    age_years : ndarray of int16
        Age as given; -1 where it follows from `birth_date`. [years]
    start_date, end_date : ndarray of int32
        Span; MISSING_DATE where the extract has no dates, OPEN_END where the span has no end. [days]
    months_enrolled : ndarray of int16
        Months of the row inside `coverage`. [months]
    last_day : ndarray of int32, shape (n_rows,) or (0,)
        Last day of the member's enrollment with the row's issuer; empty where no rule asks for it. [days]
    status : dict of ndarray of uint8
        Status field -> positions in terms.STATUS_FIELDS[field].
    extra : dict of pyarrow.Array
        Carried columns that the extract has.
    rows_read, rows_rejected, rows_outside_coverage : int
        rows_read = rows here + rows_rejected; the rows outside are among the rows here, with 0 months.
    coverage : (date, date)
        Window in which months are counted.
    files, notes : tuple of str
        What this stage decided is in `notes`; what the layout decided is in those of the extract.
    """

    member_id: pa.Array
    member: np.ndarray
    file_id: np.ndarray
    row_number: np.ndarray
    birth_date: np.ndarray
    age_years: np.ndarray
    start_date: np.ndarray
    end_date: np.ndarray
    months_enrolled: np.ndarray
    last_day: np.ndarray
    status: dict[str, np.ndarray]
    extra: dict[str, pa.Array]
    rows_read: int
    rows_rejected: int
    rows_outside_coverage: int
    coverage: tuple[date, date]
    files: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Rows that can be scored."""
        return len(self.row_number)


@dataclass(frozen=True)
class Rows:
    """Rows of all chunks without a fault of their own."""

    member_id: pa.Array
    file_id: np.ndarray
    row_number: np.ndarray
    arrays: dict[str, np.ndarray]
    extra: dict[str, pa.Array]

    def kept(self, keep: np.ndarray) -> Rows:
        """Return the rows where `keep` is True."""
        if keep.all():
            return self
        mask = from_numpy(keep, pa.bool_())
        arrays = {name: values[keep] for name, values in self.arrays.items()}
        extra = {name: values.filter(mask) for name, values in self.extra.items()}
        return Rows(self.member_id.filter(mask), self.file_id[keep], self.row_number[keep], arrays, extra)


def read_enrollment(
    extract: Extract,
    *,
    payment_year: int,
    fields: Sequence[str],
    rejects: Rejects,
    coverage_override: tuple[date, date] | None = None,
    threads: int = 1,
    member_numbers: Callable[[pa.Array], np.ndarray] = number_members,
    keeps: Callable[[pa.Array], np.ndarray] | None = None,
    coverage: Coverage | None = None,
    duration_last_days: Sequence[int] = (),
) -> Enrollment:
    """Read enrollment rows, check them, and code the status fields that the run's tables test.

    Parameters
    ----------
    extract : Extract
        Of role "enrollment".
    payment_year : int
        Months are counted in its calendar year.
    fields : sequence of str
        Status fields (terms.STATUS_FIELDS) that the tables test; only their columns are needed and checked.
        sex always is.
    rejects : Rejects
        Takes the rows that cannot be used.
    coverage_override : (first day, last day), optional
        Window of services of a what-if: months are counted in it where no span touches the payment year, and members
        may be born until it ends.
    threads : int
        Chunks read at a time.
    member_numbers : callable
        Gives each row's member a number from 0, from the ids of all rows without faults.
    keeps : callable, optional
        Tells which ids to read at all; rows of the others are as if they were not there.
    coverage : Coverage, optional
        Window in which months are counted, decided for a whole of which these rows are a share; a share may be empty.
    duration_last_days : sequence of int
        Last day of enrollment with an issuer that still counts as 1, 2, ... months, where the tables ask for it. [days]

    Returns
    -------
    Enrollment

    Raises
    ------
    ColumnMissingError
        If a column that the fields need is not there.
    ExtractError
        If the extract has no rows, or no span touches the payment year and no override was given.
    RowsRejectedError, CodeNotAllowedError
        If rows were rejected and `rejects` stops.
    """
    fields = tuple(dict.fromkeys(("sex", *fields)))
    notes = tuple(check_columns(extract, fields))
    names = wanted_columns(extract, fields)
    year_end = calendar_year(payment_year).end
    last_birth = year_end if coverage_override is None else max(year_end, coverage_override[1])
    blocks = list(_read_blocks(extract, names, last_birth, threads, keeps))
    rows_read = sum(len(block.row_number) for block in blocks)
    if not rows_read and coverage is None:
        raise no_rows(extract.files)
    for block in blocks:
        block.send(rejects)
    rows = _joined(extract, blocks)
    give_back_memory()
    rows.arrays["member"] = member_numbers(rows.member_id)
    rows = _without_contradictions(rows, extract, rejects)
    rejects.raise_if_stopping(rows_read)
    if coverage is None:
        starts, ends = rows.arrays["start_date"], rows.arrays["end_date"]
        coverage = choose_coverage(starts, ends, payment_year=payment_year, override=coverage_override)
    return _enrollment(extract, rows, fields, coverage, rows_read, notes, duration_last_days)


def no_rows(files: Sequence[str]) -> ExtractError:
    """Return the error of an enrollment without rows."""
    return ExtractError(f"{files[0]} has no enrollment rows; nobody can be scored.")


def check_columns(extract: Extract, fields: Sequence[str]) -> list[str]:
    """Raise ColumnMissingError for a column that `fields` need; return notes on what all columns together tell."""
    if "age_years" not in extract.columns:
        require(extract, ["birth_date"])
    if "enrollment_end_date" in extract.columns:
        require(extract, ["enrollment_start_date"])
    for name in fields:
        if STATUS_FIELDS[name] != FLAG and name not in SOURCE_COLUMNS:
            require(extract, [name])
    return [
        *_check_dual(extract, fields),
        *_absent_statuses(extract, fields),
        *_told_of_hospice(extract, fields),
    ]


def _check_dual(extract: Extract, fields: Sequence[str]) -> list[str]:
    """Ask for dual_status_code unless CMS's own two Medicaid flags stand in for it."""
    lacking = [name for name in _MEDICAID_FIELDS if name in fields and name not in extract.columns]
    if "dual_status_code" in extract.columns or not ("dual" in fields or lacking):
        return []
    if "ltimcaid" in extract.columns and "nemcaid" in extract.columns:
        return ["dual_status_code is absent: everybody counts as not dual where a paid segment is chosen"]
    require(extract, ["dual_status_code"])
    return []


def _absent_statuses(extract: Extract, fields: Sequence[str]) -> list[str]:
    """Say which statuses nobody has because the extract has no such column, and which column may be meant for one."""
    own = [
        name for name in fields if STATUS_FIELDS[name] == FLAG and name not in (*_MEDICAID_FIELDS, "is_esrd")
    ]
    if "is_esrd" not in extract.columns:
        own += [name for name in fields if name == "esrd_status"]
    absent = [name for name in own if name not in extract.columns]
    alike = {name: candidate_for(name, extract.headers[0]) for name in absent}
    notes = [f"the enrollment has no {', '.join(absent)}: no, or none, for everybody"] if absent else []
    return notes + [
        f"the enrollment's column '{theirs}' is not read; if it is {name}, say so with "
        f'columns={{"{name}": "{theirs}"}} (--columns {name}={theirs})'
        for name, theirs in alike.items()
        if theirs is not None
    ]


def _told_of_hospice(extract: Extract, fields: Sequence[str]) -> list[str]:
    if "is_hospice" in fields or "is_hospice" not in extract.columns:
        return []
    return ["is_hospice changes no score: in Part C a month of hospice is paid the rebate alone"]


def wanted_columns(extract: Extract, fields: Sequence[str]) -> list[str]:
    """Return the canonical columns to read for these status fields."""
    names = ["member_id", "birth_date", "age_years", *_SPAN_COLUMNS, *fields, *CARRIED]
    if {"dual", *_MEDICAID_FIELDS}.intersection(fields):
        names.append("dual_status_code")
    if "is_esrd" in fields:
        names.append("esrd_status")
    if "graft_duration" in fields:
        names += ["esrd_status", "graft_months"]
    if "enrollment_duration" in fields:
        names += ISSUER_COLUMNS
    return [name for name in dict.fromkeys(names) if name in extract.columns]


def _read_blocks(
    extract: Extract,
    names: Sequence[str],
    last_birth: date,
    threads: int,
    keeps: Callable[[pa.Array], np.ndarray] | None,
) -> Iterator[Block]:
    def read(chunk: Chunk) -> list[Block]:
        return list(map(read_piece, chunk.pieces()))

    def read_piece(chunk: Chunk) -> Block:
        table = chunk.read()
        numbers = row_numbers(table, chunk.first_row)
        if keeps is not None:
            kept = keeps(one_chunk(table.column("member_id")))
            table, numbers = table.filter(from_numpy(kept, pa.bool_())), numbers[kept]
        return read_block(table, chunk.file, numbers, last_birth, CARRIED)

    return chain.from_iterable(in_order(read, extract.chunks(names), threads))


def _joined(extract: Extract, blocks: list[Block]) -> Rows:
    """Return the rows without faults, of all chunks, in file order.

    `blocks` is emptied: a block goes when its rows are taken, and each of their columns when it is joined, so that no
    two copies of all columns stand side by side.
    """
    pieces = []
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        pieces.append(_columns_of(block, extract.files.index(block.file)))
    columns = {name: _join([piece.pop(name) for piece in pieces]) for name in list(pieces[0])}
    return Rows(
        member_id=columns.pop("member_id"),
        file_id=columns.pop("file_id"),
        row_number=columns.pop("row_number"),
        extra={name: columns.pop(name) for name in CARRIED if name in columns},
        arrays=columns,
    )


def _columns_of(block: Block, file_id: int) -> dict[str, Any]:
    """Return the columns of a block's rows without faults, by name."""
    numbers = block.row_number
    if numbers.max(initial=0) <= np.iinfo(np.int32).max:
        numbers = numbers.astype(np.int32)
    files = np.full(len(numbers), file_id, dtype=np.int32)
    rows = Rows(block.member_id, files, numbers, block.arrays, block.extra).kept(block.fault == 0)
    places = {"member_id": rows.member_id, "file_id": rows.file_id, "row_number": rows.row_number}
    return places | rows.arrays | rows.extra


def _join(pieces: list[Any]) -> Any:
    if isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces)
    return joined_ids(pieces)


def _without_contradictions(rows: Rows, extract: Extract, rejects: Rejects) -> Rows:
    """Return the rows that agree with the earlier rows of their member; reject the others."""
    keep = np.ones(len(rows.row_number), dtype=bool)
    has_months = "months_enrolled" in extract.columns
    for bad, column, reason in contradictions(rows.arrays, has_months=has_months):
        keep[bad] = False
        for file_id in np.unique(rows.file_id[bad]):
            of_file = bad[rows.file_id[bad] == file_id]
            rejects.add(extract.files[file_id], rows.row_number[of_file], column, reason)
    return rows.kept(keep)


def joined_ids(pieces: Sequence[pa.Array]) -> pa.Array:
    """Return the ids of several chunks as one array; files that disagree on the type of the id meet as text."""
    types = {piece.type for piece in pieces}
    if len(types) > 1:
        text = pa.large_string() if pa.large_string() in types else pa.string()
        pieces = [piece.cast(text) for piece in pieces]
    return one_chunk(pa.chunked_array(pieces))


def _enrollment(
    extract: Extract,
    rows: Rows,
    fields: Sequence[str],
    coverage: Coverage,
    rows_read: int,
    notes: tuple[str, ...],
    duration_last_days: Sequence[int],
) -> Enrollment:
    starts, ends = rows.arrays["start_date"], rows.arrays["end_date"]
    last_day = np.zeros(0, np.int32)
    if "enrollment_duration" in fields:
        rows.arrays.setdefault("issuer", np.full(len(starts), NO_ISSUER, np.int32))
        spans = issuer_spans(rows.arrays, coverage, rows.arrays["months_enrolled"], duration_last_days)
        rows.arrays["enrollment_duration"], last_day = spans.months, spans.last_day
    return Enrollment(
        member_id=rows.member_id,
        member=rows.arrays["member"],
        file_id=rows.file_id,
        row_number=rows.row_number,
        birth_date=rows.arrays["birth_date"],
        age_years=rows.arrays["age_years"],
        start_date=starts,
        end_date=ends,
        months_enrolled=_months(rows, coverage),
        last_day=last_day,
        status={name: status_field(name, rows.arrays, len(rows.row_number)) for name in fields},
        extra=rows.extra,
        rows_read=rows_read,
        rows_rejected=rows_read - len(rows.row_number),
        rows_outside_coverage=int((~touches(starts, ends, coverage)).sum()),
        coverage=(coverage.start, coverage.end),
        files=extract.files,
        notes=notes if coverage.note is None else (*notes, coverage.note),
    )


def _months(rows: Rows, coverage: Coverage) -> np.ndarray:
    given = rows.arrays["months_enrolled"]
    if (given != NO_NUMBER).all():
        return given
    counted = months_in(rows.arrays["start_date"], rows.arrays["end_date"], coverage)
    return np.where(given == NO_NUMBER, counted, given)


def status_field(name: str, columns: dict[str, np.ndarray], n_rows: int) -> np.ndarray:
    """Return status field `name` as positions in terms.STATUS_FIELDS, defaults applied; uint8, shape (n_rows,)."""
    if name not in columns:
        return _default(name, columns, n_rows)
    missing = columns[name] == MISSING
    if not missing.any():
        return columns[name]
    return np.where(missing, _default(name, columns, n_rows), columns[name])


def _default(name: str, columns: dict[str, np.ndarray], n_rows: int) -> np.ndarray:
    """Return what a blank cell means: Medicaid and ESRD follow from their codes, all else is the first code."""
    if name == "dual" or name in _MEDICAID_FIELDS:
        codes = columns.get("dual_status_code", np.full(n_rows, NOT_DUAL, dtype=np.uint8))
        codes = np.where(codes == MISSING, NOT_DUAL, codes)
        return DUAL_LEVEL[codes] if name == "dual" else HAS_MEDICAID[codes]
    if name == "graft_duration" and "graft_months" in columns:
        return graft_duration(columns["graft_months"])
    if name == "is_esrd" and "esrd_status" in columns:
        return (status_field("esrd_status", columns, n_rows) != 0).astype(np.uint8)
    return np.zeros(n_rows, dtype=np.uint8)
