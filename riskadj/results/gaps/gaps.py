"""Gaps: conditions seen before and not yet this year, what became of them, and what each is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, OptionError
from riskadj.extracts.dates import MISSING_DATE, days_of
from riskadj.extracts.open import Extract, require
from riskadj.extracts.rejects import Rejects
from riskadj.results import family
from riskadj.results.gaps.chronic import UNKNOWN, chronic_flags
from riskadj.results.gaps.last_evidence import ATTRIBUTED, LastEvidence, find_last_evidence
from riskadj.results.gaps.recapture import (
    Counted,
    counted_of,
    kind_labels,
    month_names,
    recapture_table,
)
from riskadj.results.gaps.rows import STATUSES, GapInputs, GapRows, find_gaps
from riskadj.results.gaps.suspects import read_suspects
from riskadj.results.gaps.tables import Found, gap_table, potential_table, summary_table
from riskadj.results.impact.grouping import row_labels
from riskadj.results.rates import checked_rate, rate_words, rates_of_rows
from riskadj.results.summary.groups import Attributes, Labels, find_attributes
from riskadj.scoring.capture import CaptureCounts
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_report
from riskadj.scoring.score_rows import ModelRun
from riskadj.scoring.service_dates import (
    NO_FIRST,
    NO_LAST,
    capture_window,
    find_service_dates,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GapOptions:
    """What the caller asked for, beside the options of scoring.

    Attributes
    ----------
    prior_years : int
        Windows before this year's that conditions are looked for in, pooled. [years]
    chronic : path or mapping of str to bool, or None
        Takes the place of the models' own lists for the HCCs that it names.
    suspects, attributes : path or table, or None
    rate : float, str or None
        As `results.rates.rates_of_rows`. [dollars per member and month at a score of 1.000]
    by : tuple of str
        Columns to break recapture rates down by: of `attributes`, of the enrollment, or of the diagnoses; of these a
        condition has the value on its last service date in the prior window.
    """

    prior_years: int = 1
    chronic: Any = None
    suspects: Any = None
    attributes: Any = None
    rate: float | str | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gaps:
    """Conditions of the prior window, and what became of them this year.

    Attributes
    ----------
    gaps : pyarrow.Table
        One row per enrollment row, model and condition: the span, hcc, label, is_chronic, origin (prior | suspect),
        status (open | closed | superseded | suspect | not_applicable), service dates, and payment_risk_score_change:
        the model's payment risk score with the HCC minus without it, all else as it is this year, times the model's
        weight in the blend. [1.000 = average beneficiary] With a rate, revenue_change. [dollars]
    recapture : pyarrow.Table
        One row per model, kind (chronic, acute, unknown), group and month: conditions of the prior window of members
        still enrolled, those recaptured, and the rate to date. [share of conditions, 0 to 1]
    recapture_prior_year : pyarrow.Table
        The prior year's own curve, in the same columns: conditions that the members of today had in the window before,
        and those recaptured in the prior year. No rows unless the diagnoses reach back so far.
    potential : pyarrow.Table
        One row per enrollment row with an open gap: its payment risk score, and the score if every open gap that is not
        acute were closed. Gaps interact, so their changes need not add up to this one.
    run : dict
        What it was made from: the run report of this year's scores, and counts under "gaps".
    """

    gaps: pa.Table
    recapture: pa.Table
    recapture_prior_year: pa.Table
    potential: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: name for name in ("gaps", "recapture", "recapture_prior_year", "potential")
    }
    to_pandas = family.to_pandas
    write = family.write

    def summary(self) -> pd.DataFrame:
        """Return conditions by what became of them, recapture rates and the worth of open gaps, by model and kind."""
        frame: pd.DataFrame = self.summary_table().to_pandas()
        return frame

    def summary_table(self) -> pa.Table:
        """Return the summary as an Arrow table."""
        return summary_table(self.gaps)

    def plot(self) -> Figure:
        """Return a figure: recapture by month, and the open HCCs that are worth most."""
        from riskadj.results.plots.gaps import plot_gaps

        return plot_gaps(self.recapture, self.gaps, self.recapture_prior_year)

    def __repr__(self) -> str:
        """Return how many gaps there are, without any member's data."""
        counts = self.run["gaps"]["status"]
        found = ", ".join(f"{number:,} {status}" for status, number in counts.items() if number)
        return f"<Gaps: payment year {self.run['payment_year']}, {found or 'no conditions'}>"


def check_gap_options(options: GapOptions) -> GapOptions:
    """Return the options, checked.

    Raises
    ------
    OptionError
        One of them is not allowed.
    """
    if isinstance(options.prior_years, bool) or options.prior_years not in range(1, 11):
        raise OptionError(f"prior_years={options.prior_years!r}; it takes a whole number from 1 to 10.")
    if options.rate is not None and not isinstance(options.rate, str):
        checked_rate(options.rate)
    if len(set(options.by)) < len(options.by) or {"kind", "month", "model_id"} & set(options.by):
        raise OptionError("by= names a column twice, or one that is there anyway (model_id, kind, month).")
    return options


