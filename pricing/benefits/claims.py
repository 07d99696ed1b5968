"""A claims extract made ready for adjudication: families, dates and services as numbers, amounts in whole cents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.errors import InputError
from pricing.inputs import rows_in_words
from riskadj.errors import nearest
from riskadj.extracts.sources import open_parts

REQUIRED = ("claim_id", "member_id", "service_date", "service_category", "allowed_amount")
OPTIONAL = ("claim_line_number", "family_id", "units", "network_tier")
IN_NETWORK, OUT_OF_NETWORK = ("in", "in_network", "1", ""), ("out", "out_of_network", "2")
_FIRST_DAY_OF_YEAR = "datetime64[Y]"


@dataclass(frozen=True)
class Claims:
    """Claim lines in the order in which they are adjudicated.

    A family's lines of a calendar year stand together, ordered by service date; lines of a day by member, claim,
    line number and then their order in the extract, so that the result does not depend on how the extract was sorted.

    Attributes
    ----------
    allowed : ndarray of int64, shape (n_lines,)
        Cents.
    families : ndarray of int64, shape (n_families + 1,)
        Where the lines of each family and year begin.
    first_member : ndarray of int64, shape (n_families + 1,)
        Where the members of each family and year begin.
    member_years : pyarrow.Table
        One row per member and year: member_id, year.
    counts : dict of str to int
        lines_read = lines_adjudicated + lines_netted (reversed, or merged with their reversal).
    """

    allowed: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    services: npt.NDArray[np.int32]
    service_names: tuple[str, ...]
    networks: npt.NDArray[np.int32]
    members: npt.NDArray[np.int32]
    dates: npt.NDArray[np.int32]
    claim_numbers: npt.NDArray[np.int32]
    families: npt.NDArray[np.int64]
    first_member: npt.NDArray[np.int64]
    member_years: pa.Table = field(repr=False)
    row_numbers: npt.NDArray[np.int64]
    counts: Mapping[str, int]

    @property
    def n_lines(self) -> int:
        """Number of lines that are adjudicated."""
        return len(self.allowed)


def read_claims(source: Any, *, columns: Mapping[str, str] | None = None) -> Claims:
    """Read a claims extract for adjudication.

    Parameters
    ----------
    source : path, list of paths, DataFrame or Arrow table
        One row per claim line: claim_id, member_id, service_date, service_category, allowed_amount [dollars, of the
        line: an institutional claim's header amount repeated on every line would count as often]; optionally
        claim_line_number, family_id (absent: everyone is a family of one), units (days or scripts; absent: 1),
        network_tier (in, out; absent: in).
    columns : mapping, optional
        Our name -> the file's, where they differ.

    Returns
    -------
    Claims

    Raises
    ------
    InputError
        A column is missing, of the wrong kind, or blank in some rows.

    Notes
    -----
    Lines with the same claim_id and claim_line_number are netted into one: a reversal cancels its line, and an
    adjustment adds to it. A negative line whose original is not there stays, as a credit to the plan.
    """
    table, label = _open(source, dict(columns or {}))
    coded = {name: _codes(table, name, label) for name in ("member_id", "service_category", "claim_id")}
    days = _days(table, label)
    amounts = _cents(table, label)
    rows, amounts = _netted(table, coded["claim_id"][0], amounts)
    n_read = table.num_rows
    family = (
        _codes(table, "family_id", label)[0] if "family_id" in table.column_names else coded["member_id"][0]
    )
    years = days.astype("datetime64[D]").astype(_FIRST_DAY_OF_YEAR).astype(np.int64) + 1970
    line_number = _integers(table, "claim_line_number", label, default=0)
    keys = (line_number, coded["claim_id"][0], coded["member_id"][0], days, years, family)
    order = np.lexsort(tuple(key[rows] for key in keys))
    rows, amounts = rows[order], amounts[order]
    units = _integers(table, "units", label, default=1)[rows]
    group = family[rows].astype(np.int64) * 10_000 + years[rows]
    families = _starts(group)
    members, first_member, member_rows = _members(coded["member_id"][0][rows], families)
    return Claims(
        allowed=amounts,
        units=np.maximum(units, 1),
        services=coded["service_category"][0][rows].astype(np.int32),
        service_names=coded["service_category"][1],
        networks=_networks(table, label)[rows],
        members=members,
        dates=days[rows].astype(np.int32),
        claim_numbers=coded["claim_id"][0][rows].astype(np.int32),
        families=families,
        first_member=first_member,
        member_years=pa.table(
            {
                "member_id": table["member_id"].take(pa.array(rows[member_rows])).combine_chunks(),
                "year": pa.array(years[rows][member_rows].astype(np.int16)),
            }
        ),
        row_numbers=rows + 1,
        counts={"lines_read": n_read, "lines_adjudicated": len(rows), "lines_netted": n_read - len(rows)},
    )


def _open(source: Any, columns: dict[str, str]) -> tuple[pa.Table, str]:
    parts = open_parts(source, "claims")
    label = parts[0].label
    names = parts[0].schema.names
    wanted = {name: columns.get(name, name) for name in (*REQUIRED, *OPTIONAL)}
    for name in columns:
        if name not in wanted:
            raise InputError(f"columns= names '{name}', which claims do not have{nearest(name, wanted)}.")
    for name in REQUIRED:
        if wanted[name] not in names:
            raise InputError(
                f"{label} lacks '{wanted[name]}' (has: {', '.join(names[:20])}){nearest(name, names)}."
            )
    present = {name: theirs for name, theirs in wanted.items() if theirs in names}
    tables = [
        chunk.read().select(list(present.values()))
        for part in parts
        for chunk in part.chunks(list(present.values()), frozenset())
    ]
    table = (
        pa.concat_tables(tables) if tables else parts[0].schema.empty_table().select(list(present.values()))
    )
    if not table.num_rows:
        raise InputError(f"{label} has no claim lines.")
    table = table.rename_columns(list(present))
    for name in present:
        blank = table[name].null_count
        if blank and name not in ("family_id", "network_tier"):
            bad = pc.is_null(table[name]).combine_chunks().to_numpy(zero_copy_only=False).astype(np.bool_)
            raise InputError(
                f"{label}, column '{wanted[name]}': blank in {rows_in_words(bad)}; every line needs one."
            )
    return table, label


def _codes(table: pa.Table, name: str, label: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the rank of each value among the column's values, and the values in that order."""
    column = table[name].combine_chunks().cast(pa.string())
    if name == "family_id":  # a member without a family is one of its own
        column = pc.coalesce(
            column, pc.binary_join_element_wise("\0", table["member_id"].cast(pa.string()), "")
        )
    encoded = column.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    names = encoded.dictionary
    rank = np.empty(len(names), np.int64)
    rank[pc.sort_indices(names).to_numpy()] = np.arange(len(names))
    codes = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    ordered = tuple(sorted(names.to_pylist())) if name == "service_category" else ()
    return codes, ordered


def _days(table: pa.Table, label: str) -> npt.NDArray[np.int64]:
    try:
        dates = table["service_date"].combine_chunks().cast(pa.date32())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"{label}, column 'service_date' holds a value that is no date; write YYYY-MM-DD."
        ) from None
    return dates.cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)


