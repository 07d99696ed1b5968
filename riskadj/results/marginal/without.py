"""The delete what-if: scores without some of the diagnoses, which HCCs survive, and what the others were worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import RiskAdjError
from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.extracts.order import in_order
from riskadj.results import family
from riskadj.results.marginal.removal import Removal, Tally, make_removal, split
from riskadj.results.rates import Dollars, rate_words, rates_of_rows
from riskadj.scoring.marginal_rows import (
    ScoredPart,
    difference,
    has_bit,
    hccs_on,
    marginal_ranges,
    payments_of,
    score_part,
)
from riskadj.scoring.payment_score import NO_SCORE, Scores, to_float
from riskadj.scoring.plan import Words
from riskadj.scoring.raw_score import find_hccs
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_report
from riskadj.scoring.score_rows import ModelRun, labels, score_column, span_columns
from riskadj.scoring.service_dates import capture_window
from riskadj.terms import SPAN

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: What becomes of an HCC when diagnoses go, in order of precedence.
EFFECTS = ("lost", "drops_out", "comes_back", "survives")


@dataclass(frozen=True)
class ScoresWithout:
    """Scores of a population without some of its diagnoses, beside those with them.

    Attributes
    ----------
    changed_scores : pyarrow.Table
        One row per enrollment row of the members who lose a diagnosis that counted: the payment risk score with and
        without. [1.000 = average beneficiary; dollars over the months of the row]
    changed_hccs : pyarrow.Table
        One row per such enrollment row, model and HCC that the lost diagnoses touch, and its effect: "lost",
        "drops_out" (mapped still, but dropped now), "comes_back" (stands now where another dropped it), "survives".
    changes_by_hcc : pyarrow.Table
        One row per model and HCC: enrollment rows by effect.
    run : dict
        The report of the scoring run; under "without" what went, with counts that add up, and the totals.
    """

    changed_scores: pa.Table
    changed_hccs: pa.Table
    changes_by_hcc: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: name for name in ("changed_scores", "changed_hccs", "changes_by_hcc")
    }
    to_pandas = family.to_pandas
    write = family.write

    def summary(self) -> pd.DataFrame:
        """Return the totals, one line each: diagnoses, members, scores and dollars with and without."""
        import pandas as pd

        return pd.DataFrame(list(summary_lines(self.run)), columns=["what", "number"])

    def plot(self) -> Figure:
        """Return a figure: the HCCs that the diagnoses touch, lost or not, and the mean score with and without."""
        from riskadj.results.plots.without import plot_without

        return plot_without(self.changes_by_hcc, self.run["without"])

    def __repr__(self) -> str:
        """Return what went, without any member's data."""
        facts = self.run["without"]
        return f"<ScoresWithout {facts['removed']}: {facts['rows_removed']:,} of {facts['rows_read']:,} diagnoses>"


def scores_without(
    run: ScoringRun,
    *,
    where: Mapping[str, Any] | None = None,
    listed: Any = None,
    rate: float | str | None = None,
    source: Any = None,
) -> ScoresWithout:
    """Score a population again without some of its diagnoses.

    Parameters
    ----------
    run : ScoringRun
        Its diagnoses are read twice more: the rows that go, and the rows that stay.
    where, listed
        Which diagnoses go; see `results.removal.make_removal`.
    rate, source
        As `results.rates.rates_of_rows`. [dollars per member and month at a score of 1.000]

    Returns
    -------
    ScoresWithout

    Raises
    ------
    OptionError, ExtractError
        The rows or the rate cannot be used.
    RiskAdjError
        The diagnoses are no longer those that were scored.
    """
    removal = make_removal(run.extracts[1], where=where, listed=listed)
    rates = rates_of_rows(run, rate, source=source)
    work = _capture(run, removal)
    parts = list(in_order(work.compare, marginal_ranges(run), run.options.threads))
    scores = pa.Table.from_batches([part.scores(work, rates) for part in parts])
    hccs = pa.concat_tables([table for part in parts for table in part.hccs]).unify_dictionaries()
    report = {
        **run_report(run),
        "rate": rate_words(run, rate),
        "without": work.facts(parts, rates),
    }
    return ScoresWithout(scores, hccs, _by_hcc(run, hccs), report)


