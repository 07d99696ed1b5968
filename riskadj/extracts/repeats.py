"""Rows of one member that contradict each other: another birth date or sex, the same span twice, overlapping spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.extracts.buffers import from_numpy, id_buffers, values_of
from riskadj.extracts.dates import MISSING_DATE

_BLOCK = 131_072
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


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
    ids: pa.Array, arrays: Mapping[str, np.ndarray], *, has_months: bool
) -> Iterator[tuple[np.ndarray, str, str]]:
    """Yield (rows, column, reason) for rows that contradict an earlier row of their member.

    In this order: a birth date or sex unlike the member's first row; a span the member has already; a span that
    overlaps one that stays. Of two rows that overlap the one that starts later goes, of two that start together the one
    further down the file. Without dates every row claims the whole year; then, and only then, rows with given months
    (`has_months`) may stand side by side.

    Parameters
    ----------
    ids : pyarrow.Array
        Member ids, none missing.
    arrays : mapping of ndarray
        birth_date, sex, start_date, end_date, and all other columns that tell rows apart; shape (len(ids),).
    """
    repeats = repeated_members(ids)
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


def repeated_members(ids: pa.Array) -> Repeats:
    """Return the rows whose member has several.

    Ids are compared by a 64-bit hash and then, where the hashes agree, byte by byte; an extract with one row per member
    costs one sort.
    """
    hashes = hash_ids(ids)
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return Repeats(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    order = np.argsort(hashes, kind="stable")
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = hashes[order[1:]] != hashes[order[:-1]]
    is_repeat = ~is_new
    is_repeat[:-1] |= ~is_new[1:]
    rows, member = order[is_repeat], np.cumsum(is_new)[is_repeat]
    if _share_ids(ids, rows, member):
        return Repeats(rows, member)
    return _compared_exactly(ids, np.sort(rows))


def _share_ids(ids: pa.Array, rows: np.ndarray, member: np.ndarray) -> bool:
    """Return True if rows with one hash have one id, as all but one in 10^7 extracts of a million rows do."""
    sorted_ids = ids.take(from_numpy(rows, pa.int64()))
    is_equal = pc.equal(sorted_ids[1:], sorted_ids[:-1])
    return bool(values_of(is_equal)[member[1:] == member[:-1]].all())


def _compared_exactly(ids: pa.Array, rows: np.ndarray) -> Repeats:
    member = values_of(ids.take(from_numpy(rows, pa.int64())).dictionary_encode().indices).astype(np.int64)
    order = np.argsort(member, kind="stable")
    order = order[np.bincount(member)[member[order]] > 1]
    return Repeats(rows[order], member[order])


def hash_ids(ids: pa.Array) -> np.ndarray:
    """Return a 64-bit hash of each id; uint64, shape (len(ids),)."""
    if pa.types.is_int64(ids.type):
        return values_of(ids).astype(np.uint64) * _MIX
    data, offsets = id_buffers(ids)
    lengths = np.diff(offsets)
    hashes = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), _BLOCK):
        block = slice(start, start + _BLOCK)
        for length in np.unique(lengths[block]):
            rows = start + np.flatnonzero(lengths[block] == length)
            hashes[rows] = _hash_equal_lengths(data, offsets[rows], int(length))
    return hashes


def _hash_equal_lengths(data: np.ndarray, begins: np.ndarray, length: int) -> np.ndarray:
    width = -(-length // 8) * 8
    padded = np.zeros((len(begins), width), dtype=np.uint8)
    for position in range(length):
        padded[:, position] = data[begins + position]
    hashes = np.full(len(begins), length, dtype=np.uint64)
    for word in padded.view(np.uint64).T:
        hashes = (hashes ^ word) * _MIX
        hashes ^= hashes >> _SHIFT
    return hashes
