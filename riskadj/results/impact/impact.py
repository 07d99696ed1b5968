"""Impact: one population under two models, years, releases, filters or windows, the change attributed cause by cause.

How it is computed
------------------
Two runs of the same enrollment rows are compared row by row (same member, same span). Each row is led from its payment
risk score before to the one after on a walk of complete scores; from one to the next one thing is exchanged, and the
difference is that cause's share. Every score of the walk is rounded as the rules round it, in exact integers, so the
shares add up to the row's change exactly. The order is fixed, because shares depend on it:

1.  `diagnoses`: the model before scores the diagnoses that count after (extract, sources, claim filter, window).
2.  `age_and_status`: it scores them at the age and status of the row after. If the model before has no place for the
    new status, the change up to the next score that exists is this cause's.
3.  `mapping_lost`: diagnosis codes without a payment HCC in the model after are taken away, still under the model
    before with its own hierarchies, interactions and counts.
4.  `mapping_moved`: codes that both models know give the HCCs of the model after.
5.  `hierarchies`: its requirements and hierarchies act.
6.  `demographic_factors`, `condition_factors`, `interactions`, `counts`: the sum of factors of that kind is exchanged
    for the sum that the model after has on the codes that both know.
7.  `adjustments`: the divisor of the sum (ESRD) is exchanged.
8.  `mapping_gained`: codes that have a payment HCC only in the model after are added, under that model.
9.  `normalization`, then `coding_intensity`, then `cost_sharing` (HHS): the year's numbers are exchanged.
10. `blend`: the weights of the models.

Two releases of one model, or models whose HCCs have the same names, exchange their tables of mappings and hierarchies
themselves (steps 4 and 5). Models that number HCCs differently cannot: there step 4 is nothing, step 5 is the
difference between what either model's hierarchies take from its own HCCs, at its own factors, and `condition_factors`
compares HCCs as they are before hierarchies.

A blend is coupled with the other: a model of both keeps the weight it has in both. Weight that moves between models of
the blend before moves first, at the rules before; weight that moves between models of the blend after moves last, at
the rules after; `blend` is the sum of both. Any other weight walks from the model that loses it to the one that gains.

Means of groups are weighted by months enrolled: the shares of the rows of both runs at their months before. Three more
causes lead from one population to the other: `rows_removed` (rows that only the run before has scored),
`member_months` (other months of the same rows) and `rows_added`. Nothing else changes a mean, so it adds up too.

An example on tests/toy_maps: a woman of 70 with Q01 (HCC1 in both), Q08 (HCC8, then HCC9), Q13 (HCC13, then nothing)
and Q04 (nothing, then HCC4), under toy_hcc_v1 (normalization 1.1, coding 0.059) and toy_hcc_v2 (2 and 0):

    before               0.400 + 1.000 + 0.330 + HCC13 + N3 0.040 = 1.820; / 1.1 = 1.655; x 0.941 = 1.557
    mapping_lost         without HCC13, and so without N3: 1.730, 1.573, 1.480                       -0.077
    demographic_factors  0.410 for 0.400: 1.740, 1.582, 1.489                                        +0.009
    condition_factors    1.000 + 0.190 for 1.000 + 0.330: 1.600, 1.455, 1.369                        -0.120
    mapping_gained       HCC4 0.120, and so N3P 0.050: 1.770, 1.609, 1.514                           +0.145
    normalization        / 2: 1.770, 0.885, 0.833                                                    -0.681
    coding_intensity     x 1: 0.885                                                                  +0.052
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import OptionError
from riskadj.extracts.buffers import from_floats, from_numpy, from_strings, is_valid, one_chunk, values_of
from riskadj.extracts.write import write_tables
from riskadj.results import family
from riskadj.results.impact.attribution import CAUSES, Causes, attribute
from riskadj.results.impact.grouping import Groups, joined, row_labels
from riskadj.results.impact.matching import MatchedRows, match_rows
from riskadj.results.impact.prevalence import compare_hccs
from riskadj.results.impact.rows import BEFORE, SCORE, ImpactRows
from riskadj.results.impact.sums import POPULATION_CAUSES, STEPS_OF_MEANS, Amounts, Means, means_of
from riskadj.results.impact.walk import STEPS
from riskadj.results.rates import Dollars, rate_words, rates_of_rows
from riskadj.results.scores import Scores
from riskadj.results.summary.groups import Labels, find_attributes
from riskadj.scoring.payment_score import Scores as IntegerScores

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: What each cause is, for people.
MEANINGS = {
    "rows_removed": "rows that only the run before has scored",
    **STEPS,
    "blend": "weights of the models of a blend",
    "member_months": "other months of the same rows",
    "rows_added": "rows that only the run after has scored",
}


@dataclass(frozen=True)
class Impact:
    """The change from one run to another, cause by cause.

    Attributes
    ----------
    causes : pyarrow.Table
        One row per cause, for the whole population: cause, meaning, change (of the mean payment risk score), level (the
        mean after this cause), rows_changed, and revenue_change [dollars] if a rate was given. Changes add up.
    table : pyarrow.Table
        One row per group: its labels, rows and member months before and after, mean_before, one column per cause,
        mean_after. Causes add up to mean_after - mean_before; null where a group lacks the rows to say.
    revenue : pyarrow.Table or None
        The same groups in dollars (months x rate x score): before, one column per cause, after.
    by_hcc : pyarrow.Table
        One row per model and payment HCC: rows, share of member months and mean raw value before and after.
    run : dict
        What was compared: both runs, the rows matched, and the weights.
    """

    causes: pa.Table
    table: pa.Table
    revenue: pa.Table | None
    by_hcc: pa.Table
    run: dict[str, Any]
    rows: ImpactRows

    TABLES: ClassVar[Mapping[str, str]] = {
        "table": "impact_groups",
        "causes": "impact_causes",
        "by_hcc": "impact_hccs",
        "by_row": "impact_rows",
        "revenue": "impact_revenue",
    }
    to_pandas = family.to_pandas

    @cached_property
    def by_row(self) -> pa.Table:
        """One row per enrollment row: member and span, presence (both, before, after), scores and causes."""
        return self.rows.table()

    def summary(self) -> pd.DataFrame:
        """Return the causes that change anything, between the mean before and the mean after."""
        frame: pd.DataFrame = _told(self.causes).to_pandas()
        return frame

    def explain(self, member_id: str | int) -> pd.DataFrame:
        """Return one member's walk: a line per cause, a column per enrollment row.

        Raises
        ------
        OptionError
            No enrollment row of either run has this member_id.
        """
        table = self.by_row
        found = table.filter(pc.equal(table["member_id"].cast(pa.string()), str(member_id)))
        if not found.num_rows:
            raise OptionError("no enrollment row of either run has this member_id; ids are compared exactly.")
        frame: pd.DataFrame = found.drop_columns(["member_id"]).to_pandas().T
        return frame

    def plot(self) -> Figure:
        """Return a figure: the walk from mean to mean, and how scores of rows shift."""
        from riskadj.results.plots.impact import plot_impact

        return plot_impact(_told(self.causes), *self.rows.both_scores(), names=self._names())

    def _names(self) -> tuple[str, str]:
        return self.run["before"]["name"], self.run["after"]["name"]

    def write(self, directory: str | Path, *, chart: bool = True, overwrite: bool = False) -> Path:
        """Write impact_causes, impact_groups, impact_hccs, impact_rows, impact_revenue, the chart and run.json.

        Raises
        ------
        OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        charts = {"impact_causes": self.plot()} if chart else {}
        return write_tables(directory, self.tables(), self.run, charts=charts, overwrite=overwrite)

    def tables(self) -> dict[str, pa.Table]:
        """Return every table, by the name of its file; revenue only where a rate was given."""
        held = {file: getattr(self, name) for name, file in self.TABLES.items()}
        return {file: table for file, table in held.items() if table is not None}

    def __repr__(self) -> str:
        """Return what was compared, without any member's data."""
        before, after = self._names()
        return f"<Impact: {before} -> {after}, {self.run['rows']['matched']:,} enrollment rows in both>"


