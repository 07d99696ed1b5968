"""Primary care: which claim lines are, and what each member had of it with each provider group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.contracts.money import to_cents
from pricing.errors import InputError
from pricing.rows import BLANK, Integers, Labels, Rows, combined, read_rows
from riskadj.extracts.buffers import one_chunk
from riskadj.extracts.dates import days_of

Flags = npt.NDArray[np.bool_]
_KEYS = ("procedure_code", "specialty")
_VISIT = ("member_id", "provider_id", "service_date", "allowed_amount")


@dataclass(frozen=True)
class GroupMap:
    """Providers taken together as groups; a provider that is not listed is a group of its own."""

    group_of: Mapping[str, str]

    @classmethod
    def read(cls, source: Any) -> GroupMap:
        """Read provider_id and group_id; None: nobody is taken together."""
        if source is None:
            return cls({})
        rows = read_rows(source, "groups", needed=("provider_id", "group_id"))
        providers, groups = rows.labels("provider_id"), rows.labels("group_id")
        if len(providers.names) < rows.n_rows:
            raise InputError(f"{rows.label}: the same provider_id again; a provider is in one group.")
        names = groups.table_column(groups.codes).to_pylist()
        return cls(dict(zip(providers.table_column(providers.codes).to_pylist(), names, strict=True)))

    def grouped(self, labels: Labels) -> Labels:
        """Return the groups of a column of providers, their names in order."""
        own = [self.group_of.get(name, name) for name in labels.names.to_pylist()]
        names, place = np.unique(np.array(own, object).astype(str), return_inverse=True)
        return Labels(place.astype(np.int64)[labels.codes], pa.array(names.tolist(), pa.string()))


@dataclass(frozen=True)
class Visits:
    """Primary care of each member with each group; a row each, in order of member and group.

    Attributes
    ----------
    member, group : ndarray of int64, shape (n_rows,)
        Position among the members; position in `names`.
    visits, cents, last_day : ndarray of int64, shape (n_rows,)
        Days with a visit; allowed [cents]; latest such day [days since 1970-01-01].
    names : pyarrow.Array of string
        Groups, in order.
    counts : mapping
        lines_read = lines_of_primary_care + lines_of_other_care + lines_of_later_steps + lines_outside_days
        + lines_of_others (people who are not members).
    """

    member: Integers
    group: Integers
    visits: Integers
    cents: Integers
    last_day: Integers
    names: pa.Array
    counts: Mapping[str, int]


def read_visits(
    source: Any,
    *,
    members: pa.Array,
    primary_care: Any,
    groups: GroupMap,
    first_day: date | None,
    last_day: date | None,
    columns: Mapping[str, str] | None,
) -> Visits:
    """Read claim lines and add up primary care by member and group; parameters as those of `attribute`."""
    table = None if primary_care is None else _Table.read(primary_care)
    decided_by = ("is_primary_care",) if table is None else table.keys
    rows = read_rows(source, "visits", needed=(*_VISIT, *decided_by), columns=columns)
    patients, days = rows.labels("member_id"), rows.days("service_date")
    at = pc.index_in(patients.names.cast(pa.string()), value_set=members.cast(pa.string()))
    member = at.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)[patients.codes]
    step = np.where(_flags(rows), 1, 0) if table is None else table.steps(rows)
    is_inside = _inside(days, first_day, last_day)
    parts = {"lines_of_others": member < 0}
    parts["lines_outside_days"] = ~is_inside & (member >= 0)
    parts["lines_of_other_care"] = is_inside & (member >= 0) & (step == 0)
    counted = is_inside & (member >= 0) & (step > 0)
    used, n_steps = np.flatnonzero(counted), int(step.max(initial=0)) + 1
    by_group = groups.grouped(rows.labels("provider_id", blank=BLANK))
    cents = to_cents(rows.numbers("allowed_amount"))
    care, group, visits, total, latest = _by_group(
        member[used] * n_steps + step[used], by_group.codes[used], days[used], cents[used]
    )
    of_member, of_step = np.divmod(care, n_steps)
    lowest = _lowest_steps(of_member, of_step, len(members))
    is_lowest, is_later = of_step == lowest[of_member], counted.copy()
    is_later[used] = step[used] > lowest[member[used]]
    parts |= {"lines_of_later_steps": is_later, "lines_of_primary_care": counted & ~is_later}
    counts = {name: int(flags.sum()) for name, flags in parts.items()}
    return Visits(
        of_member[is_lowest], group[is_lowest], visits[is_lowest], total[is_lowest], latest[is_lowest],
        by_group.names, {"lines_read": rows.n_rows, **counts},
    )  # fmt: skip


def _inside(days: Integers, first: date | None, last: date | None) -> Flags:
    low = -(1 << 40) if first is None else days_of(first)
    high = 1 << 40 if last is None else days_of(last)
    return (days >= low) & (days <= high)


def _flags(rows: Rows) -> Flags:
    column = one_chunk(rows.table["is_primary_care"])
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise InputError(f"{rows.label}, column 'is_primary_care': give true or false in every row.")
    return column.to_numpy(zero_copy_only=False).astype(np.bool_)


def _lowest_steps(member: Integers, step: Integers, n_members: int) -> Integers:
    """Return the lowest step of which each member has a visit; a step above all where there is none."""
    lowest = np.full(n_members, np.iinfo(np.int64).max)
    np.minimum.at(lowest, member, step)
    return lowest


def _by_group(
    member: Integers, group: Integers, days: Integers, cents: Integers
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Return member (and step), group, days with a visit that stands, cents, last such day, where there is a visit."""
    order = np.lexsort((days, group, member))
    member, group, days, cents = member[order], group[order], days[order], cents[order]
    is_new_pair = (np.diff(member, prepend=-1) != 0) | (np.diff(group, prepend=-1) != 0)
    pairs = np.flatnonzero(is_new_pair)
    if not len(pairs):
        return member, group, days, cents, days
    starts = np.flatnonzero(is_new_pair | (np.diff(days, prepend=days[0] - 1) != 0))
    stands = np.add.reduceat(np.where(cents < 0, -1, 1), starts) > 0
    first_start = np.searchsorted(starts, pairs)
    visits = np.add.reduceat(stands.astype(np.int64), first_start)
    last = np.maximum.reduceat(np.where(stands, days[starts], np.iinfo(np.int64).min), first_start)
    total = np.add.reduceat(cents, pairs)
    kept = visits > 0
    return member[pairs][kept], group[pairs][kept], visits[kept], total[kept], last[kept]


