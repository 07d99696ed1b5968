"""The result of a scoring run: tables, summary, explanation, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.write import write_json, write_parquet
from riskadj.results import family
from riskadj.results.explain.explain import explain_member
from riskadj.results.explain.explanation import Explanation
from riskadj.results.factor_lines import factor_lines
from riskadj.results.marginal.marginal import MarginalValues, marginal_values
from riskadj.results.marginal.without import ScoresWithout, scores_without
from riskadj.results.summary.summary import summarise
from riskadj.scoring.payment_score import Scores as IntegerScores
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import filtered_table, run_metadata, run_report
from riskadj.scoring.score_rows import LISTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PAYMENT_SCORES, MODEL_SCORES = "payment_scores.parquet", "model_scores.parquet"
REJECTS, RUN = "rejects.parquet", "run.json"


@dataclass(frozen=True)
class Scores:
    """Risk scores of a population, with what they were made from.

    Attributes
    ----------
    payment_scores : pyarrow.Table
        One row per enrollment row: the payment risk score, blended as the year pays. [1.000 = average beneficiary]
    model_scores : pyarrow.Table
        One row per enrollment row and model (and segment, with segments="all").
    rejects : pyarrow.Table
        One row per row that was not used: file, row_number (first data row = 1), column, reason.
    filtered : pyarrow.Table
        Diagnoses outside the collection window or left out by the claim filter, counted by reason, claim type and
        bill type.
    run : dict
        The run report: counts that add up, model ids, checksums, options, seconds by phase.
    """

    scoring_run: ScoringRun
    payment_scores: pa.Table
    model_scores: pa.Table
    sources: tuple[Any, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: name for name in ("payment_scores", "model_scores", "rejects")
    }
    to_pandas = family.to_pandas
    write = family.write

    @cached_property
    def rejects(self) -> pa.Table:
        """Rows that were not used, each with its reason."""
        return self.scoring_run.rejects.table()

    @cached_property
    def filtered(self) -> pa.Table:
        """Diagnoses that do not count: reason, claim_type, bill_type, rows, rows_mapped (those whose code maps)."""
        return filtered_table(self.scoring_run.counts)

    @cached_property
    def run(self) -> dict[str, Any]:
        """The run report."""
        return run_report(self.scoring_run)

    def summary(
        self,
        by: Sequence[str] | str | None = None,
        *,
        min_cell: int | None = None,
        rate: float | str | None = None,
        attributes: Any = None,
    ) -> pd.DataFrame:
        """Return rows, member months and mean scores by model and segment, or by any columns.

        Parameters
        ----------
        by : sequence of str or str, optional
            Any of segment, policy, age_band, sex, dual and the other status fields, columns of the enrollment extract
            (plan_id, contract_id, county_code, or any other), and columns of `attributes`. Default: means by segment,
            weighted by months enrolled. With `by`, also members, new enrollees, and what is paid, all models blended.
        min_cell : int, optional
            Blank numbers of groups of fewer members (11 is usual), and of others where a total would tell them. Two
            tables of the same members may still be subtracted from each other. [members]
        rate : float or str, optional
            Dollars per member and month at a score of 1.000, or the column of `attributes` or of the enrollment extract
            that holds them: adds revenue, and means weighted by revenue at a score of 1.000 beside those weighted by
            months. Default, with `by`: the column rate_pmpm of the enrollment extract, if it has one.
        attributes : path or table, optional
            One row per member: member_id and any columns.
        """
        if by is None and min_cell is None and rate is None:
            frame: pd.DataFrame = summarise(self.model_scores).to_pandas()
            return frame
        from riskadj.results.summary.score_groups import break_down

        wanted = ("segment",) if by is None else by
        frame = break_down(self, wanted, min_cell=min_cell, rate=rate, attributes=attributes).to_pandas()
        return frame

    def prevalence(
        self, by: Sequence[str] | str = (), *, min_cell: int | None = None, attributes: Any = None
    ) -> pd.DataFrame:
        """Return in how many members each payment HCC is left, by model and any columns, the most frequent first.

        Parameters are those of `summary`.
        """
        from riskadj.results.summary.score_groups import prevalence_of

        frame: pd.DataFrame = prevalence_of(self, by, min_cell=min_cell, attributes=attributes).to_pandas()
        return frame

    def report(
        self,
        path: str | Path,
        *,
        min_cell: int | None = None,
        impact: str | Path | None = None,
        gaps: str | Path | None = None,
        marginal: str | Path | None = None,
    ) -> Path:
        """Write a report on the scores: one HTML file that stands alone, every number from the tables.

        Parameters
        ----------
        path : path
            The file to write.
        min_cell : int, optional
            As in `summary`. [members]
        impact, gaps, marginal : path, optional
            Directories that these results were written to, of the same population and tables.

        Raises
        ------
        OutputError
            The file cannot be written.
        ExtractError
            One of the directories does not belong to these scores.
        """
        from riskadj.results.summary.page import write_report
        from riskadj.results.summary.report import read_report

        with TemporaryDirectory(prefix="riskadj-report-") as folder:
            written = self.write(Path(folder) / "scores")
            maps_dir = self.scoring_run.options.maps_dir
            found = read_report(
                written, min_cell=min_cell, maps_dir=maps_dir, impact=impact, gaps=gaps, marginal=marginal
            )
            return write_report(found, path)

    def plot(self) -> Figure:
        """Return a figure: distribution of payment risk scores, and prevalence of the most frequent HCCs."""
        from riskadj.results.plots.scores import plot_scores

        return plot_scores(self.payment_scores, self.model_scores)

    def explain(self, member_id: str | int) -> Explanation:
        """Return every line of one member's scores, each with its table and source.

        Raises
        ------
        UnknownMemberError
            The member is not among the scored rows.
        """
        return explain_member(self.scoring_run, member_id)

    def factors(self) -> pa.Table:
        """Return what each score is the sum of: one row per row of model_scores and variable that scored.

        Returns
        -------
        pyarrow.Table
            The span (member_id, enrollment_start_date, enrollment_end_date), model_id, segment, variable,
            is_demographic, and relative_factor: the variable's in this segment, divided by the segment's adjustment
            where it has one. Those that are demographic add up to demographic_score, the others to disease_score.
            [1.000 = average beneficiary]
        """
        return factor_lines(self.scoring_run)

    def marginal(self, *, rate: float | str | None = None, by: Sequence[str] | None = None) -> MarginalValues:
        """Return what every captured HCC is worth to its member, in score and dollars, and what it rests on.

        Parameters
        ----------
        rate : float or str, optional
            Dollars per member and month at a payment risk score of 1.000, for everybody, or the column of the
            enrollment extract that holds them. Default: its column rate_pmpm, if it has one.
        by : sequence of str, optional
            Columns of the diagnoses to look behind each HCC. Default: claim_id and record_source, where they are there.

        Raises
        ------
        OptionError, ExtractError
            The rate or a column cannot be used; the message says what can.
        """
        return marginal_values(self.scoring_run, rate=rate, by=by, source=self.sources[0])

    def without(
        self, *, where: Mapping[str, Any] | None = None, listed: Any = None, rate: float | str | None = None
    ) -> ScoresWithout:
        """Score again without some of the diagnoses: which HCCs survive, which are lost, and what that is worth.

        Parameters
        ----------
        where : mapping of str to value or list of values
            Column of the diagnoses -> what goes, such as ``{"record_source": "chart_review_unlinked"}``; of several
            columns all must agree.
        listed : path or in-memory table, instead of `where`
            Diagnoses that go: rows of claim_id, of member_id and diagnosis_code, or of any columns of the diagnoses.
        rate : float or str, optional
            As `marginal` takes it. [dollars per member and month at a payment risk score of 1.000]

        Raises
        ------
        OptionError, ExtractError
            What goes is not said in columns that the diagnoses have, or the rate cannot be used.
        """
        return scores_without(self.scoring_run, where=where, listed=listed, rate=rate, source=self.sources[0])

    def __repr__(self) -> str:
        """Return what was scored, without any member's data."""
        year, models = self.run["payment_year"], ", ".join(model["model_id"] for model in self.run["models"])
        return f"<Scores: {self.payment_scores.num_rows:,} enrollment rows, payment year {year}, {models}>"


