"""Attribution: which provider group each member belongs to, by assignment or by where most of the primary care was had.

Every member is attributed to one group or to none, and the counts say by which rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing import results
from pricing.contracts.money import CENTS
from pricing.contracts.primary_care import GroupMap, Visits, read_visits
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.rows import Integers, Labels, Rows, read_rows
from riskadj.extracts.buffers import values_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

METHODS = ("assigned", "plurality")
MEASURES = ("visits", "amount")
TIES = ("amount", "visits", "most_recent", "provider_id")
#: How a member came to its group, or why it has none.
PLURALITY, ASSIGNED = "plurality", "assigned"
NO_CARE, TOO_FEW, NOT_ASSIGNED = "no primary care", "too few visits", "not assigned"


@dataclass(frozen=True)
class Attribution:
    """Members and their provider groups.

    Attributes
    ----------
    members : pyarrow.Table
        One row per member, in the order of the members given: member_id, provider_id (null: none), rule ("assigned",
        "plurality", "tie: most_recent" and the like; of those without a group why), visits, amount [dollars]
        and last_visit with the group (null where plurality did not decide).
    groups : pyarrow.Table
        One row per rule and group: rule, provider_id, members. Its members add up to everybody.
    run : dict
        members = attributed + unattributed; lines read = primary care + other.
    """

    members: pa.Table = field(repr=False)
    groups: pa.Table = field(repr=False)
    assumptions: pa.Table = field(repr=False)
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "members": "attributed_members",
        "groups": "attributed_groups",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return members by group (rows, the largest first) and rule (columns); the last rows have no group."""
        frame = self.groups.to_pandas()
        frame["provider_id"] = frame["provider_id"].fillna("(none)")
        wide = frame.pivot_table(
            index="provider_id", columns="rule", values="members", aggfunc="sum", fill_value=0
        )
        wide["members"] = wide.sum(axis=1)
        wide["is_none"] = wide.index == "(none)"
        return wide.sort_values(["is_none", "members"], ascending=[True, False]).drop(columns="is_none")

    def plot(self) -> Figure:
        """Return a figure: members of each group by rule, the largest groups first."""
        from pricing.contracts.plots import plot_attribution

        return plot_attribution(self)

    def __repr__(self) -> str:
        """Return how many members have a group."""
        return f"<Attribution: {self.run['attributed']:,} of {self.run['members']:,} members>"


