"""Why revenue is not what was expected: month by month, cause by cause, to the cent.

Both sides, such as a forecast and what CMS paid, are cells: a month and the columns of `by` (status, county), with
member months, dollars that a payment risk score of 1.000 would have brought, dollars that the scores brought, and
revenue. Within a month the difference goes to causes in this order, with the expected side's prices until they are
replaced:

1. enrollment: member months more or fewer, at the month's revenue per member month;
2. ``status_mix``, then the same of each other column of `by`: those months being of this status (then of this county)
   and not an average one, at the status's revenue per member month less the month's (then at the county's less its
   status's);
3. score: actual member months, at the change of the mean score times the expected rate;
4. rate: actual member months and scores, at the change of the rate;
5. other: what neither rate nor score brings: rebates, secondary-payer reductions, adjustments without a month of
   enrollment.

A status or county that was not expected at all has the expected prices of the whole that it is part of. Each step is
rounded to cents in every cell, so that causes add up to the difference to the cent, however they are summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.assumptions import GIVEN, RULE, Assumption, assumption_table
from pricing.experience.months import as_dates, name_of
from pricing.inputs import Numbers
from pricing.revenue.variance_cells import BY, Cells, numbered, read_cells

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Integers = npt.NDArray[np.int64]
ENROLLMENT, SCORE, RATE, OTHER = "enrollment", "score", "rate", "other"


@dataclass(frozen=True)
class Reconciliation:
    """The difference between two revenues, in causes.

    Attributes
    ----------
    months : pyarrow.Table
        One row per month of both sides: member months, mean score and rate of each side, expected [dollars], one
        column per cause [dollars], actual [dollars].
    tree : pyarrow.Table
        One row per node, all months together: depth (0: the whole difference, 1: a cause, then the columns of `by` one
        by one), cause, the columns of `by` ("" above their depth), change [dollars]. The children of a node add up to
        it.
    cells : pyarrow.Table
        One row per month and cell: as `months`, by the columns of `by`.
    causes : tuple of str
        In the order in which they act.
    names : tuple of str
        What the two sides are called.
    assumptions : pyarrow.Table
        What was assumed: assumption, value, unit, origin, meaning.
    run : dict
        What was compared; months of one side only, with their dollars, are told here and are no part of the causes.
    """

    months: pa.Table
    tree: pa.Table
    cells: pa.Table
    causes: tuple[str, ...]
    names: tuple[str, str]
    assumptions: pa.Table
    run: Mapping[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "months": "variance_months",
        "tree": "variance_tree",
        "cells": "variance_cells",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas

    def summary(self) -> pd.DataFrame:
        """Return the causes in order: dollars, dollars per actual member month, and share of expected revenue."""
        import pandas as pd

        changes = [_total(self.months, cause) for cause in self.causes]
        levels = [_total(self.months, "expected"), *changes, _total(self.months, "actual")]
        dollars = np.array(levels) / 100
        frame = pd.DataFrame({"step": ["expected", *self.causes, "actual"], "dollars": dollars})
        frame["per_member_month"] = dollars / sum(self.months["member_months_actual"].to_pylist())
        frame["share_of_expected"] = dollars / dollars[0]
        return frame

    def plot(self) -> Figure:
        """Return two charts: the way from expected to actual, and the causes month by month."""
        from pricing.revenue.variance_plots import plot_reconciliation

        return plot_reconciliation(self)

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write `TABLES` as Parquet, run.json and, if asked for, variance_tree.png into `directory`, all or nothing."""
        charts = {self.TABLES["tree"]: self.plot()} if chart else {}
        return results.write_with(self, directory, charts=charts, overwrite=overwrite)

    def __repr__(self) -> str:
        """Return what was compared, and by how much it differs."""
        change = (_total(self.months, "actual") - _total(self.months, "expected")) / 100
        return f"<Reconciliation: {self.months.num_rows} months, {self.cells.num_rows:,} cells, {change:+,.2f} dollars>"


