"""The members of a base month, each with a payment risk score and a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.errors import InputError
from pricing.experience.months import first_days, month_of, name_of
from pricing.experience.spans import END, OPEN_END, START
from pricing.revenue.cohorts import Cohorts
from pricing.revenue.statuses import DERIVED, NEEDED, derived
from pricing.rows import BLANK, Integers, Labels, Numbers, Rows, numbered, read_rows, rows_in_words

SCORE = "payment_risk_score"
PLAN = ("contract_id", "plan_id")
#: Columns that cohorts are made by unless the caller names others; those that the enrollment has not are left out.
BY = (*PLAN, "county_code", *DERIVED)
#: Scores are added up as whole numbers of these parts of 1.000, so that the order of members changes no sum.
SCORE_PARTS = 1_000_000
_LONG_AGO = -(1 << 31)


@dataclass(frozen=True)
class Membership:
    """Members of the base month.

    Attributes
    ----------
    base_month : int
        Months since January 1970.
    cohorts : Cohorts
    cohort_of_member : ndarray of int64, shape (n_members,)
    scores : ndarray of float64, shape (n_members,)
        Part C payment risk scores. [1.000 = average beneficiary]
    part_d_scores : ndarray of float64, shape (n_members,), or None
        Part D payment risk scores [1.000 = average beneficiary]; None: no Part D in this forecast.
    later_scores : mapping of int to ndarray of float64, shape (n_members,)
        Part C scores of the same members under the rules of later payment years, by year.
    counts : mapping of str to int
        rows_read = members + rows_of_other_months; members_without_score: enrolled in the month, but not scored.
    """

    base_month: int
    cohorts: Cohorts
    cohort_of_member: Integers = field(repr=False)
    scores: Numbers = field(repr=False)
    part_d_scores: Numbers | None = field(repr=False)
    later_scores: Mapping[int, Numbers] = field(repr=False)
    counts: Mapping[str, int]

    @property
    def n_members(self) -> int:
        """Members of the base month."""
        return len(self.scores)

    @property
    def members(self) -> Numbers:
        """Members of each cohort, shape (n_cohorts,)."""
        return np.bincount(self.cohort_of_member, minlength=len(self.cohorts)).astype(np.float64)

    def total(self, scores: Numbers) -> Numbers:
        """Return the sum of members' scores by cohort, shape (n_cohorts,), exact to a millionth."""
        parts = np.rint(scores * SCORE_PARTS)
        return np.bincount(self.cohort_of_member, parts, len(self.cohorts)) / SCORE_PARTS

    def __repr__(self) -> str:
        """Return how many members and cohorts there are."""
        return (
            f"<{self.n_members:,} members of {name_of(self.base_month)} in {len(self.cohorts):,} cohorts "
            f"by {', '.join(self.cohorts.by)}>"
        )


def members_of_scores(
    scores: Any,
    enrollment: Any = None,
    *,
    base_month: date | str,
    part_d_scores: Any = None,
    later_scores: Mapping[int, Any] | None = None,
    by: Sequence[str] | None = None,
) -> Membership:
    """Return the members of a base month, from scores and the enrollment extract that was scored.

    Parameters
    ----------
    scores : riskadj.Scores, path, DataFrame or Arrow table
        What `riskadj.score` returns, or its payment scores: member_id, payment_risk_score, and the span
        (enrollment_start_date, enrollment_end_date; without them every row is one of the base month).
    enrollment : path, DataFrame or Arrow table, optional
        The extract that was scored, with the columns of `by` and those that statuses are derived from
        (`pricing.revenue.statuses.NEEDED`). Not needed with riskadj.Scores, nor where `scores` has those columns.
    base_month : date or str
        ``"2026-01"``: members are those whose span covers its first day.
    part_d_scores : as `scores`, optional
        Part D payment risk scores of the same members.
    later_scores : mapping of int to the same, optional
        Payment year -> Part C scores of the same members under that year's rules; it is the exact way to take the
        next years' models, normalization and blend into the forecast.
    by : sequence of str, optional
        Columns that make a cohort: any of the enrollment's, and status, age_group, payer, low_income, which are
        derived. Default: those of `BY` that there is something for.

    Returns
    -------
    Membership

    Raises
    ------
    InputError
        A column is missing or blank, a member has two rows in the base month, or a scored member is not enrolled
        or has no Part D or later score.
    """
    month = month_of(base_month)
    scored = _Month.of(_table(scores), "scores", (SCORE,), month)
    enrolled = _Month.of(_enrollment(scores, enrollment), "enrollment", (), month, by=by)
    place = enrolled.find(scored.ids)
    scored.refuse(place < 0, f"members of {name_of(month)} whom {enrolled.rows.label} lacks")
    labels = {name: _taken(column, place) for name, column in enrolled.columns(by, month).items()}
    group, codes = numbered(
        [column.codes for column in labels.values()],
        [len(each.names) for each in labels.values()],
        len(place),
    )
    table = pa.table(
        {name: column.table_column(codes[:, at]) for at, (name, column) in enumerate(labels.items())}
    )
    part_d = None if part_d_scores is None else _matched(scored, part_d_scores, "Part D scores", month)
    later = {
        year: _matched(scored, source, f"scores of {year}", month)
        for year, source in sorted((later_scores or {}).items())
    }
    cohorts, cohort_of_member = _sorted(table, group)
    return Membership(
        month, cohorts, cohort_of_member, scored.scores(), part_d, later, _counts(scored, enrolled)
    )