def prior_window(window: tuple[date, date], years: int) -> tuple[date, date]:
    """Return the window of `years` years that ends where this year's begins.

    Both windows begin on the same day of the year.
    """
    first = window[0]
    day = 28 if (first.month, first.day) == (2, 29) else first.day
    return first.replace(year=first.year - years, day=day), first - timedelta(days=1)


def find_all_gaps(run: ScoringRun, enrollment: Any, prior: Extract, options: GapOptions) -> Gaps:
    """Return the gaps of a run.

    Parameters
    ----------
    run : ScoringRun
        This year: its window of service dates, its diagnoses, its models.
    enrollment : path or table
        What the run's enrollment was read from.
    prior : Extract
        Diagnoses of the prior years; may be the same extract.
    options : GapOptions
    """
    require(run.extracts[1], ["service_date"])
    require(prior, ["service_date"])
    kinds = chronic_flags(run, options.chronic)
    attributes = None if options.attributes is None else find_attributes(run, options.attributes)
    behind = columns_behind(run, options.by, attributes)
    of_rows = {
        name: row_labels_of(run, enrollment, name, attributes) for name in options.by if name not in behind
    }
    rates = rates_of_rows(run, options.rate, source=enrollment, attributes=attributes)
    suspects = None if options.suspects is None else read_suspects(run, options.suspects)
    before = prior_window(run.window, options.prior_years)
    captured, counts, rejects = capture_window(run, prior, before)
    inputs = GapInputs(
        run,
        prior=find_service_dates(run, prior, before, captured),
        now=find_service_dates(run, run.extracts[1], run.window, run.population.captured),
        suspects=suspects,
        has_left=members_gone(run),
    )
    evidence = find_last_evidence(run, prior, inputs.prior, behind)
    last = last_spans(run)
    found = [Found.of(inputs, model, kind, last) for model, kind in zip(run.models, kinds, strict=True)]
    broken_down = _ByLabels(inputs, options.by, of_rows, evidence, last)
    labels = [broken_down.labels(one.model, one.gaps) for one in found]
    report = run_report(run)
    earlier = _prior_year(broken_down, prior, kinds, options)
    report["gaps"] = {
        **_report(inputs, found, options, rate_words(run, options.rate, attributes)),
        "prior_diagnoses": _prior_counts(prior, counts, rejects),
        "prior_year_curve": None if earlier is None else _windows(earlier[0]),
    }
    recapture = recapture_table(
        [broken_down.counted(one.model, one.kinds, one.gaps) for one in found], options.by, inputs.now
    )
    return Gaps(
        gaps=pa.concat_tables(
            [gap_table(inputs, one, last, by, rates) for one, by in zip(found, labels, strict=True)]
        ).unify_dictionaries(),
        recapture=recapture,
        recapture_prior_year=recapture.schema.empty_table() if earlier is None else earlier[1],
        potential=potential_table(inputs, found, rates),
        run=report,
    )


def columns_behind(run: ScoringRun, by: Sequence[str], attributes: Attributes | None) -> tuple[str, ...]:
    """Return the names of `by` that are columns of the diagnoses; those of attributes and enrollment come first."""
    own = () if attributes is None else attributes.table.column_names
    return tuple(
        name
        for name in by
        if name in ATTRIBUTED
        and name not in own
        and not any(name in header for header in run.extracts[0].headers)
    )


def row_labels_of(run: ScoringRun, enrollment: Any, name: str, attributes: Attributes | None) -> Labels:
    """Return the labels of the enrollment rows.

    Raises
    ------
    ColumnMissingError
        There is no such column; the message lists what there is, columns of the diagnoses too.
    """
    try:
        return row_labels(run, enrollment, name, attributes)
    except ColumnMissingError as error:
        raise ColumnMissingError(f"{error} Of the diagnoses: {', '.join(ATTRIBUTED)}.") from None


@dataclass(frozen=True)
class _ByLabels:
    """The gaps of two windows, and what they are broken down by: labels of enrollment rows, or of evidence."""

    inputs: GapInputs
    by: tuple[str, ...]
    of_rows: dict[str, Labels]
    evidence: LastEvidence
    last: Flags

    def labels(self, model: ModelRun, gaps: GapRows) -> dict[str, Labels]:
        found = self.evidence.labels_of(self.inputs.run, model, gaps)
        found |= {name: labels.take(gaps.rows) for name, labels in self.of_rows.items()}
        return {name: found[name] for name in self.by}

    def counted(self, model: ModelRun, kinds: npt.NDArray[np.int8], gaps: GapRows) -> Counted:
        labels = {"kind": kind_labels(kinds[gaps.hccs]), **self.labels(model, gaps)}
        return counted_of(model.plan.model.id, gaps, self.last[gaps.rows], labels, self.inputs.now)


