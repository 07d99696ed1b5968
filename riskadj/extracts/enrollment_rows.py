"""Enrollment rows of one chunk: dates, ages and status codes read, and each row's first fault noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import id_buffers, is_valid, one_chunk, values_of
from riskadj.extracts.dates import MISSING_DATE, days_of, to_days
from riskadj.extracts.issuers import ISSUER_COLUMNS, NO_ISSUER
from riskadj.extracts.normalise import as_codes
from riskadj.extracts.rejects import REASONS, Rejects
from riskadj.extracts.spans import OPEN_END
from riskadj.extracts.status import (
    MISSING,
    NOT_ALLOWED,
    Coded,
    clean,
    find_dual_status,
    finder,
    read_codes,
    read_flag,
)
from riskadj.terms import DUAL_STATUS_CODES, FLAG, STATUS_FIELDS

MOST_YEARS = 120
MOST_MONTHS = 12
#: Months since transplant that graft segments tell apart: the first, the first of the later group, the last.
_GRAFT_MONTHS = (4, 10, 240)

#: Stands in number columns where nothing is given, and where what stands is not allowed.
NO_NUMBER = -1
_BAD_NUMBER = -2

#: Code columns that may be blank, and what a blank means.
BLANK_MEANS = {"dual_status_code": "NA", "esrd_status": "none", "csr_indicator": "0"}


@dataclass
class Block:
    """Rows of one chunk.

    `fault` is 0 for a row that can be used so far, or 1 + the position in `faults` of its first (column, reason).
    """

    file: str
    row_number: np.ndarray
    member_id: pa.Array
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    extra: dict[str, pa.Array] = field(default_factory=dict)
    fault: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint8))
    faults: list[tuple[str, str]] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, bad: np.ndarray, column: str, reason: str) -> np.ndarray:
        """Note `reason` for rows without an earlier fault; return which rows those are."""
        fresh = bad & (self.fault == 0)
        if fresh.any():
            self.faults.append((column, reason))
            self.fault[fresh] = len(self.faults)
        return fresh

    def send(self, rejects: Rejects) -> None:
        """Hand the faulty rows over."""
        for index, (column, reason) in enumerate(self.faults, start=1):
            rows = self.row_number[self.fault == index]
            found = self.found.get(column, ()) if reason.endswith("_not_allowed") else ()
            rejects.add(
                self.file,
                rows,
                column,
                reason,
                allowed=allowed_codes(column),
                found=found,
            )


def allowed_codes(column: str) -> tuple[str, ...]:
    """Return the codes a status column may hold, for messages."""
    if column == "dual_status_code":
        return tuple(DUAL_STATUS_CODES)
    return STATUS_FIELDS.get(column, ())


def read_block(table: pa.Table, file: str, rows: np.ndarray, last_birth: date, carry: Sequence[str]) -> Block:
    """Read and check the rows of one chunk, in the documented order of reasons (`rejects.REASONS`)."""
    block = Block(file, rows, one_chunk(table.column("member_id")))
    block.fault = np.zeros(len(rows), dtype=np.uint8)
    block.refuse(_blank_ids(block.member_id), "member_id", "member_id_missing")
    _read_birth(block, table, last_birth)
    for name in _status_columns(table):
        _read_status(block, table, name)
    _read_span(block, table)
    _read_months(block, table)
    _read_graft(block, table)
    if "metal_level" in table.column_names:
        _read_issuer(block, table)
    carried = [name for name in carry if name in table.column_names]
    block.extra = {name: as_codes(table.column(name), label=file, name=name) for name in carried}
    return block


def _status_columns(table: pa.Table) -> list[str]:
    """Return the status columns of the chunk in the order in which faults are looked for."""
    order = ("sex", "orec", "dual_status_code", "esrd_status", *STATUS_FIELDS)
    return [name for name in dict.fromkeys(order) if name in table.column_names]


def _blank_ids(ids: pa.Array) -> np.ndarray:
    if ids.null_count == 0 and pa.types.is_integer(ids.type):
        return np.zeros(len(ids), dtype=bool)
    data, offsets = id_buffers(ids)
    blank = np.diff(offsets) == 0
    if not pa.types.is_integer(ids.type) and len(data):
        starts_blank = np.flatnonzero(~blank & (data[np.minimum(offsets[:-1], len(data) - 1)] == ord(" ")))
        for row in starts_blank.tolist():
            blank[row] = not data[offsets[row] : offsets[row + 1]].tobytes().strip()
    return blank


def _column(table: pa.Table, name: str) -> pa.Array | None:
    return one_chunk(table.column(name)) if name in table.column_names else None


def _read_birth(block: Block, table: pa.Table, last_birth: date) -> None:
    """Read birth_date, and age_years where birth_date is absent or null."""
    n_rows = len(block.row_number)
    births, ages = _column(table, "birth_date"), _column(table, "age_years")
    days, unreadable = to_days(births) if births is not None else _no_days(n_rows)
    years = (
        read_whole_numbers(ages, MOST_YEARS, label=block.file, name="age_years")
        if ages is not None
        else np.full(n_rows, NO_NUMBER, np.int16)
    )
    is_missing = (days == MISSING_DATE) & ~unreadable
    years = np.where(is_missing, years, np.int16(NO_NUMBER))
    oldest = days_of(date(last_birth.year - MOST_YEARS, 1, 1))
    block.refuse(is_missing & (years == _BAD_NUMBER), "age_years", "age_not_allowed")
    block.refuse(is_missing & (years == NO_NUMBER), "birth_date", "birth_date_missing")
    block.refuse(unreadable, "birth_date", "birth_date_unreadable")
    block.refuse(days > days_of(last_birth), "birth_date", "birth_date_in_future")
    block.refuse(~is_missing & (days < oldest), "birth_date", "age_above_120")
    block.arrays["birth_date"], block.arrays["age_years"] = days, years


def _no_days(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n_rows, MISSING_DATE, dtype=np.int32), np.zeros(n_rows, dtype=bool)


def _read_status(block: Block, table: pa.Table, name: str) -> None:
    """Read a status column; refuse what is not allowed, and blanks where a code is needed."""
    column = one_chunk(table.column(name))
    is_flag = name in STATUS_FIELDS and STATUS_FIELDS[name] == FLAG
    coded = _read_coded(column, name, is_flag, block.file)
    reason = "flag_not_allowed" if is_flag else _reason(name, "not_allowed")
    refused = block.refuse(coded.positions == NOT_ALLOWED, name, reason)
    if refused.any():
        block.found[name] = coded.refused_in(refused)
    if not is_flag and name not in BLANK_MEANS:
        block.refuse(_lacks_code(block, name, coded.positions), name, _reason(name, "missing"))
    block.arrays[name] = coded.positions


def _lacks_code(block: Block, name: str, positions: np.ndarray) -> np.ndarray:
    """Return the rows whose code is blank and needed; PACE has its own Part D model, whatever the plan type."""
    is_blank = positions == MISSING
    if name == "part_d_plan_type" and "is_pace" in block.arrays:
        return is_blank & (block.arrays["is_pace"] != 1)
    return is_blank


def _read_coded(column: pa.Array, name: str, is_flag: bool, label: str) -> Coded:
    if is_flag:
        return read_flag(column, label=label, name=name)
    find = find_dual_status if name == "dual_status_code" else finder(name)
    return read_codes(column, find, label=label, name=name)


def _reason(name: str, what: str) -> str:
    return f"{name}_{what}" if f"{name}_{what}" in REASONS else f"code_{what}"


def _read_span(block: Block, table: pa.Table) -> None:
    """Read the span; without a start column the row covers the whole year, without an end it is open."""
    n_rows = len(block.row_number)
    start_column, end_column = _column(table, "enrollment_start_date"), _column(table, "enrollment_end_date")
    if start_column is None:
        block.arrays["start_date"] = block.arrays["end_date"] = _no_days(n_rows)[0]
        return
    starts, bad_starts = to_days(start_column)
    ends, bad_ends = to_days(end_column) if end_column is not None else _no_days(n_rows)
    ends = np.where(ends == MISSING_DATE, np.int32(OPEN_END), ends)
    block.refuse((starts == MISSING_DATE) & ~bad_starts, "enrollment_start_date", "span_start_missing")
    block.refuse(bad_starts, "enrollment_start_date", "span_start_unreadable")
    block.refuse(bad_ends, "enrollment_end_date", "span_end_unreadable")
    block.refuse(ends < starts, "enrollment_end_date", "span_end_before_start")
    births = block.arrays["birth_date"]
    block.refuse((births != MISSING_DATE) & (births > ends), "birth_date", "born_after_span")
    block.arrays["start_date"], block.arrays["end_date"] = starts, ends


def _read_months(block: Block, table: pa.Table) -> None:
    column = _column(table, "months_enrolled")
    if column is None:
        months = np.full(len(block.row_number), NO_NUMBER, dtype=np.int16)
    else:
        months = read_whole_numbers(column, MOST_MONTHS, label=block.file, name="months_enrolled")
        block.refuse(months == _BAD_NUMBER, "months_enrolled", "months_not_allowed")
    block.arrays["months_enrolled"] = months


def _read_graft(block: Block, table: pa.Table) -> None:
    """Read months since transplant; a functioning graft without them cannot be scored."""
    column = _column(table, "graft_months")
    if column is None or "esrd_status" not in block.arrays:
        return
    first, _, most = _GRAFT_MONTHS
    months = read_whole_numbers(column, most, label=block.file, name="graft_months")
    is_graft = block.arrays["esrd_status"] == STATUS_FIELDS["esrd_status"].index("graft")
    block.refuse(is_graft & (months < first), "graft_months", "graft_months_not_allowed")
    block.arrays["graft_months"] = np.where(is_graft, months, np.int16(NO_NUMBER))


def _read_issuer(block: Block, table: pa.Table) -> None:
    """Read the issuer that issuer_id or plan_id names; refuse ids that are none, and two that disagree."""
    issuer = np.full(len(block.row_number), NO_ISSUER, dtype=np.int32)
    for name in ISSUER_COLUMNS:
        column = _column(table, name)
        if column is None:
            continue
        found, is_bad = _issuers(column, name, block.file)
        block.refuse(is_bad, name, f"{name}_not_allowed")
        block.refuse((issuer >= 0) & (found >= 0) & (found != issuer), name, "issuer_conflict")
        issuer = np.where(found >= 0, found, issuer)
    block.arrays["issuer"] = issuer


def _issuers(column: pa.Array, name: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the issuer of each row, NO_ISSUER where the cell is blank, and where it is no HIOS id."""
    array = as_codes(column, label=label, name=name)
    words = [clean(text or "") for text in array.dictionary.to_pylist()]
    found = [ISSUER_COLUMNS[name](word) for word in words]
    issuers = np.array([NO_ISSUER if issuer is None else issuer for issuer in found] + [NO_ISSUER], np.int32)
    is_bad = np.array(
        [bool(word) and issuer is None for word, issuer in zip(words, found, strict=True)] + [False]
    )
    entries = np.where(is_valid(array), values_of(array.indices), np.int32(len(words)))
    return issuers[entries], is_bad[entries]


def graft_duration(graft_months: np.ndarray) -> np.ndarray:
    """Return the status field graft_duration of each row (uint8 positions); without a graft it is the first code."""
    first, later, _ = _GRAFT_MONTHS
    return ((graft_months >= first).astype(np.uint8) + (graft_months >= later)).astype(np.uint8)


def read_whole_numbers(column: pa.Array, high: int, *, label: str, name: str) -> np.ndarray:
    """Return whole numbers from 0 to `high` as int16; NO_NUMBER for blanks, -2 for anything else."""
    coded = read_codes(column, lambda word: _whole(word, high), label=label, name=name)
    numbers = coded.positions.astype(np.int16)
    numbers[coded.positions == MISSING] = NO_NUMBER
    numbers[coded.positions == NOT_ALLOWED] = _BAD_NUMBER
    return numbers


def _whole(word: str, high: int) -> int | None:
    return int(word) if word.isdecimal() and len(word) <= 3 and int(word) <= high else None