@dataclass(frozen=True)
class _Month:
    """Rows of a table that cover the first day of the base month: one for each member."""

    rows: Rows
    kept: Integers
    ids: pa.Array

    @classmethod
    def of(
        cls, source: Any, role: str, needed: tuple[str, ...], month: int, *, by: Sequence[str] | None = None
    ) -> _Month:
        own = [name for name in by if name not in DERIVED] if by is not None else []
        rows = read_rows(
            source, role, needed=("member_id", *needed, *own), optional=(START, END, *BY, *NEEDED)
        )
        kept = np.flatnonzero(_covers(rows, month))
        ids = rows.labels("member_id")
        seen = np.bincount(ids.codes[kept], minlength=len(ids.names))
        twice = np.zeros(rows.n_rows, np.bool_)
        twice[kept] = (seen > 1)[ids.codes[kept]]
        rows.refuse(twice, "more than one row of a member in the base month")
        if not len(kept):
            raise InputError(f"{rows.label} has no row that covers the base month; give another base_month.")
        return cls(rows, kept, ids.names.take(pa.array(ids.codes[kept])))

    def find(self, ids: pa.Array) -> Integers:
        """Return the place of each member id among the rows kept; -1 where it is not there."""
        found = pc.index_in(ids, value_set=self.ids.cast(ids.type))
        result: Integers = found.fill_null(-1).to_numpy().astype(np.int64)
        return result

    def scores(self) -> Numbers:
        """Return the payment risk scores of the rows kept."""
        scores = self.rows.numbers(SCORE)
        self.rows.refuse(scores < 0, f"column '{SCORE}': below 0")
        return scores[self.kept]

    def columns(self, by: Sequence[str] | None, month: int) -> dict[str, Labels]:
        """Return the columns that make a cohort, of the rows kept."""
        found = {}
        for name in BY if by is None else by:
            column = derived(self.rows, name, month) if name in DERIVED else self._own(name)
            if column is not None:
                found[name] = _taken(column, self.kept)
            elif by is not None:
                raise InputError(f"{self.rows.label} has nothing to derive '{name}' from.")
        if not found:
            raise InputError("by= must name at least one column.")
        return found

    def _own(self, name: str) -> Labels | None:
        return self.rows.labels(name, blank=BLANK) if self.rows.has(name) else None

    def refuse(self, bad: npt.NDArray[np.bool_], what: str) -> None:
        """Raise InputError if any row kept is bad."""
        if bad.any():
            raise InputError(f"{self.rows.label}: {what}: {rows_in_words(bad)}.")


def _table(scores: Any) -> Any:
    """Return the table of payment scores: of riskadj.Scores its own, anything else as it is."""
    return getattr(scores, "payment_scores", scores)


def _enrollment(scores: Any, enrollment: Any) -> Any:
    if enrollment is not None:
        return enrollment
    sources = getattr(scores, "sources", None)
    return scores if sources is None else sources[0]


def _covers(rows: Rows, month: int) -> npt.NDArray[np.bool_]:
    """Return which rows cover the first day of a month; without dates, all."""
    covered = np.ones(rows.n_rows, np.bool_)
    day = int(first_days(np.array([month]))[0])
    if rows.has(START):
        covered &= rows.days(START, blank=_LONG_AGO) <= day
    if rows.has(END):
        covered &= rows.days(END, blank=OPEN_END) >= day
    return covered


def _matched(scored: _Month, source: Any, role: str, month: int) -> Numbers:
    """Return the scores that another table has for the same members."""
    other = _Month.of(_table(source), role, (SCORE,), month)
    place = other.find(scored.ids)
    scored.refuse(place < 0, f"members of the base month without a row in {role}")
    return other.scores()[place]


def _taken(column: Labels, rows: Integers) -> Labels:
    return Labels(column.codes[rows], column.names)


def _sorted(table: pa.Table, group: Integers) -> tuple[Cohorts, Integers]:
    """Return cohorts in the order of their labels, so that the order of rows changes nothing."""
    order = pc.sort_indices(table, [(name, "ascending") for name in table.column_names]).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Cohorts(table.take(pa.array(order)).combine_chunks()), place[group]


def _counts(scored: _Month, enrolled: _Month) -> dict[str, int]:
    return {
        "rows_read": scored.rows.n_rows,
        "members": len(scored.kept),
        "rows_of_other_months": scored.rows.n_rows - len(scored.kept),
        "members_without_score": len(enrolled.kept) - len(scored.kept),
    }
