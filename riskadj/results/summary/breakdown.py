"""Scores broken down by any columns: members, member months, mean scores, new enrollees, prevalence of HCCs.

Sums are added up part by part (a table in memory, or the row groups of a file), so that memory grows with groups; only
the counts of distinct members grow with members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.results.summary.groups import Labels, combine
from riskadj.results.summary.suppression import hidden_cells

#: Name of the rows of payment_scores, in which models are blended, and of a group that holds all others.
AS_PAID, ALL = "as paid (blended)", "all"

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Group = tuple[str, ...]

_SUMS = (
    "rows",
    "months",
    "raw",
    "raw_months",
    "payment",
    "payment_months",
    "revenue",
    "base",
    "raw_base",
    "raw_rated",
)


@dataclass(frozen=True)
class Part:
    """Rows of scores of one model, with what they are broken down by; arrays of shape (n_rows,).

    Attributes
    ----------
    model_id : str
        Or AS_PAID.
    labels : dict of str to Labels
    members : ndarray of uint64
        Number (or hash) of each row's member.
    months : ndarray of float64
        [months]
    raw, payment : ndarray of float64
        Risk scores; NaN where there is none. [1.000 = average beneficiary]
    rates : ndarray of float64
        Monthly payment at a score of 1.000; NaN where there is none. [dollars]
    is_new : ndarray of bool
        Paid as a new enrollee.
    """

    model_id: str
    labels: dict[str, Labels]
    members: Keys
    months: Floats
    raw: Floats
    payment: Floats
    rates: Floats
    is_new: npt.NDArray[np.bool_]


@dataclass
class DistinctMembers:
    """Counts the different members of each group."""

    _seen: Keys = field(default_factory=lambda: np.zeros(0, np.uint64))
    _group: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    def add(self, groups: npt.NDArray[np.int32], members: Keys) -> None:
        """Note members of groups; repeats do not count."""
        keys = (members + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
        keys = (keys ^ (groups.astype(np.uint64) + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)) * np.uint64(
            0xBF58476D1CE4E5B9
        )
        seen = np.concatenate([self._seen, keys])
        self._seen, first = np.unique(seen, return_index=True)
        self._group = np.concatenate([self._group, groups])[first]

    def counts(self, n_groups: int) -> npt.NDArray[np.int64]:
        """Return the number of members of each group."""
        return np.bincount(self._group, minlength=n_groups).astype(np.int64)


@dataclass
class Breakdown:
    """Adds up rows of scores by model and group, and by model alone.

    Attributes
    ----------
    by : tuple of str
        Names of the labels that every part has.
    """

    by: tuple[str, ...]
    _groups: dict[Group, int] = field(default_factory=dict)
    _sums: Floats = field(default_factory=lambda: np.zeros((len(_SUMS), 0)))
    _members: DistinctMembers = field(default_factory=DistinctMembers)
    _new: DistinctMembers = field(default_factory=DistinctMembers)

    def add(self, part: Part) -> None:
        """Add the rows of a part."""
        codes, names = np.zeros(len(part.months), np.int32), [()]
        if self.by:
            codes, names = combine(part.labels)  # type: ignore[assignment]
            self._add(part, codes, [(part.model_id, *name) for name in names])
        self._add(part, np.zeros_like(codes), [(part.model_id, *(ALL for _ in self.by))])

    def _add(self, part: Part, codes: npt.NDArray[np.int32], names: Sequence[Group]) -> None:
        if not len(codes):
            return
        position = np.array([self._groups.setdefault(name, len(self._groups)) for name in names], np.int32)
        group, n_groups = position[codes], len(self._groups)
        missing = n_groups - self._sums.shape[1]
        self._sums = np.pad(self._sums, ((0, 0), (0, missing)))
        for row, values in enumerate(_addends(part)):
            self._sums[row] += np.bincount(group, weights=values, minlength=n_groups)
        self._members.add(group, part.members)
        self._new.add(group[part.is_new], part.members[part.is_new])

    def table(self, min_cell: int | None = None, *, with_rates: bool = False) -> pa.Table:
        """Return one row per model and group, the model's total last.

        Parameters
        ----------
        min_cell : int, optional
            Numbers of groups of fewer members are blank, and as many others as hide them from the totals. [members]
        with_rates : bool
            Give revenue and the means weighted by it.
        """
        order = sorted(self._groups, key=_rank)
        at = np.array([self._groups[name] for name in order], np.int64)
        sums = dict(zip(_SUMS, self._sums[:, at], strict=True))
        members = self._members.counts(len(order))[at]
        new = self._new.counts(len(order))[at]
        columns: dict[str, pa.Array] = {
            name: from_strings([group[number] for group in order])
            for number, name in enumerate(("model_id", *self.by))
        }
        shown, new_shown = self._shown(order, members, new, min_cell)
        numbers: dict[str, tuple[npt.NDArray[np.generic], pa.DataType]] = {
            "rows": (sums["rows"].astype(np.int64), pa.int64()),
            "members": (members, pa.int64()),
            "member_months": (sums["months"].astype(np.int64), pa.int64()),
            "new_enrollees": (new, pa.int64()),
        }
        means = {
            "mean_raw_risk_score_by_months": (sums["raw"], sums["raw_months"]),
            "mean_payment_risk_score_by_months": (sums["payment"], sums["payment_months"]),
        }
        if with_rates:
            means["mean_raw_risk_score_by_revenue"] = (sums["raw_rated"], sums["raw_base"])
            means["mean_payment_risk_score_by_revenue"] = (sums["revenue"], sums["base"])
            numbers["revenue"] = (sums["revenue"], pa.float64())
        for name, (values, kind) in numbers.items():
            columns[name] = from_numpy(values, kind, valid=new_shown if name == "new_enrollees" else shown)
        for name, (total, weight) in means.items():
            mean = np.divide(total, weight, out=np.zeros(len(order)), where=weight > 0)
            columns[name] = from_numpy(mean, pa.float64(), valid=shown & (weight > 0))
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))

    def _shown(
        self,
        order: Sequence[Group],
        members: npt.NDArray[np.int64],
        new: npt.NDArray[np.int64],
        min_cell: int | None,
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return where members and all that goes with them, and where new enrollees, may be shown.

        What is paid is the sum of the models: its cells are blank where a model's is.
        """
        shown = np.ones(len(order), np.bool_)
        if min_cell is None or not len(order):
            return shown, shown
        model = np.array([group[0] for group in order])
        is_total = np.array([group[1:] == (ALL,) * len(self.by) for group in order])
        shown = ~_hidden(order, model, is_total, members, min_cell)
        other = members - new
        uneasy = ((new > 0) & (new < min_cell)) | ((other > 0) & (other < min_cell))
        new_shown = shown & ~_hidden(order, model, is_total, np.where(uneasy, 1, new), min_cell)
        return shown, new_shown