def attribute(
    members: Any,
    visits: Any = None,
    *,
    methods: Sequence[str] = ("plurality",),
    measure: str = "visits",
    ties: Sequence[str] = ("amount", "most_recent", "provider_id"),
    minimum_visits: int = 1,
    primary_care: Any = None,
    groups: Any = None,
    first_day: date | None = None,
    last_day: date | None = None,
    columns: Mapping[str, str] | None = None,
) -> Attribution:
    """Attribute members to provider groups.

    Parameters
    ----------
    members : path, DataFrame, Arrow table or mapping
        Everybody, one row each: member_id; assigned_provider_id for the method "assigned" (blank: none).
    visits : path, list of paths, DataFrame, Arrow table or mapping
        Claim lines, for the method "plurality": member_id, provider_id, service_date, allowed_amount, and what
        `primary_care` asks for.
    methods : sequence of {"assigned", "plurality"}
        In order: the first that finds a group for a member decides.
    measure : {"visits", "amount"}
        What there must be most of: days with a visit, or allowed dollars.
    ties : sequence of {"amount", "visits", "most_recent", "provider_id"}
        What decides among groups with as much, in order. The last must be provider_id (the first in order), so that
        something always decides.
    minimum_visits : int
        Number of visits, at all groups together, that plurality asks for.
    primary_care : mapping, path or table, optional
        Which lines are primary care: a table with procedure_code, with specialty, or with both (each pair named), and
        perhaps step; the visits must have those columns. Without it the visits' own column is_primary_care decides.
        Lines of a higher step count for those members only who have no visit of a lower one.
    groups : path, table or mapping, optional
        provider_id, group_id: providers are taken together as groups, and attribution is to the group. A provider that
        is not listed is a group of its own.
    first_day, last_day : date, optional
        Visits outside them do not count.
    columns : mapping, optional
        Our name -> the visits', where they differ.

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        A column is missing or blank, an option is not allowed, or a member stands twice.

    Notes
    -----
    A visit is a day on which a member was with a group, however many lines it has; reversals net. Visits of people who
    are not among the members are counted in ``run`` and left out.

    References
    ----------
    .. [1] 42 CFR 425.402: the Shared Savings Program takes the plurality of allowed charges (``measure="amount"``), in
       a first step of primary-care practitioners and in a second one of other specialists (``step``), after voluntary
       alignment (``methods=("assigned", "plurality")``).
    """
    _check(methods, measure, ties, minimum_visits)
    listed = read_rows(members, "members", needed=("member_id",), optional=("assigned_provider_id",))
    ids = listed.labels("member_id")
    if len(ids.names) < listed.n_rows:
        raise InputError(f"{listed.label}: the same member_id again; give each member one row.")
    if "assigned" in methods and not listed.has("assigned_provider_id"):
        raise InputError(f"{listed.label} lacks 'assigned_provider_id', which the method 'assigned' reads.")
    if "plurality" in methods and visits is None:
        raise InputError("the method 'plurality' needs visits.")
    mapped = GroupMap.read(groups)
    found, counts = _Found.nobody(listed.n_rows), {}
    for method in methods:
        if method == "assigned":
            found = found.or_else(_assigned(listed, mapped))
            continue
        read = read_visits(
            visits, members=ids.table_column(ids.codes), primary_care=primary_care, groups=mapped,
            first_day=first_day, last_day=last_day, columns=columns,
        )  # fmt: skip
        counts = dict(read.counts)
        found = found.or_else(_by_plurality(read, listed.n_rows, (measure, *ties), minimum_visits))
    table = found.table(ids)
    return Attribution(
        members=table,
        groups=_group_table(table),
        assumptions=_assumptions(methods, measure, ties, minimum_visits, first_day, last_day),
        run=_run(found, counts),
    )


@dataclass(frozen=True)
class _Found:
    """The group of each member, its rule, and the care behind it; arrays of one element for each member."""

    group: pa.Array  # null where there is none
    rule: npt.NDArray[Any]
    visits: Integers
    cents: Integers
    last_day: Integers

    @classmethod
    def nobody(cls, n: int) -> _Found:
        none = np.zeros(n, np.int64)
        return cls(pa.nulls(n, pa.string()), np.full(n, NOT_ASSIGNED, object), none, none, none)

    @property
    def has_group(self) -> npt.NDArray[np.bool_]:
        return values_of(pc.is_valid(self.group)).astype(np.bool_)

    def or_else(self, other: _Found) -> _Found:
        """Return this one's groups, and the other's for the members who have none here."""
        own = self.has_group
        pairs = [
            (getattr(self, name), getattr(other, name)) for name in ("rule", "visits", "cents", "last_day")
        ]
        merged = [np.where(own, mine, theirs) for mine, theirs in pairs]
        return _Found(pc.if_else(pa.array(own), self.group, other.group), *merged)

    def table(self, ids: Labels) -> pa.Table:
        """Return the members' table."""
        has_none = self.visits == 0
        days = pa.array(self.last_day.astype(np.int32), pa.int32(), mask=has_none).cast(pa.date32())
        return pa.table(
            {
                "member_id": ids.table_column(ids.codes).cast(pa.string()),
                "provider_id": self.group,
                "rule": pa.array(self.rule.tolist(), pa.string()),
                "visits": pa.array(self.visits, mask=has_none),
                "amount": pa.array(self.cents / CENTS, mask=has_none),
                "last_visit": days,
            }
        )


def _assigned(members: Rows, groups: GroupMap) -> _Found:
    """Return the groups that members are assigned to."""
    labels = members.labels("assigned_provider_id", blank="")
    names = groups.grouped(labels)
    given = np.array([bool(name) for name in labels.names.to_pylist()])[labels.codes]
    column = pc.if_else(pa.array(given), names.table_column(names.codes), None)
    nobody = _Found.nobody(members.n_rows)
    return replace(nobody, group=column, rule=np.where(given, ASSIGNED, NOT_ASSIGNED))


