"""What a change of PMPM is made of: utilization, mix and unit cost, whose indices multiply to it exactly.

With u services per 1,000 at cost p in each cell, before (0) and after (1), and U their sum::

    utilization   U1 / U0
    mix           (sum u1 p0 / U1) / (sum u0 p0 / U0)      at the prices of before, more of what is dear?
    unit cost     sum u1 p1 / sum u1 p0                    the services of after, at their new prices

In dollars each gets its share of the change by logarithms (Sato 1976), so that the three add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.experience.months import PER_1000
from pricing.inputs import Column, Numbers, read_columns
from pricing.rows import ALL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COMPONENTS = ("utilization", "mix", "unit_cost")
_CELL = (
    Column("service_category", "text"),
    Column("cell", "text", default=""),
    Column("utilization_per_1000", above=0),
    Column("unit_cost", above=0),
)


@dataclass(frozen=True)
class TrendComponents:
    """The change of PMPM between two periods.

    Attributes
    ----------
    components : pyarrow.Table
        One row per service category, and "(all)": pmpm_before, pmpm_after [dollars], change, pmpm_index and
        pmpm_annual; then for utilization, mix and unit_cost ``_index`` (their product is pmpm_index), ``_annual``
        (trend a year) and ``_dollars`` (they add up to change).
    months_between : float
        From one period to the other, from which indices are made annual.
    """

    components: pa.Table
    months_between: float
    assumptions: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"components": "trend_components", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return PMPM and annual trends by service category."""
        frame = self.components.to_pandas().set_index("service_category")
        return frame[["pmpm_before", "pmpm_after", "pmpm_annual", *(f"{name}_annual" for name in COMPONENTS)]]

    def plot(self) -> Figure:
        """Return a figure: from the PMPM of before to that of after, and the change by service category."""
        from pricing.experience.trend_plots import plot_components

        return plot_components(self)

    def __repr__(self) -> str:
        """Return the change of PMPM a year."""
        annual, n_categories = self.components["pmpm_annual"][-1].as_py(), self.components.num_rows - 1
        return f"<TrendComponents: PMPM {annual:+.2%} a year, {n_categories} service categories>"


def trend_components(before: Any, after: Any, *, months_between: float = 12.0) -> TrendComponents:
    """Return utilization, mix and unit cost behind a change of PMPM.

    Parameters
    ----------
    before, after : path, DataFrame, Arrow table or mapping
        One row per service category (and `cell` within it, if mix is to be seen inside categories):
        service_category, utilization_per_1000 [a year], unit_cost [dollars]. ``Incurred.totals`` is one; its "(all)"
        row is passed over.
    months_between : float
        Between the middles of the two periods.

    Returns
    -------
    TrendComponents

    Raises
    ------
    InputError
        A column is missing, a number is not above 0, or a cell is in one period only.

    Notes
    -----
    Utilization adds up services of all categories, whatever they are counted in: read it together with mix. A category
    without cells has no mix of its own.
    """
    if not months_between > 0:
        raise InputError("months_between must be above 0.")
    keys, (u0, p0), (u1, p1) = _matched(before, after)
    categories = list(dict.fromkeys(category for category, _ in keys))
    owner = np.array([categories.index(category) for category, _ in keys])
    groups = [*(owner == code for code in range(len(categories))), np.ones(len(keys), np.bool_)]
    rows = [_indices(u0[rows], p0[rows], u1[rows], p1[rows]) for rows in groups]
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    for name in ("pmpm", *COMPONENTS):
        columns[f"{name}_annual"] = columns[f"{name}_index"] ** (12 / months_between) - 1
    table = pa.table(
        {"service_category": pa.array([*categories, ALL]), **{n: pa.array(v) for n, v in columns.items()}}
    )
    return TrendComponents(
        components=table,
        months_between=months_between,
        assumptions=assumption_table(
            [
                chosen(
                    "months_between", months_between, 12.0, "months", "indices become trends a year by it"
                ),
                Assumption(
                    "mix", "prices of before", "", RULE, "services of both periods at the prices of before"
                ),
                Assumption(
                    "dollars", "logarithmic", "", RULE, "each index's share of the change; the shares add up"
                ),
            ]
        ),
        run={
            "cells": len(keys),
            "service_categories": len(categories),
            **{n: float(v[-1]) for n, v in columns.items()},
        },
    )


Side = tuple[Numbers, Numbers]


def _matched(before: Any, after: Any) -> tuple[list[tuple[str, str]], Side, Side]:
    """Return the cells, and utilization and unit cost of each in both periods, in the same order."""
    sides = []
    for source, role in ((before, "before"), (after, "after")):
        rows = read_columns(_without_total(source), _CELL, role=role, key=("service_category", "cell"))
        names = list(zip(rows["service_category"], rows["cell"], strict=True))
        numbers = zip(rows["utilization_per_1000"], rows["unit_cost"], strict=True)
        sides.append(dict(zip(names, numbers, strict=True)))
    alone = sorted({category for category, _ in sides[0].keys() ^ sides[1].keys()})
    if alone:
        raise InputError(
            f"in one period only: cells of {', '.join(alone[:5])}; put what is rare together with something else."
        )
    keys = sorted(sides[0])
    first, second = (np.array([side[key] for key in keys], np.float64).T for side in sides)
    return keys, (first[0], first[1]), (second[0], second[1])


def _without_total(source: Any) -> Any:
    if isinstance(source, pa.Table) and "service_category" in source.column_names:
        import pyarrow.compute as pc

        return source.filter(pc.not_equal(source["service_category"], ALL))
    return source


def _indices(u0: Numbers, p0: Numbers, u1: Numbers, p1: Numbers) -> dict[str, float]:
    before, after, repriced = float(u0 @ p0), float(u1 @ p1), float(u1 @ p0)
    n_before, n_after = u0.sum(), u1.sum()
    indices = {
        "utilization": n_after / n_before,
        "mix": (repriced / n_after) / (before / n_before),
        "unit_cost": after / repriced,
    }
    total, change = np.log(after / before), (after - before) / PER_1000
    per_log = change / total if total else before / PER_1000  # the logarithmic mean of both
    return {
        "pmpm_before": before / PER_1000,
        "pmpm_after": after / PER_1000,
        "change": change,
        "pmpm_index": after / before,
        **{f"{name}_index": float(index) for name, index in indices.items()},
        **{f"{name}_dollars": float(per_log * np.log(index)) for name, index in indices.items()},
    }