@dataclass(frozen=True)
class _Table:
    """Which codes are primary care, and in which step."""

    keys: tuple[str, ...]
    step_of: Mapping[tuple[str, ...], int]

    @classmethod
    def read(cls, source: Any) -> _Table:
        rows = read_rows(source, "primary care", needed=(), optional=(*_KEYS, "step"))
        keys = tuple(name for name in _KEYS if rows.has(name))
        if not keys:
            raise InputError(
                f"{rows.label} has neither procedure_code nor specialty; give one of them, or both."
            )
        columns = [rows.labels(name) for name in keys]
        texts = [
            [text.strip().upper() for text in each.table_column(each.codes).to_pylist()] for each in columns
        ]
        step = rows.numbers("step") if rows.has("step") else np.ones(rows.n_rows)
        rows.refuse(~((step >= 1) & (step == np.rint(step))), "column 'step': no whole number from 1 up")
        return cls(keys, dict(zip(zip(*texts, strict=True), step.astype(int).tolist(), strict=True)))

    def steps(self, rows: Rows) -> Integers:
        """Return the step of each line; 0 where it is no primary care."""
        columns = [rows.labels(name, blank=BLANK) for name in self.keys]
        names = [[text.strip().upper() for text in column.names.to_pylist()] for column in columns]
        combination, codes = combined(columns, rows.n_rows)
        found = (
            tuple(texts[code] for texts, code in zip(names, each, strict=True)) for each in codes.tolist()
        )
        return np.array([self.step_of.get(name, 0) for name in found], np.int64)[combination]
