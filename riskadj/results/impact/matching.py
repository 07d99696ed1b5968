"""Which enrollment rows of two runs are the same: by member and span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.extracts.enrollment import Enrollment, joined_ids
from riskadj.scoring.members import index_members

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MatchedRows:
    """Rows of two enrollments, by position.

    Attributes
    ----------
    before, after : ndarray of int64, shape (n_matched,)
        The same rows in either enrollment, in the order of the first.
    only_before, only_after : ndarray of int64
        Rows without their like on the other side.
    """

    before: Rows
    after: Rows
    only_before: Rows
    only_after: Rows

    @property
    def n_rows(self) -> int:
        """Number of rows that both have."""
        return len(self.before)


def match_rows(before: Enrollment, after: Enrollment, rows_before: Rows, rows_after: Rows) -> MatchedRows:
    """Match enrollment rows by member id, first and last day of the span.

    Rows that agree in all three are matched in their order: the first with the first, the second with the second.

    Parameters
    ----------
    before, after : Enrollment
        Ids of different types meet as text.
    rows_before, rows_after : ndarray of int64
        Which rows to match.
    """
    left, right = _keys(before, after, rows_before, rows_after)
    if len(left) == len(right) and np.array_equal(left, right):
        none = np.empty(0, np.int64)
        return MatchedRows(rows_before, rows_after, none, none)
    _, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    order = np.argsort(at_left)
    return MatchedRows(
        before=rows_before[at_left[order]],
        after=rows_after[at_right[order]],
        only_before=np.delete(rows_before, at_left),
        only_after=np.delete(rows_after, at_right),
    )


def _keys(before: Enrollment, after: Enrollment, rows_before: Rows, rows_after: Rows) -> tuple[Rows, Rows]:
    """Return a number for each row, the same for the same member, span and repeat of both."""
    members = index_members(joined_ids([before.member_id, after.member_id])).member_of_row.astype(np.int64)
    members = np.concatenate([members[: before.n_rows][rows_before], members[before.n_rows :][rows_after]])
    starts = np.concatenate([before.start_date[rows_before], after.start_date[rows_after]])
    ends = np.concatenate([before.end_date[rows_before], after.end_date[rows_after]])
    spans, span = np.unique((starts.astype(np.int64) << 32) + ends, return_inverse=True)
    keys = members * len(spans) + span
    left, right = keys[: len(rows_before)], keys[len(rows_before) :]
    repeats = (_repeats(left), _repeats(right))
    most = 1 + max((int(each.max()) for each in repeats if len(each)), default=0)
    return left * most + repeats[0], right * most + repeats[1]


def _repeats(keys: Rows) -> Rows:
    """Return how many earlier rows have each row's key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])[: len(keys)]
    starts = np.flatnonzero(is_first)
    result = np.empty(len(keys), np.int64)
    result[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return result
