"""Costs of a calibration: claim lines or member totals added up per enrollment row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnTypeError
from riskadj.extracts.buffers import cast_ids, harmonise_ids, is_valid, one_chunk, values_of
from riskadj.extracts.dates import MISSING_DATE, days_of
from riskadj.extracts.enrollment_rows import MOST_MONTHS
from riskadj.extracts.open import Extract, require, row_numbers
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.run import ScoringRun

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

MONTHS_A_YEAR = 12
#: Sums of dollars and cents are kept to this many decimals, so that a reversal leaves zero and no dust.
_DECIMALS = 6


@dataclass(frozen=True)
class RowCosts:
    """What each enrollment row cost in its eligible months.

    Attributes
    ----------
    cost : ndarray of float64, shape (n_rows,)
        [dollars in the eligible months]
    months : ndarray of float64, shape (n_rows,)
        [eligible months]
    usable : ndarray of bool, shape (n_rows,)
        Rows that have months, and whose cost is not negative.
    counts : dict
        Rows read, used and rejected of the costs extract, and dollars; they add up.
    """

    cost: Floats
    months: Floats
    usable: npt.NDArray[np.bool_]
    counts: dict[str, Any]

    @property
    def weight(self) -> Floats:
        """Eligible fraction of the year. [years]"""
        return self.months / MONTHS_A_YEAR

    def annualised(self, rows: Rows) -> Floats:
        """Return the cost of rows that are usable per eligible year. [dollars a year]"""
        return self.cost[rows] / self.weight[rows]


def read_costs(extract: Extract, run: ScoringRun, amount: str) -> RowCosts:
    """Add up the costs of every enrollment row of a run.

    Parameters
    ----------
    extract : Extract
        Of role "claims" (`amount` is a column of its lines) or "costs" (totals by member).
    run : ScoringRun
        Its rejects take the rows that cannot be used.

    Raises
    ------
    ColumnMissingError, ColumnTypeError
        A column that is needed is not there, or holds no numbers.
    RowsRejectedError
        Rows cannot be used and the run does not list rejects.
    """
    counts: Counter[str] = Counter()
    if extract.role == "claims":
        require(extract, ("service_date", amount))
        cost = _add_up_claims(extract, run, amount, counts)
        months = run.population.enrollment.months_enrolled.astype(np.float64)
    else:
        require(extract, ("cost",))
        cost, months = _spread_totals(extract, run, counts)
    cost = np.round(cost, _DECIMALS)
    usable = _reject_rows(run, cost, months)
    run.rejects.raise_if_stopping()
    report = {
        "files": list(extract.files),
        "amount": amount,
        **{
            name: counts[name]
            for name in ("rows_read", "rows_used", "rows_outside_coverage", "rows_rejected")
        },
        "enrollment_rows_used": int(usable.sum()),
        "enrollment_rows_without_months": int((months <= 0).sum()),
        "dollars_used": round(float(cost[usable].sum()), 2),
    }
    return RowCosts(cost, months, usable, report)


def _reject_rows(run: ScoringRun, cost: Floats, months: Floats) -> npt.NDArray[np.bool_]:
    """Reject enrollment rows with a negative total, or with costs and no months to spread them over."""
    enrollment = run.population.enrollment
    lacks_months = (months <= 0) & (cost != 0)
    negative = (cost < 0) & ~lacks_months
    for bad, reason in ((lacks_months, "cost_without_months"), (negative, "cost_negative")):
        for file_id in np.unique(enrollment.file_id[bad]):
            rows = enrollment.row_number[bad & (enrollment.file_id == file_id)]
            run.rejects.add(enrollment.files[file_id], rows, "member_id", reason)
    return (months > 0) & ~negative


@dataclass(frozen=True)
class _Piece:
    """Rows of the costs extract whose amount is a number and whose member is known."""

    table: pa.Table
    rows: Rows
    members: npt.NDArray[np.int32]
    amounts: Floats

    def column(self, name: str) -> pa.Array:
        return one_chunk(self.table.column(name))


def _pieces(
    extract: Extract, run: ScoringRun, names: tuple[str, ...], amount: str, counts: Counter[str]
) -> Any:
    """Yield the usable rows of the extract a few at a time; count and reject the others."""
    id_type = _id_type(run, extract)
    for chunk in extract.chunks(("member_id", *names, amount)):
        for each in chunk.pieces():
            rejects = Rejects(run.rejects.mode)
            table = each.read(rejects)
            numbers = row_numbers(table, each.first_row)
            counts["rows_read"] += table.num_rows + len(rejects)
            amounts, is_number = _amounts(one_chunk(table.column(amount)), each.file, amount)
            rejects.add(each.file, numbers[~is_number], amount, "amount_missing")
            rows = np.flatnonzero(is_number)
            members = run.index.find(cast_ids(one_chunk(table.column("member_id")), id_type), rows)
            rejects.add(each.file, numbers[rows[members < 0]], "member_id", "cost_not_enrolled")
            rows, members = rows[members >= 0], members[members >= 0]
            yield _Piece(table, rows, members, amounts[rows]), rejects, each.file, numbers
            counts["rows_rejected"] += len(rejects)
            run.rejects.merge(rejects)


def _id_type(run: ScoringRun, extract: Extract) -> pa.DataType:
    """Return the type in which the run compares member ids; refuse costs whose ids cannot be had in it."""
    if pa.types.is_integer(run.index_id_type) and not pa.types.is_integer(extract.id_type):
        raise ColumnTypeError(
            f"{extract.files[0]}, column 'member_id' is {extract.id_type}, but whole numbers in the enrollment and the "
            "diagnoses; give it alike in all three."
        )
    return harmonise_ids(run.index_id_type, extract.id_type) or run.index_id_type


def _amounts(column: pa.Array, label: str, name: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return dollars, and True where there is a number."""
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        raise ColumnTypeError(
            f"{label}, column '{name}' holds text that is no number; give dollars."
        ) from None
    values = values_of(numbers).astype(np.float64)
    is_number = is_valid(numbers) & np.isfinite(values)
    return np.where(is_number, values, 0.0), is_number


