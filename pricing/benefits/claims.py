"""A claims extract made ready for adjudication: reversals netted, families, visits and stays found, lines in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.benefits.adjudication_kernel import number_units
from pricing.benefits.line_order_kernel import Positions, number_members, order_ties
from pricing.claim_lines import ClaimLines, read_claim_lines, rows_of_several
from pricing.errors import InputError
from pricing.inputs import Column, Columns, read_columns
from pricing.rows import Integers, Labels, Rows, side_by_side
from pricing.sorting import distinct, sorted_rows, stable_order
from riskadj.extracts.buffers import id_buffers

Days = npt.NDArray[np.int32]

_EPOCH = 1970
#: What a tier of the network may be called; blank is the first.
TIERS = (
    ("", "in", "in_network", "tier_1", "1"),
    ("tier_2", "2"),
    ("out", "out_of_network"),
)
_MORE = ("family_id", "units", "network_tier", "paid_date")
_LARGEST_LINE = 2**31
_MEMBERS = (
    Column("member_id", "text"),
    Column("months_enrolled", minimum=0),
    Column("family_id", "text", default=""),
    Column("risk_score", default=..., minimum=0),
)


@dataclass(frozen=True)
class Claims:
    """Claim lines in the order in which they are adjudicated.

    A family's lines of a calendar year stand together, ordered by service date; lines of a day by claim and line
    number, so that the result does not depend on how the extract was sorted.

    Attributes
    ----------
    allowed : ndarray of int64, shape (n_lines,)
        Allowed amount of each line. [cents]
    days : ndarray of int32, shape (n_lines,)
        Days of a stay.
    slots, members : ndarray of uint32, shape (n_lines,)
        Tier of the network and service in one number (see `tiers` and `services`); number of the member in the family.
    unit_begins, unit_numbers : ndarray of int32, shape (n_lines, 2)
        Visits and stays [number from 0], as `adjudication_kernel.number_units` finds them.
    families, first_member : ndarray of int64, shape (n_families + 1,)
        Where the lines and the members of each family and year begin.
    member_years : pyarrow.Table
        One row per member and year: member_id, year; with a table of members also months_enrolled and, where it
        has them, risk_score.
    row_numbers : ndarray of int64, shape (n_lines,)
        Row of the extract that stands for each line, from 1.
    counts : dict of str to int
        lines_read = lines_adjudicated + lines_netted (merged with another of the same claim and line number, or
        coming to 0 with it) + lines_of_other_years; lines_repeating: those that repeat their claim's amount, at 0.
    warnings : tuple of str
        What looks wrong with the amounts, in words.
    """

    allowed: Integers
    days: Days
    slots: npt.NDArray[np.uint32]
    service_names: tuple[str, ...]
    members: npt.NDArray[np.uint32]
    unit_begins: npt.NDArray[np.int32]
    unit_numbers: npt.NDArray[np.int32]
    families: Integers
    first_member: Integers
    member_years: pa.Table = field(repr=False)
    row_numbers: Integers
    counts: Mapping[str, int | float]
    warnings: tuple[str, ...] = ()

    @property
    def n_lines(self) -> int:
        """Number of lines that are adjudicated."""
        return len(self.allowed)

    @property
    def services(self) -> npt.NDArray[np.uint32]:
        """Position in `service_names` of each line, shape (n_lines,)."""
        return self.slots % np.uint32(len(self.service_names))

    @property
    def tiers(self) -> npt.NDArray[np.uint32]:
        """Tier of the network of each line, shape (n_lines,): 0, 1, or 2 outside it."""
        return self.slots // np.uint32(len(self.service_names))

    @property
    def begins_visit(self) -> npt.NDArray[np.bool_]:
        """Whether each line is the first of its visit, shape (n_lines,)."""
        first = np.repeat(self.families[:-1], np.diff(self.families))
        result: npt.NDArray[np.bool_] = self.unit_begins[:, 0] == np.arange(self.n_lines) - first
        return result

    @property
    def member_rows(self) -> Integers:
        """Row of `member_years` of each line, shape (n_lines,)."""
        return np.repeat(self.first_member[:-1], np.diff(self.families)) + self.members

    @property
    def total_allowed(self) -> int:
        """Allowed amount of all lines [cents], of which shares are taken.

        Raises
        ------
        InputError
            It is not above 0.
        """
        total = int(self.allowed.sum())
        if total <= 0:
            raise InputError(
                f"allowed amounts of the claims come to {total / 100:,.2f}; a share needs more than 0."
            )
        return total

    def scaled(self, factors: npt.NDArray[np.float64]) -> Claims:
        """Return the claims with allowed amounts multiplied, to the cent, by a factor above 0 for each service.

        A line that was above 0 stays so, by a cent at least, so that visits and stays remain what they were.
        """
        if (factors == 1).all():
            return self
        amounts = np.rint(self.allowed * factors[self.services]).astype(np.int64)
        return replace(self, allowed=np.where(self.allowed > 0, np.maximum(amounts, 1), amounts))

    def __repr__(self) -> str:
        """Return how many there are, without any member's data."""
        return f"<Claims: {self.n_lines:,} lines of {self.member_years.num_rows:,} members and years>"