def impact(
    before: Scores,
    after: Scores,
    *,
    by: Sequence[str] | str = ("segment",),
    rate: float | str | None = None,
    attributes: Any = None,
) -> Impact:
    """Attribute the change from one run to another, cause by cause; the module's text is the definition.

    Parameters
    ----------
    before, after : Scores
        What `riskadj.score` returns, of the same enrollment rows (same member_id, same span) under two models, years,
        releases, filters or windows. Rows that only one of them has are causes of their own.
    by : sequence of str or str
        What to group by: "segment", "policy", "age_band", a member-status field ("dual", "sex", ...), or any column of
        the enrollment extract or of `attributes`. A row is in the group that it has after; "segment_before" asks for
        the one before.
    rate : float or str, optional
        As `results.rates.rates_of_rows`, of the run after where it has the row. [dollars per member and month at a
        score of 1.000]
    attributes : path or in-memory table, optional
        A table of one's own: member_id, one row each, and any columns to group by.

    Returns
    -------
    Impact

    Raises
    ------
    OptionError, ColumnMissingError
        A run has no payment risk scores, no row is in both, or `by` or `rate` names no column.

    References
    ----------
    .. [1] Order of the steps from raw to payment risk score: `rounding` in payment_year.toml of each year.
    """
    for name, each in (("before", before), ("after", after)):
        if not isinstance(each, Scores):
            raise OptionError(f"{name} is a {type(each).__name__}; give what riskadj.score returns.")
    runs = (before.scoring_run, after.scoring_run)
    scores, finest = _payment_scores(before, after)
    scored = tuple(
        np.flatnonzero(is_valid(one_chunk(each.payment_scores[SCORE]))) for each in (before, after)
    )
    enrollments = (runs[0].population.enrollment, runs[1].population.enrollment)
    matched = match_rows(*enrollments, *scored)
    if not matched.n_rows:
        raise OptionError(
            "no enrollment row is in both runs (same member_id, same span); score the same enrollment extract twice."
        )
    causes = attribute(*runs, matched, scores[0][matched.before], scores[1][matched.after])
    rows = ImpactRows(runs, matched, causes, scores, finest)
    names = [by] if isinstance(by, str) else list(by)
    labelled = _Labeller(before, after, matched, attributes)
    groups = rows.grouped({name: labelled(name) for name in names})
    amounts = rows.amounts()
    rates = labelled.rates(rate)
    whole = means_of(amounts, Groups(np.zeros(len(groups.of_row), np.int32), {}, 1), rates)
    parts = means_of(amounts, groups, rates)
    return Impact(
        causes=_causes_table(whole, causes),
        table=_means_table(parts, groups),
        revenue=None if parts.revenue is None else _revenue_table(parts.revenue, groups),
        by_hcc=compare_hccs(*runs),
        run=_report(before, after, matched, amounts) | {"rate": labelled.rate_words(rate)},
        rows=rows,
    )


