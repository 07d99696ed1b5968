"""Rows of one member that contradict each other: another birth date or sex, the same span twice, overlapping spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import values_of
from riskadj.extracts.dates import MISSING_DATE


@dataclass(frozen=True)
class Repeats:
    """Rows of members that have several, sorted by member and file order; arrays of one shape.

    Parameters
    ----------
    rows : ndarray of int64
        Positions among all rows.
    member : ndarray of int64
        Equal for the rows of one member, ascending.
    """

    rows: np.ndarray
    member: np.ndarray

    def without(self, bad: np.ndarray) -> Repeats:
        """Return the rows where `bad` is False."""
        return Repeats(self.rows[~bad], self.member[~bad])


def contradictions(
    arrays: Mapping[str, np.ndarray], *, has_months: bool
) -> Iterator[tuple[np.ndarray, str, str]]:
    """Yield (rows, column, reason) for rows that contradict an earlier row of their member.

    In this order: a birth date or sex unlike the member's first row; a span the member has already; a span that
    overlaps one that stays. Of two rows that overlap the one that starts later goes, of two that start together the one
    further down the file. Without dates every row claims the whole year; then, and only then, rows with given months
    (`has_months`) may stand side by side.

    Parameters
    ----------
    arrays : mapping of ndarray
        member (its number, from 0), birth_date, sex, start_date, end_date, and all other columns that tell rows apart;
        shape (n_rows,).
    """
    repeats = repeated_members(arrays["member"])
    for name in ("birth_date", "sex"):
        bad = _unlike_first(repeats, arrays[name])
        yield repeats.rows[bad], name, f"{name}_conflict"
        repeats = repeats.without(bad)
    starts = arrays["start_date"]
    is_dated = len(starts) > 0 and starts[0] != MISSING_DATE
    if not is_dated and has_months:
        return
    column = "enrollment_start_date" if is_dated else "member_id"
    bad = _same_span(repeats, arrays)
    is_other = bad & _other_status(repeats, arrays) if not is_dated else np.zeros(len(bad), dtype=bool)
    yield repeats.rows[bad & ~is_other], column, "duplicate_span"
    yield repeats.rows[is_other], column, "overlapping_span"
    yield _overlapping(repeats.without(bad), arrays), column, "overlapping_span"


def _first_of_member(repeats: Repeats) -> np.ndarray:
    """Return, for each repeat, the position of its member's first one."""
    is_first = np.ones(len(repeats.rows), dtype=bool)
    is_first[1:] = repeats.member[1:] != repeats.member[:-1]
    return np.maximum.accumulate(np.where(is_first, np.arange(len(is_first)), 0))


def _unlike_first(repeats: Repeats, values: np.ndarray) -> np.ndarray:
    """Return True where a value differs from that of the member's first row; MISSING_DATE differs from nothing."""
    values = values[repeats.rows]
    first = values[_first_of_member(repeats)]
    return (values != first) & (values != MISSING_DATE) & (first != MISSING_DATE)


def _same_span(repeats: Repeats, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return True where an earlier row of the member has the same span."""
    starts, ends = arrays["start_date"][repeats.rows], arrays["end_date"][repeats.rows]
    order = np.lexsort((ends, starts, repeats.member))  # stable: file order among equals
    keys = [key[order] for key in (repeats.member, starts, ends)]
    bad = np.zeros(len(order), dtype=bool)
    bad[order[1:]] = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
    return bad


def _other_status(repeats: Repeats, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return True where any column differs from the member's first row."""
    first = repeats.rows[_first_of_member(repeats)]
    differs = [values[repeats.rows] != values[first] for values in arrays.values()]
    return np.logical_or.reduce(differs)


def _overlapping(repeats: Repeats, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the rows that overlap a span of their member that starts earlier and stays."""
    starts, ends = arrays["start_date"][repeats.rows], arrays["end_date"][repeats.rows].astype(np.int64)
    order = np.lexsort((starts, repeats.member))
    rows, member, starts, ends = repeats.rows[order], repeats.member[order], starts[order], ends[order]
    step = np.int64(1) << 33  # keeps the running maximum of one member below the next member's
    latest_end = np.maximum.accumulate(member * step + ends) - member * step
    overlaps = np.zeros(len(rows), dtype=bool)
    overlaps[1:] = (member[1:] == member[:-1]) & (starts[1:] <= latest_end[:-1])
    if not overlaps.any():
        return rows[:0]
    concerned = np.isin(member, np.unique(member[overlaps]))
    stays = _earliest_that_fit(member[concerned], starts[concerned], ends[concerned])
    return rows[concerned][~stays]


def _earliest_that_fit(member: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return True for the spans that stay when each is taken in turn unless it overlaps one taken before."""
    stays = np.zeros(len(member), dtype=bool)
    current, taken_until = None, 0
    for index, (owner, start, end) in enumerate(
        zip(member.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ):
        if owner != current or start > taken_until:
            current, taken_until, stays[index] = owner, end, True
    return stays


def repeated_members(member: np.ndarray) -> Repeats:
    """Return the rows whose member has several.

    Parameters
    ----------
    member : ndarray of int32, shape (n_rows,)
        Number of each row's member, from 0.
    """
    is_repeat = (np.bincount(member) > 1)[member] if len(member) else np.zeros(0, dtype=bool)
    rows = np.flatnonzero(is_repeat)
    rows = rows[np.argsort(member[rows], kind="stable")]
    return Repeats(rows, member[rows].astype(np.int64))


def number_members(ids: pa.Array) -> np.ndarray:
    """Return a number for each row's member, from 0 in order of appearance (int32, shape (len(ids),))."""
    return values_of(ids.dictionary_encode().indices)