# --- claim lines -----------------------------------------------------------------------------------------------------


def _add_up_claims(extract: Extract, run: ScoringRun, amount: str, counts: Counter[str]) -> Floats:
    """Return the cost of each row: lines whose service date lies in its span and in the months that count."""
    spans = _Spans.of(run)
    cost = np.zeros(run.population.n_rows)
    for piece, rejects, file, numbers in _pieces(extract, run, ("service_date",), amount, counts):
        dates = piece.column("service_date")
        dated = is_valid(dates)[piece.rows]
        rejects.add(file, numbers[piece.rows[~dated]], "service_date", "service_date_missing")
        rows = spans.find(piece.members[dated], values_of(dates)[piece.rows[dated]])
        np.add.at(cost, rows[rows >= 0], piece.amounts[dated][rows >= 0])
        counts["rows_used"] += int((rows >= 0).sum())
        counts["rows_outside_coverage"] += int((rows < 0).sum())
    return cost


@dataclass(frozen=True)
class _Spans:
    """Spans of the enrollment rows, cut to the months that count, in order of member and first day."""

    keys: Rows
    ends: Rows
    rows: Rows

    @classmethod
    def of(cls, run: ScoringRun) -> _Spans:
        enrollment, members = run.population.enrollment, run.population.member_of_row.astype(np.int64)
        first, last = (days_of(day) for day in enrollment.coverage)
        undated = enrollment.start_date == MISSING_DATE
        starts = np.where(undated, first, np.maximum(enrollment.start_date, first)).astype(np.int64)
        ends = np.where(undated, last, np.minimum(enrollment.end_date, last)).astype(np.int64)
        keys = _span_key(members, starts)
        kept = np.flatnonzero(starts <= ends)
        rows = kept[np.argsort(keys[kept], kind="stable")]
        return cls(keys[rows], _span_key(members, ends)[rows], rows)

    def find(self, members: npt.NDArray[np.int32], days: npt.NDArray[np.int32]) -> Rows:
        """Return the row whose span holds each day of each member; -1 where none does."""
        if not len(self.keys):
            return np.full(len(days), -1, np.int64)
        keys = _span_key(members.astype(np.int64), days.astype(np.int64))
        at = np.searchsorted(self.keys, keys, side="right") - 1
        inside = (at >= 0) & (keys <= self.ends[at])
        return np.where(inside, self.rows[at], -1)


def _span_key(members: Rows, days: Rows) -> Rows:
    """Return member and day as one number that sorts by both; days may lie before 1970."""
    return (members << 32) + days + (1 << 31)


# --- member totals ---------------------------------------------------------------------------------------------------


def _spread_totals(extract: Extract, run: ScoringRun, counts: Counter[str]) -> tuple[Floats, Floats]:
    """Return cost and months of each row: a member's total is spread over their rows by months enrolled.

    Months of the extract replace those of the enrollment; a member that it does not list then has none.
    """
    n_members, member_of_row = run.index.n_members, run.population.member_of_row
    has_months = "months_enrolled" in extract.columns
    totals, eligible = np.zeros(n_members), np.zeros(n_members)
    seen = np.zeros(n_members, np.bool_)
    names = ("months_enrolled",) if has_months else ()
    for piece, rejects, file, numbers in _pieces(extract, run, names, "cost", counts):
        kept = _first_of_each(piece.members) & ~seen[piece.members]
        rejects.add(file, numbers[piece.rows[~kept]], "member_id", "cost_twice")
        if has_months:
            months, good = _months(piece, file)
            rejects.add(file, numbers[piece.rows[kept & ~good]], "months_enrolled", "months_not_allowed")
            kept &= good
            eligible[piece.members[kept]] = months[kept]
        seen[piece.members[kept]] = True
        totals[piece.members[kept]] = piece.amounts[kept]
        counts["rows_used"] += int(kept.sum())
    enrolled = run.population.enrollment.months_enrolled.astype(np.float64)
    share = _share(enrolled, member_of_row, n_members)
    return totals[member_of_row] * share, eligible[member_of_row] * share if has_months else enrolled


def _first_of_each(members: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    is_first = np.zeros(len(members), np.bool_)
    is_first[np.unique(members, return_index=True)[1]] = True
    return is_first


def _months(piece: _Piece, file: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
    months, is_number = _amounts(piece.column("months_enrolled"), file, "months_enrolled")
    good = is_number & (months >= 0) & (months <= MOST_MONTHS)
    return months[piece.rows], good[piece.rows]


def _share(months: Floats, member_of_row: npt.NDArray[np.int32], n_members: int) -> Floats:
    """Return each row's share of its member's months; of a member without any, equal shares."""
    total = np.bincount(member_of_row, weights=months, minlength=n_members)[member_of_row]
    n_rows = np.bincount(member_of_row, minlength=n_members)[member_of_row]
    return np.where(total > 0, months / np.where(total > 0, total, 1.0), 1.0 / n_rows)
