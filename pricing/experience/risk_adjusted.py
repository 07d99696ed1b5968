"""Experience beside risk: PMPM divided by risk score, and actual to expected claims by any columns, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.assumptions import FITTED, GIVEN, Assumption, assumption_table, chosen
from pricing.experience.credibility import limited_fluctuation
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.rows import BLANK, Integers, Labels, add_up, combined
from riskadj.errors import nearest
from riskadj.extracts.buffers import is_valid

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_COLUMNS = (
    Column("amount"),
    Column("member_months", above=0),
    Column("risk_score", default=..., above=0),
    Column("expected", default=..., minimum=0),
)


@dataclass(frozen=True)
class ActualToExpected:
    """Actual and expected claims of groups of members.

    Attributes
    ----------
    groups : pyarrow.Table
        One row per group, bands in their order: the columns of `by`, n_rows, member_months, amount [dollars], pmpm,
        risk_score (mean by member months), risk_adjusted_pmpm (pmpm / risk score), expected [dollars], expected_pmpm,
        actual_to_expected, low, high (interval; null for a single row), z and credible_actual_to_expected where full
        credibility was given.
    total : float
        Actual over expected of everybody: the complement of credibility. [ratio]
    """

    groups: pa.Table
    by: tuple[str, ...]
    total: float
    confidence: float
    assumptions: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"groups": "actual_to_expected", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return the groups: member months, PMPM, risk score, actual to expected with its interval."""
        frame = self.groups.to_pandas()
        return frame.drop(columns=["amount", "expected"])

    def plot(self) -> Figure:
        """Return a figure: actual to expected by group, each with its interval."""
        from pricing.experience.plots import plot_actual_to_expected

        return plot_actual_to_expected(self)

    def __repr__(self) -> str:
        """Return the total."""
        return (
            f"<ActualToExpected: {self.total:.3f}, {self.groups.num_rows:,} groups by {', '.join(self.by)}>"
        )


def actual_to_expected(
    members: Any,
    *,
    by: str | Sequence[str],
    bands: Mapping[str, Sequence[float]] | None = None,
    full_credibility: float | None = None,
    confidence: float = 0.95,
) -> ActualToExpected:
    """Return risk-adjusted PMPM and actual-to-expected ratios by group.

    Parameters
    ----------
    members : path, DataFrame, Arrow table or mapping
        One row per member (or member and span): amount [dollars], member_months, the columns of `by`, and risk_score or
        expected [dollars], or both. Without `expected`, the PMPM of everybody is expected of a risk score that is
        everybody's mean, and more or less in proportion.
    by : str or sequence of str
        Columns; several are crossed.
    bands : mapping of str to sequence of float, optional
        Edges into which a column of numbers is cut: ``{"age_years": [45, 65]}`` gives "under 45", "45 to 65" (65 not
        included) and "65 and over".
    full_credibility : float, optional
        Member months that are fully credible; each ratio is then also weighted with the total, by the square-root rule.
    confidence : float
        Probability of the interval, 0 to 1.

    Returns
    -------
    ActualToExpected

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or there are neither risk scores nor expected amounts.

    Notes
    -----
    The interval is that of a ratio of sums over members drawn at random: its variance is
    n / (n - 1) x sum (actual - ratio x expected)^2 / (sum expected)^2.
    """
    if not 0 < confidence < 1:
        raise InputError("confidence must lie between 0 and 1.")
    names = (by,) if isinstance(by, str) else tuple(by)
    rows = read_columns(members, _COLUMNS, role="members", carry=True)
    if "risk_score" not in rows and "expected" not in rows:
        raise InputError(f"{rows.label} has neither 'risk_score' nor 'expected'; give one of them.")
    labels = [_labels(rows, name, (bands or {}).get(name)) for name in names]
    group, codes = combined(labels, rows.n_rows)
    expected, expected_from = _expected(rows)
    sums = _Sums(group, len(codes))
    total = float(rows["amount"].sum() / expected.sum())
    named = {
        name: each.table_column(codes[:, i]) for i, (name, each) in enumerate(zip(names, labels, strict=True))
    }
    ratios = _ratios(rows["amount"], expected, sums, confidence)
    if full_credibility is not None:
        z = limited_fluctuation(sums.of(rows["member_months"]), full=full_credibility)
        ratios |= {"z": z, "credible_actual_to_expected": z * ratios["actual_to_expected"] + (1 - z) * total}
    columns = named | _amounts(rows, expected, sums)
    columns |= {name: results.finite(values) for name, values in ratios.items()}
    return ActualToExpected(
        groups=pa.table(columns),
        by=names,
        total=total,
        confidence=confidence,
        assumptions=_assumptions(expected_from, full_credibility, confidence),
        run={
            "rows": rows.n_rows,
            "groups": len(codes),
            "member_months": float(rows["member_months"].sum()),
            "amount": round(float(rows["amount"].sum()), 2),
            "expected": round(float(expected.sum()), 2),
            "actual_to_expected": total,
        },
    )


