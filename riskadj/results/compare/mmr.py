"""Our payment risk scores against those of the monthly membership report, member-month by member-month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

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
from riskadj.cms_reports.net import net_member_months
from riskadj.cms_reports.reading import load_codes
from riskadj.errors import ExtractError
from riskadj.extracts.buffers import encoded_strings, from_floats, from_numpy, from_strings, one_chunk
from riskadj.results.compare.factor_types import STATUS_CLASSES, FactorTypes
from riskadj.results.compare.scored import Scored
from riskadj.terms import SPAN

Floats = npt.NDArray[np.float64]

#: How a member-month can differ, the first that fits.
MMR_CLASSES = (
    "only_ours", "only_theirs", "no_score", "equal", *STATUS_CLASSES, "hospice", "age", "orec", "hccs", "frailty",
    "normalization", "unexplained",
)  # fmt: skip
#: Scores are printed with four decimals in the MMR.
_PRINTED = 10_000
#: A blended score is rounded once more than the raw scores that it is made of.
_ROUNDING = 0.001
_NO_DATE = -(1 << 31)
#: Columns of the MMR by which member-months are compared.
MMR_COLUMNS = (
    "member_id", "contract_id", "payment_month", "adjustment_reason_code", "adjustment_start_date",
    "adjustment_end_date", "risk_score_part_a", "ra_factor_type", "is_hospice", "orec", "risk_adjuster_age_group",
    "frailty_factor", "rate_part_a", "rate_part_b", "ma_payment",
)  # fmt: skip


@dataclass(frozen=True)
class MmrComparison:
    """Tables of the comparison with an MMR (see `riskadj.results.compare.compare.Comparison`), and its counts."""

    classes: pa.Table
    member_months: pa.Table
    counts: dict[str, Any]


@dataclass(frozen=True)
class _Ours:
    """Our enrollment rows, each with what paid it; arrays of shape (n_rows,)."""

    ids: pa.ChunkedArray
    start: Numbers
    end: Numbers
    score: Floats
    segment: Numbers
    age: Numbers
    unadjusted: tuple[Floats, Floats]
    has_orec: npt.NDArray[np.bool_]
    segments: tuple[str, ...]


def compare_mmr(
    scored: Scored, mmr: pa.Table, ids_with_other_hccs: pa.ChunkedArray | None = None
) -> MmrComparison:
    """Return our payment risk scores against an MMR's, adjustments netted.

    Parameters
    ----------
    scored : Scored
    mmr : pyarrow.Table
        `MMR_COLUMNS` of `riskadj.read_mmr`.
    ids_with_other_hccs : pyarrow.ChunkedArray, optional
        Members whose HCCs differ from the MOR's.

    Raises
    ------
    ExtractError
        The MMR has no month in which we have scores.
    """
    ours, months = _our_rows(scored), net_member_months(mmr)
    other = pa.chunked_array([], pa.string()) if ids_with_other_hccs is None else ids_with_other_hccs
    (our_member, their_member, differ), names = number_ids(ours.ids, months["member_id"], other)
    window = [months_of(pa.array([date.fromisoformat(day)]))[0] for day in scored.run["months_counted_in"]]
    our_key, our_row, n_repeated = _our_months(ours, our_member, window)
    their_month = months_of(months["service_month"])
    inside = (their_month >= window[0]) & (their_month <= window[1])
    taken_back = months["is_taken_back"].to_numpy()
    rows = np.flatnonzero(inside & ~taken_back)
    if not len(rows):
        raise ExtractError(
            "the MMR pays no month of the payment year that was scored; give reports of that year."
        )
    matched = _Matched(
        ours, months, names, our_key, our_row, member_month(their_member, their_month)[rows], rows, differ
    )
    counts = {
        "our_months_repeated": n_repeated, "their_months": months.num_rows,
        "their_months_outside": int((~inside).sum()),
        "their_months_taken_back": int((inside & taken_back).sum()), **matched.counts(),
    }  # fmt: skip
    return MmrComparison(matched.summary(), matched.member_months(), counts)


def _our_months(ours: _Ours, member: Numbers, window: list[int]) -> tuple[Numbers, Numbers, int]:
    """Return member-months of our rows, the row of each, and how many months a second row claims (the first counts)."""
    first = np.where(ours.start == _NO_DATE, window[0], _month_from(ours.start))
    last = np.where(ours.end == _NO_DATE, window[1], _month_of_day(ours.end))
    first, last = np.maximum(first, window[0]), np.minimum(last, window[1])
    row, place = spread(np.maximum(last - first + 1, 0))
    keys, index = np.unique(member_month(member[row], first[row] + place), return_index=True)
    return keys, row[index], len(row) - len(keys)


def _month_of_day(days: Numbers) -> Numbers:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


def _month_from(days: Numbers) -> Numbers:
    """Return the month whose first day is this day or the next to come: a month counts if its first day is covered."""
    return _month_of_day(days - 1) + 1


def _our_rows(scored: Scored) -> _Ours:
    payment = pa.concat_tables(scored.tables("payment_scores", (*SPAN, "payment_risk_score")))
    model = pa.concat_tables(_model_rows(scored))
    (payment_member, model_member), _ = number_ids(payment["member_id"], model["member_id"])
    spans = [np.column_stack([_days(table[name]) for name in SPAN[1:]]) for table in (payment, model)]
    keys, row = np.unique(
        np.column_stack([np.concatenate([payment_member, model_member]), np.concatenate(spans)]),
        axis=0,
        return_inverse=True,
    )
    row_of_payment, row_of_model = np.split(row.reshape(-1), [len(payment_member)])
    weight = model["weight"].to_numpy()
    main = np.zeros(len(keys), np.int64)
    order = np.argsort(weight, kind="stable")
    main[row_of_model[order]] = order
    main = main[row_of_payment]
    raw, normalized = (
        np.bincount(row_of_model, weights=weight * _scores(model, name), minlength=len(keys)).astype(
            np.float64
        )
        for name in ("raw_risk_score", "normalized_risk_score")
    )
    segment = model["segment"].combine_chunks().dictionary_encode()
    return _Ours(
        payment["member_id"], spans[0][:, 0], spans[0][:, 1],
        _scores(payment, "payment_risk_score"),
        segment.indices.to_numpy().astype(np.int64)[main], model["age_years"].to_numpy().astype(np.int64)[main],
        (raw[row_of_payment], normalized[row_of_payment]), model["has_orec"].to_numpy()[main],
        tuple(segment.dictionary.to_pylist()),
    )  # fmt: skip


def _scores(table: pa.Table, name: str) -> Floats:
    """Return a column of scores; not a number where there is none."""
    return pc.fill_null(table[name], np.nan).to_numpy()


def _model_rows(scored: Scored) -> Iterator[pa.Table]:
    """Yield the rows of models that pay, with whether a variable of the original reason for entitlement scored."""
    numbers = ("segment", "weight", "age_years", "raw_risk_score", "normalized_risk_score")
    orec = pa.array([row["variable"] for row in load_codes("status_variables")])
    for table in scored.tables("model_scores", (*SPAN, *numbers, "variables")):
        paid = table.filter(pc.greater(table["weight"], 0.0))
        lists = one_chunk(paid["variables"])
        has_orec = np.zeros(paid.num_rows, np.bool_)
        has_orec[
            pc.list_parent_indices(lists)
            .filter(pc.is_in(pc.list_flatten(lists).cast(pa.string()), orec))
            .to_numpy()
        ] = True
        plain = paid.select([*SPAN, *numbers]).set_column(3, "segment", paid["segment"].cast(pa.string()))
        yield plain.append_column("has_orec", from_numpy(has_orec, pa.bool_()))


def _days(dates: pa.ChunkedArray) -> Numbers:
    return pc.fill_null(dates.cast(pa.int32()), _NO_DATE).to_numpy().astype(np.int64)


@dataclass(frozen=True)
class _Matched:
    """Member-months of either side, put side by side and classified; arrays of shape (n_member_months,)."""

    ours: _Ours
    months: pa.Table
    names: pa.Array
    our_key: Numbers
    our_row: Numbers
    their_key: Numbers
    their_row: Numbers
    other_hccs: Numbers

    @cached_property
    def key(self) -> Numbers:
        """Member and month of every row."""
        return np.union1d(self.our_key, self.their_key)

    @cached_property
    def our_of(self) -> Numbers:
        """Our enrollment row; -1 where we have none."""
        return _row_of(self.key, self.our_key, self.our_row)

    @cached_property
    def their_of(self) -> Numbers:
        """Their row of `months`; -1 where they have none."""
        order = np.argsort(self.their_key)
        return _row_of(self.key, self.their_key[order], self.their_row[order])

    @cached_property
    def our_score(self) -> Floats:
        """Our payment risk score; not a number where there is none."""
        return _taken(self.ours.score, self.our_of)

    @cached_property
    def their_score(self) -> Floats:
        """Their risk score of Part A; not a number where there is none."""
        return self._theirs("risk_score_part_a")

    def _theirs(self, name: str) -> Floats:
        """Return a column of numbers of theirs; not a number where there is none."""
        if name not in self.months.column_names:
            return np.full(len(self.key), np.nan)
        return _taken(pc.fill_null(self.months[name], np.nan).to_numpy(), self.their_of)

    def _their_words(self, name: str) -> tuple[Numbers, list[str]]:
        """Return the position of each text of theirs, and the texts; the last is an empty one, for none."""
        if name not in self.months.column_names:
            return np.zeros(len(self.key), np.int64), [""]
        words = sorted(set(pc.unique(self.months[name]).drop_null().to_pylist()))
        position = pc.fill_null(
            pc.index_in(self.months[name], pa.array(words, pa.string())), len(words)
        ).to_numpy()
        return np.where(self.their_of < 0, len(words), position[self.their_of]), [*words, ""]

    @cached_property
    def difference_class(self) -> Numbers:
        """Position in MMR_CLASSES."""
        status = self._status_difference()
        tests = {
            "only_ours": self.their_of < 0,
            "only_theirs": self.our_of < 0,
            "no_score": np.isnan(self.our_score) | np.isnan(self.their_score),
            "equal": _same(self.our_score, self.their_score),
            **{name: status == position for position, name in enumerate(STATUS_CLASSES)},
            "hospice": self._is_hospice(),
            "age": self._age_differs(),
            "orec": self._orec_differs(),
            "hccs": np.isin(split_key(self.key)[0], self.other_hccs),
            "frailty": _same(self.our_score, self.their_score - self._theirs("frailty_factor")),
            "normalization": self._is_unadjusted(),
            "unexplained": np.ones(len(self.key), np.bool_),
        }
        return np.select([tests[name] for name in MMR_CLASSES], range(len(MMR_CLASSES)))

    def _status_difference(self) -> Numbers:
        """Return the position in STATUS_CLASSES of what segment and factor type say differently; -1 for nothing."""
        factor_types, (types, words) = FactorTypes.load(), self._their_words("ra_factor_type")
        found = [[factor_types.difference(segment, word) for word in words] for segment in self.ours.segments]
        grid = np.array([[-1 if one is None else STATUS_CLASSES.index(one) for one in row] for row in found])
        both = (self.our_of >= 0) & (self.their_of >= 0)
        return np.where(both, grid[self.ours.segment[self.our_of], types], -1)

    def _is_hospice(self) -> npt.NDArray[np.bool_]:
        if "is_hospice" not in self.months.column_names:
            return np.zeros(len(self.key), np.bool_)
        flags = pc.fill_null(self.months["is_hospice"], False).to_numpy()
        return (self.their_of >= 0) & flags[self.their_of]

    def _age_differs(self) -> npt.NDArray[np.bool_]:
        group, words = self._their_words("risk_adjuster_age_group")
        low, high = np.array([_age_range(word) for word in words]).T
        age = self.ours.age[self.our_of]
        return (age < low[group]) | (age > high[group])

    def _orec_differs(self) -> npt.NDArray[np.bool_]:
        """Ours scored the original reason for entitlement and theirs has another, or the other way round."""
        code, words = self._their_words("orec")
        is_disabled, is_known = np.array(words)[code] == "1", np.array(words)[code] != ""
        factor_types = FactorTypes.load()
        community = [factor_types.is_community(segment) for segment in self.ours.segments]
        ours, age = self.ours.has_orec[self.our_of], self.ours.age[self.our_of]
        lacks = is_disabled & ~ours & (age >= _AGED) & np.array(community)[self.ours.segment[self.our_of]]
        return is_known & (lacks | (ours & ~is_disabled))

    def _is_unadjusted(self) -> npt.NDArray[np.bool_]:
        """Theirs is our score before normalization, or before the coding intensity adjustment."""
        near = [
            np.abs(_taken(score, self.our_of) - self.their_score) <= _ROUNDING
            for score in self.ours.unadjusted
        ]
        return near[0] | near[1]

    def _dollars(self) -> Floats:
        """Return what the difference is worth at the MMR's rates [dollars a month]."""
        return (self.our_score - self.their_score) * (
            self._theirs("rate_part_a") + self._theirs("rate_part_b")
        )

    def counts(self) -> dict[str, int]:
        """Return counts that add up: each side's months are those of both and those it alone has."""
        n_ours, n_theirs = len(self.our_key), len(self.their_key)
        both = int(((self.our_of >= 0) & (self.their_of >= 0)).sum())
        return {
            "our_months": n_ours, "their_months_compared": n_theirs, "months_of_both": both,
            "months_only_ours": n_ours - both, "months_only_theirs": n_theirs - both,
        }  # fmt: skip

    def summary(self) -> pa.Table:
        """Return member-months, members, mean scores and dollars by class."""
        n_classes, classes, members = len(MMR_CLASSES), self.difference_class, split_key(self.key)[0]
        pairs = np.unique(classes * (members.max() + 1) + members)
        means = [_means(score, classes, n_classes) for score in (self.our_score, self.their_score)]
        dollars = self._dollars()
        known = ~np.isnan(dollars)
        total = np.bincount(classes[known], weights=dollars[known], minlength=n_classes)
        has_dollars = np.bincount(classes[known], minlength=n_classes) > 0
        return pa.table({
            "difference_class": from_strings(MMR_CLASSES),
            "n_rows": from_numpy(np.bincount(classes, minlength=n_classes), pa.int64()),
            "n_members": from_numpy(np.bincount(pairs // (members.max() + 1), minlength=n_classes), pa.int64()),
            "our_mean_score": from_floats(means[0]), "their_mean_score": from_floats(means[1]),
            "dollars": from_numpy(total, pa.float64(), valid=has_dollars),
        })  # fmt: skip

    def member_months(self) -> pa.Table:
        """Return every member-month that differs."""
        rows = np.flatnonzero(self.difference_class != MMR_CLASSES.index("equal"))
        members, months = split_key(self.key[rows])
        ours, theirs = self.our_of[rows], self.their_of[rows]
        types, words = self._their_words("ra_factor_type")
        segments = encoded_strings(np.where(ours < 0, 0, self.ours.segment[ours]), self.ours.segments).cast(
            pa.string()
        )
        wanted = ("contract_id", "ma_payment", "adjustment_reason_codes")
        taken = self.months.select([name for name in wanted if name in self.months.column_names])
        taken = taken.take(pc.if_else(pa.array(theirs >= 0), pa.array(theirs), pa.scalar(None, pa.int64())))
        return pa.table({
            "member_id": self.names.take(from_numpy(members, pa.int64())),
            "service_month": first_days(months),
            "difference_class": encoded_strings(self.difference_class[rows], MMR_CLASSES),
            "our_score": from_floats(self.our_score[rows]), "their_score": from_floats(self.their_score[rows]),
            "our_segment": pc.if_else(pa.array(ours >= 0), segments, None),
            "their_factor_type": pc.if_else(pa.array(types[rows] < len(words) - 1),
                                            encoded_strings(types[rows], words).cast(pa.string()), None),
            "dollars": from_floats(self._dollars()[rows]),
            **{name: taken[name] for name in taken.column_names},
        })  # fmt: skip


#: From this age members count as aged; before it, as disabled.
_AGED = 65


def _age_range(group: str) -> tuple[int, int]:
    """Return the ages of a group such as 6569 or 95GT; all ages if it is not known."""
    low, high = group[:2], group[2:]
    if not low.isdigit() or not (high.isdigit() or high == "GT"):
        return 0, 999
    return int(low), 999 if high == "GT" else int(high)


def _row_of(wanted: Numbers, keys: Numbers, rows: Numbers) -> Numbers:
    """Return the row of each wanted key; -1 where there is none. `keys` ascend."""
    place = (
        np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        if len(keys)
        else np.zeros(len(wanted), np.int64)
    )
    return np.where(keys[place] == wanted, rows[place], -1) if len(keys) else np.full(len(wanted), -1)


def _taken(values: Floats, rows: Numbers) -> Floats:
    return np.where(rows >= 0, values[rows], np.nan)


def _same(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Return where two scores are the same in the decimals that the MMR prints."""
    return np.abs(np.rint(one * _PRINTED) - np.rint(other * _PRINTED)) == 0


def _means(scores: Floats, classes: Numbers, n_classes: int) -> Floats:
    known = ~np.isnan(scores)
    n_rows = np.bincount(classes[known], minlength=n_classes)
    sums = np.bincount(classes[known], weights=scores[known], minlength=n_classes)
    return np.divide(sums, n_rows, out=np.full(n_classes, np.nan), where=n_rows > 0)
