"""Rows of a panel, made of claim lines: what the members of each group cost in one period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricing.claim_lines import ClaimLines, read_claim_lines
from pricing.contracts.money import CENTS, to_cents, to_dollars
from pricing.errors import InputError
from pricing.experience.months import as_dates, month_numbers, month_range
from pricing.inputs import Column, Columns, read_columns
from pricing.rows import Flags, Integers, read_rows
from pricing.sorting import is_repeated
from riskadj.extracts.write import write_tables

if TYPE_CHECKING:
    import pandas as pd

#: Stands for the group of members who have none.
NO_GROUP = "(none)"
_MEMBERS = (Column("member_id", "text"), Column("member_months", minimum=0))
_ATTRIBUTED = ("member_id", "provider_id")
_OWN = ("member_id", "provider_id", "period", "amount")


@dataclass(frozen=True)
class PanelRows:
    """Rows of a panel made of claims.

    Attributes
    ----------
    table : pyarrow.Table
        What `read_panel` reads, of one period; tables of several periods are put together with
        ``pyarrow.concat_tables``.
    months : pyarrow.Table
        One row per group and month that has claims: provider_id (of the unattributed "(none)"), month, amount
        [dollars]. `unpaid_by_group` reads it.
    run : dict
        Dollars read = in the panel + of members of no group + of members not listed + outside the months + of services
        left out.
    """

    table: pa.Table = field(repr=False)
    months: pa.Table = field(repr=False)
    run: dict[str, Any]

    def to_pandas(self, table: str = "table") -> pd.DataFrame:
        """Return "table" or "months" as a pandas DataFrame."""
        frame: pd.DataFrame = getattr(self, table).to_pandas()
        return frame

    def write(self, directory: str | Path, *, overwrite: bool = False) -> Path:
        """Write panel, panel_months and run.json into `directory`, all or nothing."""
        tables = {"panel": self.table, "panel_months": self.months}
        return write_tables(directory, tables, self.run, overwrite=overwrite)


def panel_of_claims(
    attributed: Any,
    claims: Any,
    *,
    members: Any,
    period: int,
    first_month: date | str,
    last_month: date | str,
    amount: str = "allowed_amount",
    excluded_services: Sequence[str] = (),
    header_amounts: bool | str | Iterable[str] = False,
    columns: Mapping[str, str] | None = None,
) -> PanelRows:
    """Return panel rows of one period, from claim lines.

    Parameters
    ----------
    attributed : Attribution.members, path, DataFrame or Arrow table
        member_id, provider_id (blank: of no group).
    claims : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line, as `pricing.experience.incurred` reads them; reversals net by addition.
    members : path, DataFrame, Arrow table or mapping
        Everybody covered in the period: member_id, member_months; columns such as risk_score, sex, age_years and
        premium are taken along. Members without months are left out.
    period : int
        The year that the rows are of.
    first_month, last_month : date or str
        Months incurred, both included.
    amount : {"allowed_amount", "paid_amount"}
    excluded_services : sequence of str
        Service categories that are no part of it, such as those under capitation.
    header_amounts : bool, str or iterable of str
        As in `incurred`.
    columns : mapping, optional
        Our name -> the claims', where they differ.

    Returns
    -------
    PanelRows

    Raises
    ------
    InputError
        A column is missing or blank, or a member stands twice.
    """
    months = month_range(first_month, last_month)
    lines = read_claim_lines(claims, amount=amount, header_amounts=header_amounts, columns=columns)
    listed = read_columns(members, _MEMBERS, role="members", key=("member_id",), carry=True)
    ids = pa.array(listed["member_id"], pa.string())
    group, names = _groups_of(attributed, ids)
    group = np.where(listed["member_months"] > 0, group, -1)
    row = _places(lines.members.names, ids)[lines.members.codes]
    month, cents = month_numbers(lines.days), to_cents(lines.amounts)
    is_inside = (month >= months[0]) & (month <= months[-1])
    is_served = ~_is_excluded(lines, excluded_services)
    used = np.flatnonzero(is_inside & is_served & (row >= 0))
    spent = np.zeros(len(ids), np.int64)
    np.add.at(spent, row[used], cents[used])
    return PanelRows(
        table=_table(listed, ids, group, names, spent, period),
        months=_by_month(group[row[used]], month[used], cents[used], names),
        run=_run(cents, row, is_inside, is_served, group),
    )


def _table(
    listed: Columns, ids: pa.Array, group: Integers, names: pa.Array, spent: Integers, period: int
) -> pa.Table:
    """Return a row for each member of a group; columns of the members that are not the panel's own go along."""
    kept = np.flatnonzero(group >= 0)
    others = {name: pa.array(column[kept]) for name, column in listed.items() if name not in _OWN}
    return pa.table(
        {
            "provider_id": names.take(pa.array(group[kept])),
            "member_id": ids.take(pa.array(kept)),
            "period": np.full(len(kept), period, np.int64),
            **others,
            "amount": to_dollars(spent[kept]),
        }
    )