def _payment_scores(before: Scores, after: Scores) -> tuple[tuple[IntegerScores, IntegerScores], int]:
    """Return both runs' payment risk scores as integers, in units of the finer of their last decimals."""
    decimals = [each.scoring_run.rules.year.decimals for each in (before, after)]
    finest = max(decimals)
    result = []
    for name, each, own in zip(("before", "after"), (before, after), decimals, strict=True):
        column = one_chunk(each.payment_scores[SCORE])
        has = is_valid(column)
        if not has.any():
            raise OptionError(
                f"{name}: no enrollment row has a payment risk score; score one model, or leave models out, in a "
                "payment year that has its normalization and coding intensity."
            )
        integers = np.rint(np.where(has, values_of(column), 0.0) * 10**own).astype(np.int64)
        result.append(integers * 10 ** (finest - own))
    return (result[0], result[1]), finest


class _Labeller:
    """Labels all rows: those of the run after where it has them, those of the run before for the others."""

    def __init__(self, before: Scores, after: Scores, matched: MatchedRows, attributes: Any) -> None:
        self.matched = matched
        self.sides = tuple(
            (
                each.scoring_run,
                each.sources[0],
                None if attributes is None else find_attributes(each.scoring_run, attributes),
            )
            for each in (before, after)
        )

    def __call__(self, name: str) -> Labels:
        """Return the labels of all rows; NAME_before asks for those of the run before."""
        wanted = name.removesuffix(BEFORE)
        older, newer = (row_labels(run, source, wanted, own) for run, source, own in self.sides)
        matched = self.matched
        both = older.take(matched.before) if name.endswith(BEFORE) else newer.take(matched.after)
        return joined([both, older.take(matched.only_before), newer.take(matched.only_after)])

    def rates(self, rate: float | str | None) -> Dollars | None:
        """Return the rate of every row [dollars per member and month], None where a run has none."""
        older, newer = (
            rates_of_rows(run, rate, source=source, attributes=own) for run, source, own in self.sides
        )
        if older is None or newer is None:
            return None
        matched = self.matched
        return np.concatenate([newer[matched.after], older[matched.only_before], newer[matched.only_after]])

    def rate_words(self, rate: float | str | None) -> str:
        """Return where the rates come from."""
        return rate_words(self.sides[1][0], rate, self.sides[1][2])