def _cents(table: pa.Table, label: str) -> npt.NDArray[np.int64]:
    try:
        dollars = table["allowed_amount"].combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{label}, column 'allowed_amount' holds a value that is no number.") from None
    bad = ~np.isfinite(dollars)
    if bad.any():
        raise InputError(f"{label}, column 'allowed_amount': not a finite number in {rows_in_words(bad)}.")
    return np.rint(dollars * 100).astype(np.int64)


def _integers(table: pa.Table, name: str, label: str, *, default: int) -> npt.NDArray[np.int64]:
    if name not in table.column_names:
        return np.full(table.num_rows, default, np.int64)
    try:
        numbers = table[name].combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{label}, column '{name}' holds a value that is no number.") from None
    return np.rint(numbers).astype(np.int64)


def _networks(table: pa.Table, label: str) -> npt.NDArray[np.int32]:
    if "network_tier" not in table.column_names:
        return np.zeros(table.num_rows, np.int32)
    tiers = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(table["network_tier"].cast(pa.string()), "")))
    inside = pc.is_in(tiers, pa.array(IN_NETWORK)).to_numpy(zero_copy_only=False).astype(np.bool_)
    outside = pc.is_in(tiers, pa.array(OUT_OF_NETWORK)).to_numpy(zero_copy_only=False).astype(np.bool_)
    bad = ~(inside | outside)
    if bad.any():
        raise InputError(
            f"{label}, column 'network_tier': not allowed in {rows_in_words(bad)}; allowed: in, out."
        )
    return outside.astype(np.int32)


def _netted(
    table: pa.Table, claims: npt.NDArray[np.int64], amounts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows that stand for each claim line, and its amount net of reversals; lines that come to 0 are left out."""
    if "claim_line_number" not in table.column_names or not (amounts < 0).any():
        return np.arange(len(amounts)), amounts
    lines = table["claim_line_number"].combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)
    order = np.lexsort((lines, claims))
    starts = _starts_of((claims[order], lines[order]))
    net = np.add.reduceat(amounts[order], starts)
    had_reversal = np.minimum.reduceat(amounts[order], starts) < 0
    first = np.minimum.reduceat(order, starts)
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(order)]))
    reversed_row = np.zeros(len(order), np.bool_)
    reversed_row[order] = had_reversal[group]
    keep = ~reversed_row
    result = np.where(keep, amounts, 0)
    kept_groups = had_reversal & (net != 0)
    keep[first[kept_groups]] = True
    result[first[kept_groups]] = net[kept_groups]
    return np.flatnonzero(keep), result[keep]


def _starts_of(keys: tuple[npt.NDArray[Any], ...]) -> npt.NDArray[np.int64]:
    changed = np.zeros(len(keys[0]), np.bool_)
    changed[0] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def _starts(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.append(_starts_of((group,)), len(group)).astype(np.int64)


def _members(
    codes: npt.NDArray[np.int64], families: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each line's member number within its family, where each family's members begin, and a line of each."""
    family = np.repeat(np.arange(len(families) - 1), np.diff(families))
    order = np.lexsort((codes, family))
    starts = _starts_of((family[order], codes[order]))
    overall = np.repeat(np.arange(len(starts)), np.diff([*starts, len(order)]))
    first_member = np.searchsorted(family[order][starts], np.arange(len(families)))
    numbers = np.empty(len(codes), np.int32)
    numbers[order] = overall - first_member[family[order]]
    return numbers, first_member.astype(np.int64), order[starts]