@dataclass(frozen=True)
class _Comparison:
    """The two runs: with the diagnoses that go, and without them."""

    removal: Removal
    tally: Tally
    rows_counted: int
    before: ScoringRun
    after: ScoringRun
    captured: Words

    def compare(self, rows: tuple[int, int]) -> _Range:
        """Score a range of enrollment rows with and without."""
        begin, end = rows
        before, after = (
            [score_part(run, model, begin, end) for model in run.models] for run in (self.before, self.after)
        )
        members = self.before.population.member_of_row[begin:end]
        is_touched: npt.NDArray[np.bool_] = (self.captured[members] != 0).any(axis=1)
        payments = [
            payments_of(run, parts, begin, end)[1]
            for run, parts in ((self.before, before), (self.after, after))
        ]
        tables = [self._hccs(one, other, is_touched, begin) for one, other in zip(before, after, strict=True)]
        return _Range(begin, is_touched, payments[0], payments[1], tables)

    def _hccs(
        self, before: ScoredPart, after: ScoredPart, is_touched: npt.NDArray[np.bool_], begin: int
    ) -> pa.Table:
        """Return changed_hccs of one model and range."""
        model, population = before.model, self.before.population
        rows = np.flatnonzero(is_touched[before.scored.rows - begin])
        enrolled = before.scored.rows[rows]
        touched = find_hccs(
            model.plan, self.captured, model.first_word, population.member_of_row[enrolled], before.profile[rows],
            population.profiles,
        )  # fmt: skip
        mapped, kept, left = after.mapped[rows], before.scored.variables[rows], after.scored.variables[rows]
        item, hccs = hccs_on(model, touched | (kept ^ left))
        is_mapped, was_kept, is_kept = (has_bit(each[item], hccs) for each in (mapped, kept, left))
        effect = np.select([~is_mapped, was_kept & ~is_kept, ~was_kept & is_kept], [0, 1, 2], 3)
        return _hcc_table(self.before, model, before.scored, rows[item], hccs, effect, was_kept, is_kept)

    def facts(self, parts: list[_Range], rates: Dollars | None) -> dict[str, Any]:
        """Return what went and what it comes to, over the whole population."""
        population, tally = self.before.population, self.tally
        before, after = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("before", "after")
        )
        touched = np.concatenate([part.is_touched for part in parts])
        change = difference(after, before)
        months, unit = population.enrollment.months_enrolled, float(10**population.year.decimals)
        scored = before != NO_SCORE
        weights = np.where(scored, months, 0)
        whole = float(weights.sum())
        means = [
            float((np.where(scored, one, 0) / unit * weights).sum() / whole) if whole else None
            for one in (before, after)
        ]
        months_changed = np.where(scored, change, 0) / unit * months
        return {
            "removed": self.removal.described,
            "rows_read": tally.rows_read,
            "rows_removed": tally.rows_matched,
            "rows_left": tally.rows_read - tally.rows_matched,
            "rows_removed_with_hcc": self.rows_counted,
            "keys": len(tally.is_found),
            "keys_not_found": int((~tally.is_found).sum()),
            "members_touched": int(self.captured.any(axis=1).sum()),
            "enrollment_rows": len(before),
            "enrollment_rows_touched": int(touched.sum()),
            "enrollment_rows_changed": int((scored & (change != 0)).sum()),
            "mean_payment_risk_score": means[0],
            "mean_payment_risk_score_without": means[1],
            "score_months_change": float(months_changed.sum()),
            "dollars_change": None if rates is None else float((months_changed * rates).sum()),
            "notes": list(self._notes()),
        }

    def _notes(self) -> Iterator[str]:
        if self.tally.rows_matched:
            return
        words = [f"{name} has {', '.join(sorted(found))}" for name, found in self.tally.words.items()]
        there = f"; in the extract {'; '.join(words)}" if words else ""
        yield f"no diagnosis row matches {self.removal.described}, so nothing changes{there}"