def _amounts(rows: Columns, expected: Numbers, sums: _Sums) -> dict[str, Any]:
    """Return what each group cost, in all and by member and month, beside what was expected of it."""
    months, actual, totals = (sums.of(values) for values in (rows["member_months"], rows["amount"], expected))
    columns = {
        "n_rows": sums.count.astype(np.int64),
        "member_months": months,
        "amount": actual,
        "pmpm": actual / months,
    }
    if "risk_score" in rows:
        score = sums.of(rows["risk_score"] * rows["member_months"]) / months
        columns |= {"risk_score": score, "risk_adjusted_pmpm": actual / months / score}
    return columns | {"expected": totals, "expected_pmpm": totals / months}


def _ratios(actual: Numbers, expected: Numbers, sums: _Sums, confidence: float) -> dict[str, Numbers]:
    """Return the ratio of each group and its interval; not finite where nothing is expected, or one member is all."""
    from scipy.special import ndtri

    totals = sums.of(expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sums.of(actual) / totals
        squares = sums.of((actual - ratio[sums.group] * expected) ** 2)
        error = np.sqrt(sums.count / (sums.count - 1) * squares) / totals
    half = float(ndtri((1 + confidence) / 2)) * error
    return {"actual_to_expected": ratio, "low": ratio - half, "high": ratio + half}


def _assumptions(
    expected_from: tuple[str, str, str], full_credibility: float | None, confidence: float
) -> pa.Table:
    rule = "square-root rule; complement: the total"
    return assumption_table(
        [
            Assumption("expected", *expected_from, "of each row; actual claims are divided by it"),
            chosen("full_credibility", full_credibility, None, "member months", rule),
            chosen("confidence", confidence, 0.95, "", "of the interval, members drawn at random"),
        ]
    )


@dataclass(frozen=True)
class _Sums:
    """Sums over the rows of each group."""

    group: Integers
    n_groups: int

    @property
    def count(self) -> Numbers:
        return self.of(np.ones(len(self.group)))

    def of(self, values: Numbers) -> Numbers:
        return add_up(self.group, values, self.n_groups)


def _expected(rows: Columns) -> tuple[Numbers, tuple[str, str, str]]:
    """Return expected dollars of each row, and how they came about: value, unit, origin."""
    if "expected" in rows:
        expected = rows["expected"]
        origin = ("column expected", "dollars", GIVEN)
    else:
        weighted = rows["risk_score"] * rows["member_months"]
        expected = weighted * (rows["amount"].sum() / weighted.sum())
        origin = ("PMPM of everybody x relative risk score", "dollars", FITTED)
    if not expected.sum() > 0:
        raise InputError(f"{rows.label}: nothing is expected of anybody, so no ratio can be had.")
    return expected, origin


def _labels(rows: Columns, name: str, edges: Sequence[float] | None) -> Labels:
    """Return a column as labels in their order."""
    if name not in rows:
        raise InputError(f"{rows.label} lacks '{name}'; it has: {', '.join(rows)}{nearest(name, rows)}.")
    if edges is None:
        texts = np.where(is_valid(pa.array(rows[name], from_pandas=True)), rows[name].astype(str), BLANK)
        found, codes = np.unique(texts, return_inverse=True)
        return Labels(codes.astype(np.int64), pa.array(found.tolist(), pa.string()))
    cuts = np.asarray(edges, np.float64)
    if not len(cuts) or not (np.diff(cuts) > 0).all():
        raise InputError(f"bands of '{name}' must be edges that rise.")
    try:
        values = rows[name].astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{rows.label}, column '{name}' holds something that is no number; it has no bands."
        ) from None
    rows.refuse(np.isnan(values), f"column '{name}': blank")
    edge_texts = [f"{cut:g}" for cut in cuts]
    between = [f"{low} to {high}" for low, high in pairwise(edge_texts)]
    bands = [f"under {edge_texts[0]}", *between, f"{edge_texts[-1]} and over"]
    return Labels(np.searchsorted(cuts, values, side="right").astype(np.int64), pa.array(bands))
