"""How complete the scores of each run are, estimated from a plan's own past payment years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.experience.credibility import buhlmann_straub
from pricing.revenue.assumptions import VINTAGES, Assume
from pricing.revenue.members import Membership
from pricing.rows import ALL, Integers, Numbers, Rows, add_up, combined, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Runs that are measured by the final one, and the columns of scores.
_EARLY = VINTAGES[:-1]
SCORES: Mapping[str, str] = {vintage: f"{vintage}_score" for vintage in VINTAGES}


@dataclass(frozen=True)
class Completion:
    """Completion of scores by group and run.

    Attributes
    ----------
    groups : pyarrow.Table
        One row per group and run: the columns of `by`, vintage, member_months, observed (sum of the run's scores over
        that of the final run's, all years), credibility (weight of the observed), completion (what is taken).
    years : pyarrow.Table
        One row per group, run and payment year: the columns of `by`, vintage, payment_year, member_months, final_score
        (mean), observed.
    by : tuple of str
    overall : mapping of str to float
        Completion of each run, all groups and years together.
    run : dict
        Rows read, payment years.
    """

    groups: pa.Table
    years: pa.Table
    by: tuple[str, ...]
    overall: Mapping[str, float]
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"groups": "completion_groups", "years": "completion_years"}
    to_pandas = results.to_pandas
    write = results.write

    def assume(self, members: Membership | None = None, *, part_d: bool = False) -> tuple[Assume, ...]:
        """Return rows for a scenario: the completion of all, then that of each group.

        Parameters
        ----------
        members : Membership, optional
            Leave out groups that none of them is in: a scenario cannot assume anything of nobody.
        part_d : bool
            The history is one of Part D scores.
        """
        prefix = "part_d_completion_" if part_d else "completion_"
        rows = [Assume(f"{prefix}{vintage}", value) for vintage, value in self.overall.items()]
        for row in self.groups.to_pylist() if self.by else ():
            where = {name: row[name] for name in self.by}
            if members is not None and not members.cohorts.fits(where).any():
                continue
            rows.append(Assume(f"{prefix}{row['vintage']}", row["completion"], where=where))
        return tuple(rows)

    def summary(self) -> pd.DataFrame:
        """Return completion by group (rows) and run (columns), with all together in the last row (pandas)."""
        frame = self.groups.to_pandas()
        if not self.by:
            return frame.set_index("vintage")[["member_months", "completion"]]
        wide = frame.pivot_table(index=list(self.by), columns="vintage", values="completion")[list(_EARLY)]
        wide.loc[ALL if len(self.by) == 1 else (ALL,) * len(self.by)] = [self.overall[run] for run in _EARLY]
        return wide

    def plot(self) -> Figure:
        """Return a figure: completion by payment year and run, and of each group what was observed and is taken."""
        from pricing.revenue.completion_plots import plot_completion

        return plot_completion(self)

    def __repr__(self) -> str:
        """Return the completion of all."""
        shown = ", ".join(f"{vintage} {value:.4f}" for vintage, value in self.overall.items())
        return f"<completion of scores: {shown} of final; {self.groups.num_rows // len(_EARLY):,} groups>"


def score_completion(history: Any, *, by: str | Sequence[str] = ()) -> Completion:
    """Return how complete each run's scores were, from payment years whose final run is known.

    Parameters
    ----------
    history : path, DataFrame, Arrow table or mapping
        payment_year, member_months, initial_score, mid_year_score, final_score (means of the same members, as the
        monthly membership reports and the final settlement paid them), and the columns of `by`; a row for each group
        and year, or each member and year.
    by : str or sequence of str
        Columns of the cohorts that completion differs by, such as status or contract_id.

    Returns
    -------
    Completion
        A group's completion is its own observed one and that of all, weighted by Buhlmann-Straub credibility over
        payment years; where there are fewer than two groups or two years, nobody is credible and all have the same.

    Raises
    ------
    InputError
        A column is missing or blank, member months or scores are not above 0.
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    needed = ("payment_year", "member_months", *SCORES.values(), *names)
    rows = read_rows(history, "history", needed=needed)
    labels = [rows.labels(name) for name in names]
    group, codes = (
        combined(labels, rows.n_rows) if names else (np.zeros(rows.n_rows, np.int64), np.zeros((1, 0), int))
    )
    table = pa.table({name: each.table_column(codes[:, at]) for at, (name, each) in enumerate(zip(names, labels, strict=True))})  # fmt: skip # noqa: E501
    years, year = np.unique(rows.numbers("payment_year").astype(np.int64), return_inverse=True)
    cells = _cells(rows, group * len(years) + year, (len(codes), len(years)))
    found = {run: _estimated(cells[run], cells["final"]) for run in _EARLY}
    overall = {run: float(cells[run].sum() / cells["final"].sum()) for run in _EARLY}
    return Completion(
        _group_table(table, cells, found),
        _year_table(table, cells, years),
        names,
        overall,
        {"rows_read": rows.n_rows, "payment_years": years.tolist(), "by": list(names)},
    )


def _cells(rows: Rows, cell: Integers, shape: tuple[int, int]) -> dict[str, Numbers]:
    """Return member months and sums of scores, each of shape (n_groups, n_years)."""
    months = rows.numbers("member_months")
    rows.refuse(months <= 0, "column 'member_months': not above 0")
    found = {"member_months": add_up(cell, months, shape[0] * shape[1]).reshape(shape)}
    for run, name in SCORES.items():
        scores = rows.numbers(name)
        rows.refuse(scores <= 0, f"column '{name}': not above 0")
        found[run] = add_up(cell, months * scores, shape[0] * shape[1]).reshape(shape)
    return found


def _estimated(early: Numbers, final: Numbers) -> tuple[Numbers, Numbers]:
    """Return the credibility of each group and its completion; final scores are the weights."""
    seen = final > 0
    ratios = np.divide(early, final, out=np.full_like(final, np.nan), where=seen)
    pooled = np.full(len(final), early.sum() / final.sum())
    if min(final.shape) < 2 or (seen.sum(axis=1) < 2).all():
        return np.zeros(len(final)), pooled
    found = buhlmann_straub(ratios, final)
    return found.z, found.premiums


def _group_table(
    table: pa.Table, cells: Mapping[str, Numbers], found: Mapping[str, tuple[Numbers, Numbers]]
) -> pa.Table:
    final = cells["final"].sum(axis=1)
    tables = []
    for run, (z, completion) in found.items():
        columns = {
            "vintage": pa.array([run] * len(final)), "member_months": pa.array(cells["member_months"].sum(axis=1)),
            "observed": pa.array(cells[run].sum(axis=1) / final), "credibility": pa.array(z),
            "completion": pa.array(completion),
        }  # fmt: skip
        tables.append(pa.table({**{name: table[name] for name in table.column_names}, **columns}))
    return pa.concat_tables(tables)


def _year_table(table: pa.Table, cells: Mapping[str, Numbers], years: Integers) -> pa.Table:
    group, year = np.nonzero(cells["final"] > 0)
    tables = []
    for run in _EARLY:
        columns = {
            "vintage": pa.array([run] * len(group)), "payment_year": pa.array(years[year], pa.int16()),
            "member_months": pa.array(cells["member_months"][group, year]),
            "final_score": pa.array(cells["final"][group, year] / cells["member_months"][group, year]),
            "observed": pa.array(cells[run][group, year] / cells["final"][group, year]),
        }  # fmt: skip
        labels = {name: table[name].take(pa.array(group)) for name in table.column_names}
        tables.append(pa.table({**labels, **columns}))
    return pa.concat_tables(tables)