def _hidden(
    order: Sequence[Group],
    model: npt.NDArray[np.str_],
    is_total: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.int64],
    min_cell: int,
) -> npt.NDArray[np.bool_]:
    """Return which rows to blank: cells of each model, cells of what is paid, then totals."""
    hidden = np.zeros(len(order), np.bool_)
    paid = model == AS_PAID
    blank: set[Group] = set()
    for name in dict.fromkeys(model[~paid].tolist()):
        rows = np.flatnonzero((model == name) & ~is_total)
        hidden[rows] = hidden_cells(counts[rows], min_cell)
        blank |= {order[row][1:] for row in rows[hidden[rows]].tolist()}
    rows = np.flatnonzero(paid & ~is_total)
    also = np.array([order[row][1:] in blank for row in rows.tolist()], np.bool_)
    hidden[rows] = hidden_cells(counts[rows], min_cell, also)
    rows = np.flatnonzero(is_total & ~paid)
    hidden[rows] = hidden_cells(counts[rows], min_cell) if len(rows) > 1 else counts[rows] < min_cell
    hidden[is_total & paid] = counts[is_total & paid] < min_cell
    return hidden


def _rank(group: Group) -> tuple[tuple[bool, str], ...]:
    return tuple((name in (ALL, AS_PAID), name) for name in group)


def _addends(part: Part) -> list[Floats]:
    """Return what adds up, in the order of _SUMS."""
    has_raw, has_payment = ~np.isnan(part.raw), ~np.isnan(part.payment)
    base = np.where(np.isnan(part.rates), 0.0, part.rates) * part.months
    raw, payment = np.nan_to_num(part.raw), np.nan_to_num(part.payment)
    months = part.months
    return [
        np.ones(len(months)), months, raw * months, has_raw * months, payment * months, has_payment * months,
        payment * base, has_payment * base, has_raw * base, raw * base,
    ]  # fmt: skip
