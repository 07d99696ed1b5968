"""MMR rows netted: prospective payments and later adjustments together, one row per member and month of service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.keys import (
    Numbers,
    first_days,
    member_month,
    months_of,
    number_ids,
    split_key,
    spread,
)
from riskadj.cms_reports.reading import load_codes
from riskadj.errors import ColumnMissingError, ExtractError
from riskadj.extracts.buffers import from_numpy, from_strings, one_chunk

#: Amounts that are netted [dollars].
AMOUNTS = ("ma_payment_part_a", "ma_payment_part_b", "ma_payment", "part_d_payment")
#: What a member-month takes from its latest row, where the table has it.
STANDING = (
    "contract_id", "plan_id", "risk_score_part_a", "risk_score_part_b", "ra_factor_type", "is_hospice", "is_esrd",
    "is_long_term_institutional", "orec", "dual_status_code", "risk_adjuster_age_group", "frailty_factor",
    "rate_part_a", "rate_part_b", "county_code", "is_out_of_area", "is_msp", "rate_part_d", "part_d_risk_score",
)  # fmt: skip
#: Columns without which rows cannot be netted.
NEEDED = (
    "member_id",
    "payment_month",
    "adjustment_reason_code",
    "adjustment_start_date",
    "adjustment_end_date",
    "ma_payment",
)
#: Longest span of one row: more is no adjustment [months].
_LONGEST = 240


def net_member_months(mmr: pa.Table) -> pa.Table:
    """Return what was paid for each member and month of service, adjustments included.

    Parameters
    ----------
    mmr : pyarrow.Table
        As `read_mmr` returns it, of one or several months.

    Returns
    -------
    pyarrow.Table
        member_id, service_month (its first day), the status and scores of its latest row (contract_id, ra_factor_type,
        risk_score_part_a [1.000 = average beneficiary], ...), ma_payment and its parts [dollars], is_taken_back (the
        month was paid and is no more), n_rows, n_adjustments [rows], adjustment_reason_codes (list).

    Raises
    ------
    ColumnMissingError
        The table lacks a column by which rows are netted.
    ExtractError
        A row's months end before they begin, or are more than twenty years.

    Notes
    -----
    A row covers the months from adjustment_start_date to adjustment_end_date; without them, its payment month. Its
    amounts are spread evenly over them, whole cents first, so that they add up to the cent. The latest row of a month
    is that of the latest payment month; of several, the one that pays stands, not the one that takes back.
    """
    _require(mmr)
    spans = _Spans.of(mmr)
    row, place = spread(spans.n_months)
    keys = member_month(spans.member[row], spans.start[row] + place)
    order = np.lexsort((row, spans.pays[row], spans.paid_in[row], keys))
    ordered = keys[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    group = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))
    latest = row[order][last]
    members, months = split_key(ordered[last])
    taken = mmr.select([name for name in STANDING if name in mmr.column_names]).take(
        from_numpy(latest, pa.int64())
    )
    amounts = {
        name: _net_cents(_shares(mmr[name], spans.n_months, row, place)[order], group, len(last))
        for name in AMOUNTS if name in mmr.column_names
    }  # fmt: skip
    is_adjustment = spans.is_adjustment[row][order]
    columns = {
        "member_id": spans.names.take(from_numpy(members, pa.int64())),
        "service_month": first_days(months),
        **{name: one_chunk(taken[name]) for name in taken.column_names},
        **{name: from_numpy(cents / 100.0, pa.float64()) for name, cents in amounts.items()},
        "is_taken_back": from_numpy(~spans.pays[latest] & (amounts["ma_payment"] <= 0), pa.bool_()),
        "n_rows": from_numpy(np.bincount(group, minlength=len(last)), pa.int64()),
        "n_adjustments": from_numpy(
            np.bincount(group, weights=is_adjustment, minlength=len(last)).astype(np.int64), pa.int64()
        ),
        "adjustment_reason_codes": _code_lists(mmr["adjustment_reason_code"], row[order], group, len(last)),
    }
    return pa.table(columns)


def adjustments_by_reason(mmr: pa.Table) -> pa.Table:
    """Return rows, months and dollars of an MMR by adjustment reason; prospective payments are the row without a code.

    Parameters
    ----------
    mmr : pyarrow.Table
        As `read_mmr` returns it.

    Returns
    -------
    pyarrow.Table
        adjustment_reason_code, title, n_rows [rows], n_months [member months], ma_payment [dollars]; every row of the
        MMR is in one of them, so the dollars add up to all that was paid.

    Raises
    ------
    ColumnMissingError, ExtractError
        As `net_member_months`.
    """
    _require(mmr)
    spans, titles = _Spans.of(mmr), {row["code"]: row["title"] for row in load_codes("adjustment_reasons")}
    codes = _codes(mmr["adjustment_reason_code"])
    names = sorted(set(pc.unique(codes).to_pylist()))
    number = pc.index_in(codes, pa.array(names, pa.string())).to_numpy()
    cents = _cents(mmr["ma_payment"])
    sums = [np.bincount(number, weights=values, minlength=len(names)) for values in (spans.n_months, cents)]
    return pa.table(
        {
            "adjustment_reason_code": pa.array([name or None for name in names], pa.string()),
            "title": from_strings(
                [titles.get(name, "no title on file") if name else "Prospective payment" for name in names]
            ),
            "n_rows": from_numpy(np.bincount(number, minlength=len(names)), pa.int64()),
            "n_months": from_numpy(sums[0].astype(np.int64), pa.int64()),
            "ma_payment": from_numpy(sums[1] / 100.0, pa.float64()),
        }
    )


@dataclass(frozen=True)
class _Spans:
    """Of each MMR row: member, first month, number of months, payment month, and whether it pays or takes back."""

    member: Numbers
    names: pa.Array
    start: Numbers
    n_months: Numbers
    paid_in: Numbers
    pays: npt.NDArray[np.bool_]
    is_adjustment: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, mmr: pa.Table) -> _Spans:
        (member,), names = number_ids(mmr["member_id"])
        paid_in = months_of(mmr["payment_month"])
        start, end = (months_of(mmr[name]) for name in ("adjustment_start_date", "adjustment_end_date"))
        start = np.where(start < 0, paid_in, start)
        n_months = np.where(end < 0, start, end) - start + 1
        wrong = (n_months < 1) | (n_months > _LONGEST) | (start < 0)
        if wrong.any():
            rows = ", ".join(map(str, (np.flatnonzero(wrong)[:5] + 1).tolist()))
            raise ExtractError(
                f"MMR: the months of {int(wrong.sum()):,} rows end before they begin, are more than {_LONGEST}, or are "
                f"not given (first rows: {rows}); correct adjustment_start_date and adjustment_end_date."
            )
        codes = _codes(mmr["adjustment_reason_code"])
        is_adjustment = pc.not_equal(codes, "").to_numpy()
        return cls(member, names, start, n_months, paid_in, _cents(mmr["ma_payment"]) >= 0, is_adjustment)


def _require(mmr: pa.Table) -> None:
    lacking = [name for name in NEEDED if name not in mmr.column_names]
    if lacking:
        raise ColumnMissingError(f"MMR lacks '{lacking[0]}'; needed: {', '.join(NEEDED)}.")


def _codes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return adjustment reason codes; a code of zeros is none."""
    codes = pc.fill_null(column.cast(pa.string()), "")
    return pc.if_else(pc.equal(codes, "00"), "", codes)