def _prior_year(
    today: _ByLabels, prior: Extract, kinds: Sequence[npt.NDArray[np.int8]], options: GapOptions
) -> tuple[GapInputs, pa.Table] | None:
    """Return the windows of the prior year's own curve and its table; None where an earlier year has no diagnoses.

    Members, status and models are this year's, so that the two curves differ by when conditions were seen and no more.
    """
    run = today.inputs.run
    year = prior_window(run.window, 1)
    before = prior_window(year, options.prior_years)
    captured, _, _ = capture_window(run, prior, before)
    dates = find_service_dates(run, prior, before, captured)
    if not all(months.any() for months in np.array_split(dates.rows_of_month, options.prior_years)):
        return None
    now = today.inputs.prior
    if options.prior_years > 1:
        now = find_service_dates(run, prior, year, capture_window(run, prior, year)[0])
    inputs = GapInputs(run, prior=dates, now=now, suspects=None, has_left=today.inputs.has_left)
    evidence = find_last_evidence(run, prior, dates, list(today.evidence.names))
    earlier = _ByLabels(inputs, options.by, today.of_rows, evidence, today.last)
    counted = []
    for model, kind in zip(run.models, kinds, strict=True):
        ranges = run.population.ranges()
        gaps = GapRows.joined([find_gaps(inputs, model, begin, end).gaps for begin, end in ranges])
        counted.append(earlier.counted(model, kind, gaps))
    return inputs, recapture_table(counted, options.by, now)


def members_gone(run: ScoringRun) -> Flags:
    """Return which members' last span ends before the window of service dates does (bool, shape (n_members,))."""
    population = run.population
    ends = np.where(population.enrollment.end_date == MISSING_DATE, NO_FIRST, population.enrollment.end_date)
    last = np.full(run.index.n_members, NO_LAST, np.int64)
    np.maximum.at(last, population.member_of_row, ends)
    return last < days_of(run.window[1])


def last_spans(run: ScoringRun) -> Flags:
    """Return which enrollment rows are their member's last: the latest start, of equal ones the last in the extract."""
    population = run.population
    order = np.lexsort(
        (np.arange(population.n_rows), population.enrollment.start_date, population.member_of_row)
    )
    members = population.member_of_row[order]
    is_last = np.zeros(population.n_rows, np.bool_)
    is_last[order[np.append(members[1:] != members[:-1], True)]] = True
    return is_last


def _report(inputs: GapInputs, found: Sequence[Found], options: GapOptions, rate: str) -> dict[str, Any]:
    """Return counts that add up: rows of the gaps table by status, and of each model."""
    status = np.sum([np.bincount(one.gaps.status, minlength=len(STATUSES)) for one in found], axis=0)
    notes = [
        f"{one.model.plan.model.id} has no list of chronic HCCs: every condition counts"
        for one in found
        if (one.kinds == UNKNOWN).all()
    ]
    if not inputs.prior.rows_of_month.any():
        first, last = inputs.prior.window
        notes.append(
            f"no diagnosis of {first} to {last} gives anybody a condition, so there are no gaps; are those years' "
            "diagnoses in the extract, or in one of their own (--prior-diagnoses)?"
        )
    months = dict(zip(month_names(inputs.now.window), inputs.now.rows_of_month.tolist(), strict=True))
    return {
        **_windows(inputs),
        "by": list(options.by),
        "rate": rate,
        "rows": int(status.sum()),
        "status": dict(zip(STATUSES, status.tolist(), strict=True)),
        "new_conditions": {one.model.plan.model.id: one.n_new for one in found},
        "diagnoses_of_month": months,
        "suspects": None if inputs.suspects is None else inputs.suspects.counts,
        "members_gone": int(inputs.has_left.sum()),
        "notes": notes,
    }


def _windows(inputs: GapInputs) -> dict[str, list[str]]:
    """Return the first and last day of the windows of service dates."""
    windows = {"prior_window": inputs.prior.window, "window": inputs.now.window}
    return {name: [day.isoformat() for day in window] for name, window in windows.items()}


def _prior_counts(prior: Extract, counts: CaptureCounts, rejects: Rejects) -> dict[str, Any]:
    """Return what became of the rows of the prior years' diagnoses; counts add up."""
    return {
        "files": list(prior.files),
        "rows_read": counts.rows_read,
        "rows_outside_window": counts.rows_outside_collection,
        "rows_filtered": counts.rows_filtered,
        "rows_mapped": counts.rows_mapped,
        "rows_unmapped": counts.rows_unmapped,
        "rows_unknown": counts.rows_unknown,
        "rejects": rejects.counts(),
    }