def _means_table(means: Means, groups: Groups) -> pa.Table:
    counts = {name: from_numpy(values, pa.int64()) for name, values in means.counts.items()}
    columns = {name: from_floats(values) for name, values in means.means.items()}
    return pa.table({**groups.columns, **counts, **columns})


def _revenue_table(revenue: dict[str, npt.NDArray[np.float64]], groups: Groups) -> pa.Table:
    return pa.table({**groups.columns, **{name: from_floats(values) for name, values in revenue.items()}})


def _causes_table(whole: Means, causes: Causes) -> pa.Table:
    changes = [float(whole.means[name][0]) for name in STEPS_OF_MEANS]
    levels = float(whole.means["mean_before"][0]) + np.cumsum(changes)
    rows_changed = dict(zip(CAUSES, np.count_nonzero(causes, axis=1).tolist(), strict=True))
    rows_changed |= {name: int(whole.counts[count][0]) for name, count in POPULATION_CAUSES.items()}
    columns = {
        "cause": from_strings(STEPS_OF_MEANS),
        "meaning": from_strings([MEANINGS[name] for name in STEPS_OF_MEANS]),
        "change": from_floats(np.array(changes)),
        "level": from_floats(levels),
        "rows_changed": pa.array([rows_changed[name] for name in STEPS_OF_MEANS], pa.int64()),
    }
    if whole.revenue is not None:
        columns["revenue_change"] = from_floats(np.array([whole.revenue[name][0] for name in STEPS_OF_MEANS]))
    return pa.table(columns)


def _report(before: Scores, after: Scores, matched: MatchedRows, amounts: Amounts) -> dict[str, Any]:
    """Return what was compared; rows scored on a side = rows of both + rows of that side alone."""
    return {
        "before": _side_report(before),
        "after": _side_report(after),
        "rows": {
            "matched": matched.n_rows,
            "only_before": len(matched.only_before),
            "only_after": len(matched.only_after),
            "without_score_before": before.payment_scores[SCORE].null_count,
            "without_score_after": after.payment_scores[SCORE].null_count,
        },
        "weights": "months_enrolled" if amounts.by_months else "rows",
    }


def _side_report(scores: Scores) -> dict[str, Any]:
    run = scores.run
    models = "+".join(model["model_id"] for model in run["models"])
    return {"name": f"{run['payment_year']} {models}", **run}


def _told(causes: pa.Table) -> pa.Table:
    """Return the causes that change anything."""
    return causes.filter(pc.or_(pc.not_equal(causes["change"], 0.0), pc.greater(causes["rows_changed"], 0)))
