"""Enrollment spans that share no day: each member's days count once, in one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.rows import BLANK, Integers, Labels, combined, read_rows

START, END = "enrollment_start_date", "enrollment_end_date"
#: Last day of a span without end: the last that a date can name.
OPEN_END = 2_932_896
_SHIFT = 1 << 31


@dataclass(frozen=True)
class Spans:
    """Disjoint spans, in order of member and first day.

    Attributes
    ----------
    members : Labels
        Of the spans.
    starts, ends : ndarray of int64, shape (n_spans,)
        Both days included. [days since 1970-01-01]
    groups : ndarray of int64, shape (n_spans,)
        Row of `group_table`.
    group_table : pyarrow.Table
        One row per combination of the `by` columns that occurs.
    counts : mapping
        spans_read = spans_kept + spans_within_others; days_counted_once: days of a member that several spans claim.
    """

    members: Labels = field(repr=False)
    starts: Integers
    ends: Integers
    groups: Integers
    group_table: pa.Table
    counts: Mapping[str, int]

    def find(self, ids: Labels, days: Integers) -> Integers:
        """Return the span that holds each day of each member; -1 where none does.

        Parameters
        ----------
        ids : Labels
            Members, in any coding.
        days : ndarray of int64, shape (n_rows,)
        """
        place = ids.places_in(self.members.names)
        keys = _key(self.members.codes, self.starts)
        row = np.searchsorted(keys, _key(place, days), side="right") - 1
        inside = (row >= 0) & (place >= 0)
        inside &= (self.members.codes[row] == place) & (days <= self.ends[row])
        return np.where(inside, row, -1)


def _key(members: Integers, days: Integers) -> Integers:
    """Return member and day as one number that sorts by both."""
    return (members << 32) + days + _SHIFT


def read_spans(source: Any, *, by: Sequence[str] = (), columns: Mapping[str, str] | None = None) -> Spans:
    """Read enrollment spans and let each day of a member count once.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table or mapping
        One row per member and span: member_id, enrollment_start_date, enrollment_end_date (blank: open), and the
        columns of `by`. No other column is read.
    by : sequence of str
        Columns that months are split by; a blank is "(blank)".
    columns : mapping, optional
        Our name -> the source's.

    Notes
    -----
    A day in several spans of a member counts in the span that begins first; of those that begin together in the one
    that ends last, then in the one that stands first. So totals do not depend on `by`.

    Raises
    ------
    InputError
        A column is missing, a span has no first day, or ends before it begins.
    """
    rows = read_rows(source, "enrollment", needed=("member_id", START, END, *by), columns=columns)
    members = rows.labels("member_id")
    starts, ends = rows.days(START), rows.days(END, blank=OPEN_END)
    rows.refuse(ends < starts, f"column '{END}': before {START}")
    labels = [rows.labels(name, blank=BLANK) for name in by]
    groups, codes = combined(labels, rows.n_rows)
    table = pa.table(
        {name: each.table_column(codes[:, i]) for i, (name, each) in enumerate(zip(by, labels, strict=True))}
    )
    order = np.lexsort((-ends, starts, members.codes))
    return _disjoint(
        Labels(members.codes[order], members.names),
        starts[order],
        ends[order],
        groups[order],
        table,
        rows.n_rows,
    )


def _disjoint(
    members: Labels, starts: Integers, ends: Integers, groups: Integers, table: pa.Table, n_read: int
) -> Spans:
    """Cut each span to the days after every earlier span of its member."""
    reached = np.maximum.accumulate(_key(members.codes, ends))
    before = np.concatenate(([-1], reached[:-1]))
    same_member = (before >> 32) == members.codes
    free_from = np.where(same_member, (before & 0xFFFFFFFF) - _SHIFT + 1, starts)
    cut = np.maximum(starts, free_from)
    kept = cut <= ends
    lost = (np.minimum(cut, ends + 1) - starts)[starts < cut]
    counts = {
        "spans_read": n_read,
        "spans_kept": int(kept.sum()),
        "spans_within_others": int((~kept).sum()),
        "days_counted_once": int(lost.sum()),
        "members": len(np.unique(members.codes)),
    }
    return Spans(
        Labels(members.codes[kept], members.names), cut[kept], ends[kept], groups[kept], table, counts
    )
