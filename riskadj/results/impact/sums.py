"""Months, scores and causes of rows, added up by group: the means before and after, and the causes between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.results.impact.attribution import CAUSES, Causes
from riskadj.results.impact.grouping import Groups

#: Causes that change the population and no row's score, each with the count of its rows.
POPULATION_CAUSES = {
    "rows_removed": "n_rows_removed",
    "member_months": "n_rows_of_other_months",
    "rows_added": "n_rows_added",
}
#: Every cause, in the order in which a mean walks.
STEPS_OF_MEANS = ("rows_removed", *CAUSES, "member_months", "rows_added")

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Amounts:
    """Months and scores of rows: `n_matched` of both runs, `n_removed` of the run before alone, then the others.

    Attributes
    ----------
    months_before, months_after : ndarray of int64, shape (n_rows,)
        0 where the run lacks the row. [months]
    score_before, score_after : ndarray of int64, shape (n_rows,)
        [units of ``10 ** -decimals``]
    causes : ndarray of int32, shape (n_causes, n_matched) [same unit]
    by_months : bool
        False where a run has no months at all: every row counts as one month.
    """

    n_matched: int
    n_removed: int
    months_before: Integers
    months_after: Integers
    score_before: Integers
    score_after: Integers
    causes: Causes
    decimals: int
    by_months: bool


@dataclass(frozen=True)
class Means:
    """What groups have: counts, means, and revenue where there are rates; arrays of shape (n_groups,)."""

    counts: dict[str, Integers]
    means: dict[str, Floats]
    revenue: dict[str, Floats] | None


def means_of(amounts: Amounts, groups: Groups, rates: Floats | None) -> Means:
    """Return counts, means weighted by months, and revenue of each group.

    Parameters
    ----------
    rates : ndarray of float64, shape (n_rows,), or None
        Dollars per member per month at a score of 1.000.
    """
    sums = _Sums(amounts, groups)
    revenue = None if rates is None else _revenue(_Sums(amounts, groups, rates), amounts.decimals)
    return Means(_counts(sums), _means(sums, amounts.decimals), revenue)


class _Sums:
    """Sums by group; without rates they are sums of integers, exact in float64 below 2 ** 53."""

    def __init__(self, amounts: Amounts, groups: Groups, rates: Floats | None = None) -> None:
        self.amounts, self.groups, self.rates = amounts, groups, rates
        n_matched, n_known = amounts.n_matched, amounts.n_matched + amounts.n_removed
        self.matched, self.removed = slice(n_matched), slice(n_matched, n_known)
        self.added = slice(n_known, None)

    def of(self, rows: slice, *factors: Integers | Causes) -> Floats:
        """Return the sum over rows of the product of the factors (of these rows), and of the rate if there is one."""
        product = np.ones(len(self.groups.of_row[rows]))
        for factor in factors:
            product = product * factor
        if self.rates is not None:
            product = product * self.rates[rows]
        return np.bincount(self.groups.of_row[rows], product, minlength=self.groups.n_groups).astype(
            np.float64
        )

    def amount(self, rows: slice, *names: str) -> Floats:
        """Return the sum over rows of the product of the named amounts."""
        return self.of(rows, *(getattr(self.amounts, name)[rows] for name in names))


def _counts(sums: _Sums) -> dict[str, Integers]:
    months = sums.amounts
    changed = months.months_before[sums.matched] != months.months_after[sums.matched]
    counts = {
        "rows_before": sums.of(sums.matched) + sums.of(sums.removed),
        "rows_after": sums.of(sums.matched) + sums.of(sums.added),
        "n_rows_removed": sums.of(sums.removed),
        "n_rows_added": sums.of(sums.added),
        "n_rows_of_other_months": sums.of(sums.matched, changed.astype(np.int64)),
        "member_months_before": sums.amount(slice(None), "months_before"),
        "member_months_after": sums.amount(slice(None), "months_after"),
    }
    return {name: values.astype(np.int64) for name, values in counts.items()}


def _means(sums: _Sums, decimals: int) -> dict[str, Floats]:
    matched, everything = sums.matched, slice(None)
    months = sums.amount(matched, "months_before")
    before = _ratio(
        sums.amount(everything, "months_before", "score_before"), sums.amount(everything, "months_before")
    )
    after = _ratio(
        sums.amount(everything, "months_after", "score_after"), sums.amount(everything, "months_after")
    )
    both_before = _ratio(sums.amount(matched, "months_before", "score_before"), months)
    both_after = _ratio(sums.amount(matched, "months_before", "score_after"), months)
    at_new_months = _ratio(
        sums.amount(matched, "months_after", "score_after"), sums.amount(matched, "months_after")
    )
    means = {"mean_before": before, "rows_removed": both_before - before}
    for name, cause in zip(CAUSES, sums.amounts.causes, strict=True):
        means[name] = _ratio(sums.of(matched, sums.amounts.months_before[matched], cause), months)
    means |= {
        "member_months": at_new_months - both_after,
        "rows_added": after - at_new_months,
        "mean_after": after,
    }
    return {name: values / 10**decimals for name, values in means.items()}


def _revenue(sums: _Sums, decimals: int) -> dict[str, Floats]:
    matched, everything = sums.matched, slice(None)
    more = sums.amounts.months_after[matched] - sums.amounts.months_before[matched]
    revenue = {
        "revenue_before": sums.amount(everything, "months_before", "score_before"),
        "rows_removed": -sums.amount(sums.removed, "months_before", "score_before"),
    }
    for name, cause in zip(CAUSES, sums.amounts.causes, strict=True):
        revenue[name] = sums.of(matched, sums.amounts.months_before[matched], cause)
    revenue |= {
        "member_months": sums.of(matched, more, sums.amounts.score_after[matched]),
        "rows_added": sums.amount(sums.added, "months_after", "score_after"),
        "revenue_after": sums.amount(everything, "months_after", "score_after"),
    }
    return {
        name: values / 10**decimals + 0.0 for name, values in revenue.items()
    }  # no -0.0 where nobody left


def _ratio(sums: Floats, weights: Floats) -> Floats:
    return np.divide(sums, weights, out=np.full(len(sums), np.nan), where=weights > 0)