@dataclass(frozen=True)
class _Range:
    """Payment risk scores of a range of enrollment rows, with and without, and its rows of changed_hccs."""

    begin: int
    is_touched: npt.NDArray[np.bool_]
    before: Scores
    after: Scores
    hccs: list[pa.Table]

    def scores(self, work: _Comparison, rates: Dollars | None) -> pa.RecordBatch:
        """Return changed_scores of the range."""
        population = work.before.population
        at = np.flatnonzero(self.is_touched)
        rows, decimals = self.begin + at, population.year.decimals
        months = population.enrollment.months_enrolled[rows]
        change = difference(self.after[at], self.before[at])
        points, lacking = to_float(change, decimals)
        dollars = points * months * (0.0 if rates is None else rates[rows])
        columns = {
            **dict(zip(SPAN, span_columns(population.enrollment, rows), strict=True)),
            "months_enrolled": from_numpy(months, pa.int16()),
            "payment_risk_score": score_column(self.before[at], decimals),
            "payment_risk_score_without": score_column(self.after[at], decimals),
            "change": score_column(change, decimals),
            "dollars_change": from_numpy(dollars, pa.float64(), valid=~lacking & (rates is not None)),
        }
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _capture(run: ScoringRun, removal: Removal) -> _Comparison:
    """Capture the diagnoses that go, and those that stay; together they must be those that were scored."""
    extract, tally = run.extracts[1], removal.tally()
    removed, counts, _ = capture_window(run, split(extract, removal, tally, removed=True), run.window)
    left, _, _ = capture_window(run, split(extract, removal, removal.tally(), removed=False), run.window)
    others = run.population.captured & ~(removed | left)  # what drugs set, whose bits no diagnosis sets
    if not np.array_equal(removed | left | others, run.population.captured) or (
        others.any() and not run.drugs
    ):
        raise RiskAdjError(
            "the diagnoses extract is not the one that was scored: what goes and what stays do not make up its HCCs; "
            "score it again."
        )
    after = replace(run, population=replace(run.population, captured=left | others))
    return _Comparison(removal, tally, counts.rows_mapped, run, after, removed)


def _hcc_table(
    run: ScoringRun,
    model: ModelRun,
    scored: Any,
    at: npt.NDArray[np.int64],
    hccs: npt.NDArray[np.int16],
    effect: npt.NDArray[np.int64],
    was_kept: npt.NDArray[np.bool_],
    is_kept: npt.NDArray[np.bool_],
) -> pa.Table:
    enrollment, rows = run.population.enrollment, scored.rows[at]
    columns = {
        **dict(zip(SPAN, span_columns(enrollment, rows), strict=True)),
        "months_enrolled": from_numpy(enrollment.months_enrolled[rows], pa.int16()),
        "model_id": labels(np.zeros(len(rows), np.int8), [model.plan.model.id]),
        "segment": labels(scored.segments[at].astype(np.int8), model.plan.segments),
        "hcc": pa.DictionaryArray.from_arrays(from_numpy(hccs, pa.int16()), model.variable_names),
        "effect": labels(effect.astype(np.int8), EFFECTS),
        "was_kept": from_numpy(was_kept, pa.bool_()),
        "is_kept": from_numpy(is_kept, pa.bool_()),
    }
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _by_hcc(run: ScoringRun, changed: pa.Table) -> pa.Table:
    """Return changes_by_hcc."""
    plain = pa.table({name: changed[name].cast(pa.string()) for name in ("model_id", "hcc", "effect")})
    counts = {
        (row["model_id"], row["hcc"], row["effect"]): row["hcc_count"]
        for row in plain.group_by(["model_id", "hcc", "effect"]).aggregate([("hcc", "count")]).to_pylist()
    }
    keys, names = [], []
    for model in run.models:
        name, tables = model.plan.model.id, model.plan.model.tables["labels"]
        for hcc, label in zip(tables.column("hcc"), tables.column("label"), strict=True):
            if any((name, hcc, effect) in counts for effect in EFFECTS):
                keys.append((name, hcc))
                names.append(label)
    columns = {
        "model_id": from_strings([name for name, _ in keys]),
        "hcc": from_strings([hcc for _, hcc in keys]),
        "label": from_strings(names),
    }
    for effect in EFFECTS:
        rows = np.array([counts.get((*key, effect), 0) for key in keys], np.int64)
        columns[f"rows_{effect}"] = from_numpy(rows, pa.int64())
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def summary_lines(report: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the totals of a what-if as (what, number)."""
    facts = report["without"]
    for name in (
        "rows_read", "rows_removed", "rows_left", "rows_removed_with_hcc", "keys", "keys_not_found", "members_touched",
        "enrollment_rows_touched", "enrollment_rows_changed", "mean_payment_risk_score",
        "mean_payment_risk_score_without", "score_months_change", "dollars_change",
    ):  # fmt: skip
        yield name, facts[name]