def read_claims(
    source: Any,
    *,
    members: Any = None,
    year: int | None = None,
    header_amounts: bool | str | Iterable[str] = False,
    columns: Mapping[str, str] | None = None,
) -> Claims:
    """Read a claims extract for adjudication.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line: claim_id, member_id, service_date, service_category, allowed_amount [dollars];
        optionally claim_line_number, paid_date, family_id (absent or blank: a family of one), units (days of a stay,
        where a design has copays per day; absent: 1), network_tier (in, tier_1, tier_2, out; absent: in).
    members : path, DataFrame, Arrow table or mapping, optional
        Everyone covered that `year`, also those without claims: member_id, months_enrolled; optionally family_id
        (which then goes before the claims'; blank: a family of one) and risk_score. Without it, members and families
        are those with claims.
    year : int, optional
        Only lines with service dates in this calendar year. Default: all years, each by itself.
    header_amounts : bool, str or iterable of str
        True, or the service categories, where every line repeats the amount of its claim: it counts on the claim's
        first line only.
    columns : mapping, optional
        Our name -> the file's, where they differ.

    Returns
    -------
    Claims

    Raises
    ------
    InputError
        A column is missing, of the wrong kind, or blank in some rows; a line's member is not among `members`, or its
        family not always the same, where only the claims name it.

    Notes
    -----
    Lines with the same claim_id and claim_line_number are netted into one: a reversal cancels its line, a corrected
    line replaces it. The one paid last (then the largest, then the last of the extract) that is above 0 stands for
    them. A negative line whose original is not there stays, as a credit to the plan.
    """
    if members is not None and year is None:
        raise InputError("a table of members belongs to one year; give year= too.")
    lines = read_claim_lines(
        source,
        amount="allowed_amount",
        header_amounts=header_amounts,
        more=("service_category",),
        optional=_MORE,
        columns=columns,
    )
    extract, line_number = lines.rows, _line_numbers(lines.rows)
    rows, cents = _netted(lines, line_number)
    n_netted = extract.n_rows - len(rows)
    dates, date = distinct(lines.days)
    years = dates.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + _EPOCH
    kept = _of_year(years[date[rows]], year, extract.label)
    rows = rows[kept]
    people = _People.of(lines, members)
    known_years = np.unique(years[np.bincount(date[rows], minlength=len(dates)) > 0])
    group = people.family * len(known_years) + np.searchsorted(known_years, years)[date]
    keys, order = sorted_rows((group * len(dates) + date)[rows])
    rows = rows[order]
    order_ties(keys, rows, lines.claims.codes, line_number, *id_buffers(lines.claims.names))
    families = _begins(keys // len(dates), people.n_families * len(known_years))
    first_member, persons, members_of_lines = people.numbered(families, people.member[rows])
    service = lines.categories.in_order()
    amounts, stays, slots, days, claim_numbers = side_by_side(
        lambda: cents[rows],
        lambda: _days_of_stays(extract, rows),
        lambda: (_tiers(extract) * len(service.names) + service.codes)[rows].astype(np.uint32),
        lambda: lines.days[rows].astype(np.int32),
        lambda: lines.claims.codes[rows].astype(np.int32),
    )
    begins, numbers = np.zeros((2, len(rows), 2), np.int32)
    number_units(
        families, first_member, amounts, slots, members_of_lines, days, claim_numbers,
        len(TIERS) * len(service.names), begins, numbers,
    )  # fmt: skip
    return Claims(
        allowed=amounts,
        days=stays,
        slots=slots,
        service_names=tuple(service.names.to_pylist()),
        members=members_of_lines,
        unit_begins=begins,
        unit_numbers=numbers,
        families=families,
        first_member=first_member,
        member_years=people.table(first_member, persons, known_years),
        row_numbers=rows + 1,
        counts={
            **lines.counts,
            "lines_adjudicated": len(rows),
            "lines_netted": n_netted,
            "lines_of_other_years": int((~kept).sum()),
        },
        warnings=lines.warnings,
    )


def _begins(numbers: Integers, n: int) -> Integers:
    """Return where each of `n` numbers begins among rows in order of them, and the end, shape (n + 1,)."""
    return np.concatenate(([0], np.cumsum(np.bincount(numbers, minlength=n))))


def _line_numbers(rows: Rows) -> Integers:
    if not rows.has("claim_line_number"):
        return np.zeros(rows.n_rows, np.int64)
    numbers = rows.integers("claim_line_number")
    rows.refuse(np.abs(numbers) >= _LARGEST_LINE, "column 'claim_line_number': no number of that size")
    return numbers


def _days_of_stays(extract: Rows, rows: Integers) -> Days:
    if not extract.has("units"):
        return np.ones(len(rows), np.int32)
    days = np.rint(extract.numbers("units"))
    extract.refuse(np.abs(days) >= _LARGEST_LINE, "column 'units': no number of that size")
    return np.maximum(days[rows], 1).astype(np.int32)


def _tiers(rows: Rows) -> Integers:
    """Return tiers of the network: 0 first, 1 second, 2 outside."""
    if not rows.has("network_tier"):
        return np.zeros(rows.n_rows, np.int64)
    labels = rows.labels("network_tier", blank="")
    known = {name: tier for tier, every in enumerate(TIERS) for name in every}
    numbers = [known.get(name.strip().lower(), -1) for name in labels.names.to_pylist()]
    tiers = np.array(numbers, np.int64)[labels.codes]
    allowed = ", ".join(name for every in TIERS for name in every if name)
    rows.refuse(tiers < 0, "column 'network_tier': not allowed", remedy=f"allowed: {allowed}")
    return tiers


def _netted(lines: ClaimLines, line_number: Integers) -> tuple[Integers, Integers]:
    """Return the rows that stand for each claim line, ascending, and by row what it comes to; lines of 0 stay out.

    A line of 0 that was never anything else stays: it is a service, free of charge.
    """
    cents, extract = np.rint(lines.amounts * 100).astype(np.int64), lines.rows
    if not extract.has("claim_line_number"):
        return np.arange(len(cents)), cents
    span = int(np.ptp(line_number)) + 1
    key = lines.claims.codes * span + (line_number - line_number.min())
    some = rows_of_several(lines.claims.codes)
    some = some[_repeated(key[some])]
    if not len(some):
        return np.arange(len(cents)), cents
    paid = extract.days("paid_date") if extract.has("paid_date") else np.zeros(len(key), np.int64)
    some = some[np.lexsort((cents[some], paid[some], cents[some] > 0, key[some]))]
    starts = np.flatnonzero(np.diff(key[some], prepend=-1))
    net, stands = np.add.reduceat(cents[some], starts), some[np.append(starts[1:], len(some)) - 1]
    is_kept = np.ones(len(key), np.bool_)
    is_kept[some] = False
    is_kept[stands] = net != 0
    cents[stands] = net
    return np.flatnonzero(is_kept), cents


def _repeated(key: Integers) -> Integers:
    """Return the rows whose key another row has too."""
    keys, rows = sorted_rows(key)
    is_same = np.zeros(len(keys) + 1, np.bool_)  # as the key before it
    is_same[1:-1] = keys[1:] == keys[:-1]
    return rows[is_same[1:] | is_same[:-1]]


def _of_year(years: Integers, year: int | None, label: str) -> npt.NDArray[np.bool_]:
    kept = np.ones(len(years), np.bool_) if year is None else years == year
    if not kept.any():
        of_year = "" if year is None else f" with a service date in {year}"
        raise InputError(f"{label} has no claim line{of_year}, or they all come to 0.")
    return kept


@dataclass(frozen=True)
class _People:
    """Who the lines belong to: each line's member and family, and what is known of the members."""

    ids: pa.Array
    member: Integers
    family: Integers
    n_families: int
    roster: Columns | None
    roster_families: Integers

    @classmethod
    def of(cls, lines: ClaimLines, members: Any) -> _People:
        """Take members from the claims, or from the table of members."""
        if members is None:
            member, family = side_by_side(lines.members.in_order, lambda: _family_ids(lines.rows))
            numbers, n_families = _families(family, member)
            return cls(member.names, member.codes, numbers, n_families, None, numbers[:0])
        roster = read_columns(members, _MEMBERS, role="members", key=("member_id",))
        known = pa.array(roster["member_id"], pa.string())
        found = lines.members.places_in(known)
        lines.rows.refuse(
            found < 0,
            "column 'member_id': not among the members",
            remedy="give every member of the claims a row in the table of members",
        )
        families, n_families = _families_of_members(roster, lines.rows, found)
        return cls(known, found, families[found], n_families, roster, families)

    def numbered(self, families: Integers, members: Integers) -> tuple[Integers, Integers, Positions]:
        """Return where the members of each family (and year) begin, who they are, and each line's number among them.

        `families` says where their lines begin, `members` whose each line is.
        """
        n_groups = len(families) - 1
        if self.roster is not None:
            persons = stable_order(self.roster_families)
            first, row = _begins(self.roster_families, n_groups), np.empty(len(persons), np.int64)
            row[persons] = np.arange(len(persons))
            numbers = row - first[self.roster_families]
            return first, persons, numbers[members].astype(np.uint32)
        first, persons = np.empty(n_groups + 1, np.int64), np.empty(len(members), np.int64)
        positions = np.empty(len(members), np.uint32)
        number_members(families, members, np.full((len(self.ids), 2), -1), persons, first, positions)
        return first, persons[: first[-1]], positions

    def table(self, first_member: Integers, persons: Integers, years: Integers) -> pa.Table:
        """Return member_years, of the members (`persons`) of each family and year."""
        group = np.repeat(np.arange(len(first_member) - 1), np.diff(first_member))
        columns = {
            "member_id": self.ids.take(pa.array(persons)),
            "year": pa.array(years[group % len(years)].astype(np.int16)),
        }
        for name in ("months_enrolled", "risk_score"):
            if self.roster is not None and name in self.roster:
                columns[name] = pa.array(self.roster[name][persons])
        return pa.table(columns)


def _families_of_members(roster: Columns, rows: Rows, found: Integers) -> tuple[Integers, int]:
    """Return the family of each member of the table, and how many numbers there are; `found` is each line's member.

    Where the table names no family at all, the claims do; who has none is a family of one.
    """
    everyone = Labels(np.arange(roster.n_rows), pa.array(roster["member_id"], pa.string())).in_order()
    named = pa.array(roster["family_id"], pa.string()).dictionary_encode()
    if set(named.dictionary.to_pylist()) - {""}:
        numbers = named.indices.to_numpy().astype(np.int64)
        return _families(Labels(numbers, named.dictionary).in_order(), everyone)
    of_line, n_families = _families(_family_ids(rows), Labels(everyone.codes[found], everyone.names))
    families = n_families - roster.n_rows + everyone.codes  # of one
    families[found] = of_line
    rows.refuse(
        families[found] != of_line,
        "column 'family_id': another than on other lines of the member",
        remedy="give the table of members a family_id",
    )
    return families, n_families


def _family_ids(rows: Rows) -> Labels | None:
    return rows.labels("family_id", blank="").in_order() if rows.has("family_id") else None


def _families(family: Labels | None, member: Labels) -> tuple[Integers, int]:
    """Return the family of each line and how many numbers there are; who has none is a family of one."""
    if family is None:
        return member.codes, len(member.names)
    n_families, is_none = len(family.names), pc.equal(family.names, "").to_numpy(zero_copy_only=False)
    numbers = family.codes
    if is_none.any():
        numbers = np.where(is_none[numbers], n_families + member.codes, numbers)
    return numbers, n_families + len(member.names)
