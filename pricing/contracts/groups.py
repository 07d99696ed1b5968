"""What a settlement knows of each provider group in the performance period: one array element for each group."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pricing.contracts.money import to_cents
from pricing.contracts.panel import Panel
from pricing.contracts.panel_rows import NO_GROUP
from pricing.errors import InputError
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.rows import Integers, rows_in_words

_GROUPS = (
    Column("provider_id", "text"),
    Column("quality_score", default=..., minimum=0, maximum=1),
    Column("revenue", default=..., minimum=0),
    Column("adjustment_pmpm", default=...),
    Column("demographic_growth", default=..., above=-1),
    Column("paid_on_account", default=...),
)
_UNPAID = (Column("provider_id", "text"), Column("unpaid"))


@dataclass(frozen=True)
class Groups:
    """Provider groups in the performance period; arrays of shape (n_groups,).

    Attributes
    ----------
    labels : tuple of str
        Group ids, in order.
    members : ndarray of int64
    months, risk : ndarray of float64
        Member months; mean risk score by months.
    cents, counted : ndarray of int64
        Amounts of the members, all and truncated [cents].
    premium : ndarray of int64, optional
        [cents]
    quality : ndarray of float64, optional
        Quality score, 0 to 1.
    revenue : ndarray of int64, optional
        What loss caps by revenue are a share of [cents].
    adjustment_pmpm : ndarray of float64, optional
        Added to the benchmark [dollars per member and month].
    demographic_growth : ndarray of float64, optional
        Growth of the demographic risk scores since the latest baseline period; 0.01 is 1 percent [share].
    on_account, unpaid : ndarray of int64, optional
        Paid before the settlement; incurred and not yet paid [cents].
    """

    labels: tuple[str, ...]
    members: Integers
    months: Numbers
    risk: Numbers
    cents: Integers
    counted: Integers
    premium: Integers | None = None
    quality: Numbers | None = None
    revenue: Integers | None = None
    adjustment_pmpm: Numbers | None = None
    demographic_growth: Numbers | None = None
    on_account: Integers | None = None
    unpaid: Integers | None = None

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.labels)

    def quality_for(self, what: str) -> Numbers:
        """Return the quality scores that an arrangement reads.

        Raises
        ------
        InputError
            None were given.
        """
        if self.quality is None:
            raise InputError(
                f"{what} depends on quality; give groups= with quality_score for every provider_id."
            )
        return self.quality

    def chosen(self, place: Integers) -> Groups:
        """Return some of the groups, in the order of their places."""
        parts = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "labels"}
        taken: dict[str, Any] = {name: None if part is None else part[place] for name, part in parts.items()}
        return replace(self, labels=tuple(self.labels[i] for i in place.tolist()), **taken)


def groups_of(panel: Panel, *, table: Any = None, unpaid: Any = None) -> Groups:
    """Return the groups of one period's panel, with what `table` and `unpaid` say of them."""
    n_members = np.bincount(panel.provider, minlength=len(panel.providers))
    months = panel.sums(panel.months)
    with np.errstate(invalid="ignore"):
        risk = panel.sums(panel.months * panel.risk) / months
    groups = Groups(
        labels=panel.providers,
        members=n_members.astype(np.int64),
        months=months,
        risk=risk,
        cents=panel.cent_sums(panel.cents),
        counted=panel.cent_sums(panel.counted),
        premium=None if panel.premium is None else panel.cent_sums(panel.premium),
    ).chosen(np.flatnonzero(n_members))
    return _with_unpaid(_with_table(groups, table), unpaid)


def only_named(labels: Any, *, table: Any = None) -> Groups:
    """Return groups of whom nothing is known but their ids, and what `table` says: for contracts of bundles only."""
    names = tuple(sorted(set(labels)))
    none, zero = np.zeros(len(names), np.int64), np.zeros(len(names))
    return _with_table(Groups(names, none, zero, zero, none, none), table)


def _with_table(groups: Groups, table: Any) -> Groups:
    if table is None:
        return groups
    rows = read_columns(table, _GROUPS, role="groups", key=("provider_id",))
    place = _places(groups, rows)
    missing = place < 0
    if missing.any():
        raise InputError(
            f"{rows.label} lacks {int(missing.sum()):,} of {groups.n:,} groups of the period, such as "
            f"'{groups.labels[int(np.flatnonzero(missing)[0])]}'; give every group a row."
        )
    given = {name: rows[name][place] for name in rows if name != "provider_id"}
    return replace(
        groups,
        quality=given.get("quality_score"),
        adjustment_pmpm=given.get("adjustment_pmpm"),
        demographic_growth=given.get("demographic_growth"),
        revenue=to_cents(given["revenue"]) if "revenue" in given else None,
        on_account=to_cents(given["paid_on_account"]) if "paid_on_account" in given else None,
    )


def _with_unpaid(groups: Groups, unpaid: Any) -> Groups:
    if unpaid is None:
        return groups
    rows = read_columns(unpaid, _UNPAID, role="unpaid", key=("provider_id",))
    known = {*groups.labels, NO_GROUP}
    strange = np.array([name not in known for name in rows["provider_id"]])
    if strange.any():
        raise InputError(f"{rows.label}: no group of the period in {rows_in_words(strange)}.")
    place = _places(groups, rows)
    return replace(groups, unpaid=np.where(place < 0, 0, to_cents(rows["unpaid"])[place]))


def _places(groups: Groups, rows: Columns) -> Integers:
    """Return the row of each group; -1 where it has none."""
    row_of = {name: number for number, name in enumerate(rows["provider_id"])}
    return np.array([row_of.get(label, -1) for label in groups.labels], np.int64)