def _cents(column: pa.ChunkedArray) -> Numbers:
    return np.rint(pc.fill_null(column, 0.0).to_numpy() * 100).astype(np.int64)


def _shares(column: pa.ChunkedArray, n_months: Numbers, row: Numbers, place: Numbers) -> Numbers:
    """Return each month's share of a row's amount [cents]; the first months have the cents that are left over."""
    cents = _cents(column)
    whole, left = np.divmod(np.abs(cents), n_months)
    return np.sign(cents)[row] * (whole[row] + (place < left[row]))


def _net_cents(shares: Numbers, group: Numbers, n_groups: int) -> Numbers:
    net = np.zeros(n_groups, np.int64)
    np.add.at(net, group, shares)
    return net


def _code_lists(column: pa.ChunkedArray, row: Numbers, group: Numbers, n_groups: int) -> pa.ListArray:
    """Return the distinct adjustment reason codes of each member-month, in order."""
    codes = _codes(column)
    names = sorted(set(pc.unique(codes).to_pylist()) - {""})
    code = pc.fill_null(pc.index_in(codes, pa.array(names, pa.string())), -1).to_numpy()[row]
    pairs = np.unique((group * (len(names) + 1) + code)[code >= 0])
    begins = np.searchsorted(pairs // (len(names) + 1), np.arange(n_groups + 1)).astype(np.int32)
    values = from_strings(names).take(from_numpy(pairs % (len(names) + 1), pa.int64()))
    return pa.ListArray.from_arrays(from_numpy(begins, pa.int32()), values)