def _by_plurality(read: Visits, n: int, order: Sequence[str], minimum_visits: int) -> _Found:
    """Return the group with the most of each member's care; `order` is the measure, then what decides ties."""
    keys = {
        "visits": read.visits,
        "amount": read.cents,
        "most_recent": read.last_day,
        "provider_id": -read.group,
    }
    ranked = np.lexsort((*(-keys[name] for name in reversed(order)), read.member))
    member = read.member[ranked]
    first = np.flatnonzero(np.diff(member, prepend=-1))
    total = np.bincount(read.member, weights=read.visits, minlength=n)
    best, enough = ranked[first], total[member[first]] >= minimum_visits
    who, row = member[first][enough], best[enough]
    rule = np.full(n, NO_CARE, object)
    rule[member[first][~enough]] = TOO_FEW
    rule[who] = _deciders(ranked, first, keys, order)[enough]
    group = np.full(n, -1, np.int64)
    group[who] = read.group[row]
    care = np.zeros((3, n), np.int64)
    care[:, who] = read.visits[row], read.cents[row], read.last_day[row]
    codes = pa.array(np.maximum(group, 0), mask=group < 0)
    return _Found(read.names.take(codes), rule, *care)


def _deciders(
    ranked: Integers, first: Integers, keys: Mapping[str, Integers], order: Sequence[str]
) -> npt.NDArray[Any]:
    """Return what set the first of each member's groups before the second: the measure, or which tie-break."""
    last = np.append(first[1:], len(ranked)) - 1
    best, second = ranked[first], ranked[np.minimum(first + 1, last)]
    rule = np.full(len(first), PLURALITY, object)
    is_level = best != second
    for name in order:
        rule[is_level & (keys[name][best] != keys[name][second]) & (name != order[0])] = f"tie: {name}"
        is_level &= keys[name][best] == keys[name][second]
    return rule


def _group_table(members: pa.Table) -> pa.Table:
    counted = members.group_by(["rule", "provider_id"]).aggregate([([], "count_all")])
    ordered = counted.rename_columns(["rule", "provider_id", "members"])
    return ordered.sort_by([("rule", "ascending"), ("provider_id", "ascending")])


def _run(found: _Found, counts: Mapping[str, int]) -> dict[str, Any]:
    attributed = int(found.has_group.sum())
    return {
        "members": len(found.rule), "attributed": attributed, "unattributed": len(found.rule) - attributed,
        "groups": len(pc.unique(found.group.drop_null())), **counts,
    }  # fmt: skip


def _assumptions(
    methods: Sequence[str],
    measure: str,
    ties: Sequence[str],
    minimum_visits: int,
    first_day: date | None,
    last_day: date | None,
) -> pa.Table:
    return assumption_table(
        [
            chosen(
                "methods",
                ", ".join(methods),
                "plurality",
                "",
                "in order; the first that finds a group decides",
            ),
            chosen("measure", measure, "visits", "", "what a member must have had most of with the group"),
            chosen(
                "ties", ", ".join(ties), "amount, most_recent, provider_id", "", "what decides where as much"
            ),
            chosen("minimum_visits", minimum_visits, 1, "visits", "with any group, for plurality"),
            chosen("first_day", first_day, None, "", "visits before it do not count"),
            chosen("last_day", last_day, None, "", "visits after it do not count"),
            Assumption("visit", "a day with a group", "", RULE, "however many lines; reversals net"),
        ]
    )


def _check(methods: Sequence[str], measure: str, ties: Sequence[str], minimum_visits: int) -> None:
    for name, given, known in (
        ("methods", methods, METHODS),
        ("ties", ties, TIES),
        ("measure", [measure], MEASURES),
    ):
        unknown = [each for each in given if each not in known]
        if unknown or not given or len(set(given)) < len(given):
            raise InputError(
                f"{name} must be some of {', '.join(known)}, each once; got {', '.join(given) or 'none'}."
            )
    if ties[-1] != "provider_id":
        raise InputError("the last of ties must be provider_id, so that something always decides.")
    if minimum_visits < 1:
        raise InputError("minimum_visits must be at least 1.")