def _run(
    cents: Integers, row: Integers, is_inside: Flags, is_served: Flags, group: Integers
) -> dict[str, Any]:
    """Return the dollars read, and where they went: every line is in one part."""
    counted, is_listed = is_inside & is_served, row >= 0
    has_group = is_listed & (group[np.maximum(row, 0)] >= 0)
    parts = {
        "outside_months": ~is_inside,
        "services_left_out": is_inside & ~is_served,
        "of_members_not_listed": counted & ~is_listed,
        "of_no_group": counted & is_listed & ~has_group,
        "in_panel": counted & has_group,
    }
    dollars = {f"dollars_{name}": int(cents[rows].sum()) / CENTS for name, rows in parts.items()}
    return {"dollars_read": int(cents.sum()) / CENTS, **dollars, "members": int((group >= 0).sum())}


def _places(names: pa.Array, known: pa.Array) -> Integers:
    """Return where each name stands among those known; -1 where it does not."""
    found = pc.index_in(names.cast(pa.string()), value_set=known.cast(pa.string()))
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _groups_of(attributed: Any, ids: pa.Array) -> tuple[Integers, pa.Array]:
    """Return the group of each member, -1 for none, and the groups' names."""
    rows = read_rows(attributed, "attributed members", needed=_ATTRIBUTED)
    groups, members = rows.labels("provider_id", blank=NO_GROUP), rows.labels("member_id")
    rows.refuse(is_repeated(members.codes), "the same member_id again")
    place = _places(ids, members.table_column(members.codes))
    names = groups.names.cast(pa.string())
    is_none = np.array([name == NO_GROUP for name in names.to_pylist()])
    code = np.where(is_none, -1, np.arange(len(names)))[groups.codes]
    return np.where(place >= 0, code[place], -1), names


def _is_excluded(lines: ClaimLines, excluded: Sequence[str]) -> Flags:
    names = lines.categories.names.to_pylist()
    unknown = sorted(set(excluded) - set(names))
    if unknown:
        raise InputError(
            f"excluded_services names '{unknown[0]}', which no claim has; there are: {', '.join(sorted(names)[:20])}."
        )
    return np.isin(names, list(excluded))[lines.categories.codes]


def _by_month(group: Integers, month: Integers, cents: Integers, names: pa.Array) -> pa.Table:
    every = pa.concat_arrays([names, pa.array([NO_GROUP], names.type)])
    frame = pa.table({"group": np.where(group < 0, len(names), group), "month": month, "cents": cents})
    sums = frame.group_by(["group", "month"]).aggregate([("cents", "sum")]).sort_by([("group", "ascending"), ("month", "ascending")])  # fmt: skip # noqa: E501
    return pa.table(
        {
            "provider_id": every.take(sums["group"].combine_chunks()),
            "month": as_dates(sums["month"].to_numpy()),
            "amount": sums["cents_sum"].to_numpy() / CENTS,
        }
    )