def reconcile(
    expected: Any, actual: Any, *, by: Sequence[str] = BY, names: tuple[str, str] = ("expected", "actual")
) -> Reconciliation:
    """Return what made revenue differ from what was expected, month by month and cause by cause.

    Parameters
    ----------
    expected, actual : RevenueForecast, Cells, path, DataFrame, Arrow table or mapping
        `pricing.revenue.variance_cells.CELLS` lists the columns; `mmr_cells` makes them from monthly membership
        reports, `forecast_cells` from a forecast by other scores than the final. Two forecasts can be compared as well.
    by : sequence of str
        Columns that both sides have, in the order in which they explain: the mix of the first, then of the second
        within it. Default: status, county_code.
    names : tuple of str
        What the two sides are, for the run report and charts.

    Returns
    -------
    Reconciliation

    Raises
    ------
    InputError
        A side lacks a column or holds impossible values, `by` is empty or repeats a column, the sides have no month in
        common, or nothing was expected in any of those months.

    Notes
    -----
    Only months that both sides have are compared. The order of causes is a convention; another order of `by` moves
    dollars between columns of `by`, and nothing else.
    """
    names_by = tuple(by)
    if not names_by or len(set(names_by)) < len(names_by):
        raise InputError("`by` must name at least one column, and each once.")
    both = (read_cells(expected, names_by, role=names[0]), read_cells(actual, names_by, role=names[1]))
    shared = np.intersect1d(both[0].months, both[1].months)
    if not len(shared):
        raise InputError(
            f"{names[0]} and {names[1]} have no month in common; give both the same service months."
        )
    pair = _Pair.of(*(side.within(shared) for side in both))
    causes = causes_of(names_by)
    steps = dict(zip(causes, np.diff(pair.levels(), axis=0), strict=True))
    return Reconciliation(
        months=_table(pair, steps, 0),
        tree=_tree(pair, steps),
        cells=_table(pair, steps, len(names_by)),
        causes=causes,
        names=names,
        assumptions=_assumptions(names_by, names),
        run=_run(both, shared, names, names_by, pair.n_cells),
    )


def causes_of(by: Sequence[str]) -> tuple[str, ...]:
    """Return the causes in order; the mix of a column is named after it."""
    return (ENROLLMENT, *(f"{name}_mix" for name in by), SCORE, RATE, OTHER)


@dataclass(frozen=True)
class _Pair:
    """Both sides on the same cells, and the nodes above them.

    Attributes
    ----------
    keys : list of arrays
        Month, then each column of `by`, of every cell; cells are in their order.
    nodes : list of int64 arrays, each of shape (n_cells,)
        At each depth (0: the month) the node that a cell is in.
    expected, actual : float64, shape (4, n_cells)
        member_months, rate_dollars, scored_dollars, revenue.
    """

    by: tuple[str, ...]
    keys: list[npt.NDArray[Any]]
    nodes: list[Integers]
    expected: Numbers
    actual: Numbers

    @classmethod
    def of(cls, expected: Cells, actual: Cells) -> _Pair:
        """Return two sides on the cells that either has."""
        both = [np.concatenate(pair) for pair in zip(expected.keys, actual.keys, strict=True)]
        nodes = numbered(both)
        codes = nodes[-1]
        _, first = np.unique(codes, return_index=True)
        rows = (codes[: expected.n_rows], codes[expected.n_rows :])
        sums = [
            np.array([np.bincount(row, part, len(first)).astype(np.float64) for part in side.measures])
            for row, side in zip(rows, (expected, actual), strict=True)
        ]
        return cls(expected.by, [key[first] for key in both], [node[first] for node in nodes], *sums)

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.keys[0])

    def levels(self) -> Integers:
        """Return revenue after each cause [cents], shape (1 + n_causes, n_cells); the first is expected."""
        extra = self.actual[0] - self.expected[0]
        levels, before = [self.expected[3]], np.zeros(self.n_cells)
        for price in self._prices():
            levels.append(levels[-1] + extra * (price[2] - before))
            before = price[2]
        months, rated, scored, revenue = self.actual
        rate, expected_scored = price[:2]
        score = _ratio(scored, rated, _ratio(expected_scored, rate, np.zeros(self.n_cells)))
        levels.append(levels[-1] + months * (score * rate - expected_scored))
        levels.append(levels[-1] + scored - months * score * rate)
        return np.rint(100 * np.array([*levels, revenue])).astype(np.int64)

    def _prices(self) -> list[Numbers]:
        """Return expected rate, scored dollars and revenue per member month at each depth, shape (3, n_cells) each.

        A node without expected member months has the prices of the node above it.
        """
        months, *parts = self.expected
        if not months.sum() > 0:
            raise InputError("the expected side has no member months in the months of both; give it some.")
        prices = []
        above = np.array([np.full(self.n_cells, part.sum() / months.sum()) for part in parts])
        for node in self.nodes:
            count = np.bincount(node, months)[node].astype(np.float64)
            sums = [np.bincount(node, part)[node].astype(np.float64) for part in parts]
            above = np.array([_ratio(total, count, old) for total, old in zip(sums, above, strict=True)])
            prices.append(above)
        return prices


def _ratio(part: Numbers, whole: Numbers, otherwise: Numbers) -> Numbers:
    """Return part over whole; `otherwise` where the whole is 0."""
    none = whole == 0
    return np.where(none, otherwise, part / np.where(none, 1.0, whole))