def collect(run: ScoringRun, sources: tuple[Any, Any]) -> Scores:
    """Score every row of a run and keep the tables in memory."""
    payments = run.empty_payments()
    model_scores = pa.Table.from_batches(run.model_scores(payments), run.model_score_schema)
    run.clock.lap("scores")
    return Scores(run, run.payment_scores(payments), model_scores.unify_dictionaries(), sources)


def write_run(
    run: ScoringRun, path: Path, progress: Callable[[str, int], None] | None = None
) -> dict[str, Any]:
    """Score every row of a run straight into files of the directory `path`; return the run report."""
    payments = run.empty_payments()
    metadata = run_metadata(run_report(run))
    with _PaymentWriter(run, payments, path / PAYMENT_SCORES, metadata) as paid:
        batches = _watched(run.model_scores(payments, paid.put), progress)
        write_parquet(path / MODEL_SCORES, batches, schema=run.model_score_schema, metadata=metadata)
    run.clock.lap("scores and output")
    report = run_report(run)
    write_rejects_and_report(path, run.rejects.table(), report)
    return report


class _PaymentWriter:
    """Writes payment_scores in a thread of its own, a range at a time, while model_scores is still being written."""

    def __init__(
        self, run: ScoringRun, payments: list[IntegerScores], path: Path, metadata: dict[str, str]
    ) -> None:
        self._run, self._payments = run, payments
        self._ranges: SimpleQueue[slice | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(1)
        schema = run.payment_scores(payments, slice(0)).schema
        self._written = self._pool.submit(
            write_parquet, path, self._tables(), schema=schema, metadata=metadata
        )

    def put(self, rows: slice) -> None:
        """Have one more range written; its payment scores are there."""
        self._ranges.put(rows)

    def _tables(self) -> Iterator[pa.Table]:
        while (rows := self._ranges.get()) is not None:
            yield self._run.payment_scores(self._payments, rows)
            if rows.stop == self._run.population.n_rows:  # written now, not when model_scores is done
                return

    def __enter__(self) -> _PaymentWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ranges.put(None)
        self._pool.shutdown()
        if kind is None:
            self._written.result()


def _watched(
    batches: Iterator[pa.RecordBatch], progress: Callable[[str, int], None] | None
) -> Iterator[pa.RecordBatch]:
    n_rows = 0
    for batch in batches:
        yield batch
        n_rows += batch.num_rows
        if progress:
            progress("scores", n_rows)


def check_lists(path: Path, columns: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise ExtractError if `wanted` names lists that a model_scores file with these columns was written without."""
    if any(name in wanted and name not in columns for name in LISTS):
        raise ExtractError(
            f"{path} has no lists of HCCs and variables; score again without --no-lists (lists=False)."
        )


def write_rejects_and_report(path: Path, rejects: pa.Table, report: dict[str, Any]) -> None:
    """Write rejects.parquet, then run.json, the last file of a run."""
    write_parquet(path / REJECTS, rejects, metadata=run_metadata(report))
    write_report(path, report)


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write run.json."""
    write_json(path / RUN, report)