def _table(pair: _Pair, steps: Mapping[str, Integers], depth: int) -> pa.Table:
    """Return one row per node of a depth: its key, both sides, and every cause."""
    _, first, node = np.unique(pair.nodes[depth], return_index=True, return_inverse=True)
    n_nodes = len(first)
    columns: dict[str, Any] = {"month": as_dates(pair.keys[0][first])}
    columns |= {name: pa.array(pair.keys[1 + place][first]) for place, name in enumerate(pair.by[:depth])}
    sums = {}
    for side, measures in (("expected", pair.expected), ("actual", pair.actual)):
        sums[side] = [np.bincount(node, part, n_nodes).astype(np.float64) for part in measures]
        columns |= _means(side, *sums[side][:3])
    columns["expected"] = pa.array(np.rint(100 * sums["expected"][3]) / 100)
    columns |= {name: pa.array(_add(node, cents, n_nodes) / 100) for name, cents in steps.items()}
    columns["actual"] = pa.array(np.rint(100 * sums["actual"][3]) / 100)
    return pa.table(columns)


def _means(side: str, months: Numbers, rated: Numbers, scored: Numbers) -> dict[str, pa.Array]:
    """Return member months, mean score and mean rate of a side, null where there are none."""
    means = {"member_months": pa.array(months)}
    for name, part, whole in (("risk_score", scored, rated), ("rate", rated, months)):
        means[name] = pa.array(_ratio(part, whole, np.zeros(len(part))), mask=whole == 0)
    return {f"{name}_{side}": values for name, values in means.items()}


def _add(node: Integers, cents: Integers, n_nodes: int) -> Integers:
    """Return whole cents by node."""
    total = np.zeros(n_nodes, np.int64)
    np.add.at(total, node, cents)
    return total


def _tree(pair: _Pair, steps: Mapping[str, Integers]) -> pa.Table:
    """Return the whole, its causes, and below each cause the columns of `by` one by one."""
    tables = [_nodes(pair, 0, "", 0, sum(steps.values(), np.zeros(pair.n_cells, np.int64)))]
    for depth in range(len(pair.by) + 1):
        tables += [_nodes(pair, 1 + depth, cause, depth, cents) for cause, cents in steps.items()]
    return pa.concat_tables(tables)


def _nodes(pair: _Pair, depth: int, cause: str, n_labels: int, cents: Integers) -> pa.Table:
    """Return one row per combination of the first labels, all months together."""
    node = numbered(pair.keys[1 : 1 + n_labels])[-1] if n_labels else np.zeros(pair.n_cells, np.int64)
    _, first = np.unique(node, return_index=True)
    columns: dict[str, Any] = {
        "depth": pa.array(np.full(len(first), depth, np.int32)),
        "cause": pa.array([cause] * len(first), pa.string()),
    }
    for place, name in enumerate(pair.by):
        values = pair.keys[1 + place][first].tolist() if place < n_labels else [""] * len(first)
        columns[name] = pa.array(values, pa.string())
    columns["change"] = pa.array(_add(node, cents, len(first)) / 100)
    return pa.table(columns)


def _total(table: pa.Table, column: str) -> int:
    """Return a column of dollars added up in cents."""
    return int(np.rint(100 * table[column].to_numpy()).astype(np.int64).sum())


def _assumptions(by: Sequence[str], names: tuple[str, str]) -> pa.Table:
    order = ", ".join(causes_of(by))
    return assumption_table(
        [
            Assumption("sides", " and ".join(names), "", GIVEN, "the second less the first is explained"),
            Assumption("order of causes", order, "", RULE, "each acts on what those before it have left"),
            Assumption(
                "prices of what was not expected", "those of the whole it is part of", "", RULE,
                "a status or county without expected member months has no mix effect of its own",
            ),
            Assumption("rounding", "each step, in every cell", "cents", RULE, "causes add up however they are summed"),
        ]
    )  # fmt: skip


def _run(
    both: tuple[Cells, Cells], shared: Integers, names: tuple[str, str], by: Sequence[str], n_cells: int
) -> dict[str, Any]:
    """Return what was compared, and what only one side has."""
    sides = {
        name: {"cells": side.n_rows, **side.outside(shared), **side.run}
        for name, side in zip(names, both, strict=True)
    }
    months = {
        "first_month": name_of(int(shared[0])),
        "last_month": name_of(int(shared[-1])),
        "months": len(shared),
    }
    return {"question": "reconcile revenue", **months, "by": list(by), "cells": n_cells, "sides": sides}
