"""Scoring on Spark: the plan of the local engine, run by Spark's workers on a share of the members each.

Rows of all extracts are brought together by a hash of the member id, so that no member is ever split; each worker
reads its share as Arrow batches and scores it with the local engine. Only DataFrames are used, so that clusters that
allow nothing else (Spark Connect, Databricks serverless) do as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from riskadj import errors
from riskadj.engines import share
from riskadj.engines.shipped_maps import packed
from riskadj.engines.spark_frames import (
    Side,
    kept,
    open_sides,
    score_schema,
    spread,
    sums_of_scores,
    survey_shares,
    write_json,
    write_parquet,
)
from riskadj.errors import MissingDependencyError, OptionError
from riskadj.extracts.layouts import columns_of
from riskadj.extracts.write import named_table
from riskadj.results.summary.summary import summarise_sums
from riskadj.scoring.options import make_options
from riskadj.scoring.shares import Survey, Whole, whole_of
from riskadj.tables.payment_year import load_payment_year

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

#: Enrollment rows that a worker scores at a time, unless the caller says otherwise.
ROWS_PER_SHARE = 50_000
_OLDEST_SPARK = 4
#: Options of `riskadj.score` that Spark's workers do not have -> what to do instead.
_NOT_HERE = {
    "threads": "a worker scores its share with one, and rows_per_share= says how much it holds",
    "memory": "rows_per_share= says how much a worker holds",
}


@dataclass(frozen=True)
class SparkScores:
    """Risk scores of a population, as Spark DataFrames. Rows stand in no order.

    A result as `riskadj.Scores` is one, but that its tables stay with the workers: no chart is drawn of them.

    Attributes
    ----------
    payment_scores : DataFrame
        One row per enrollment row: the payment risk score, blended as the year pays. [1.000 = average beneficiary]
    model_scores : DataFrame
        One row per enrollment row and model (and segment, with segments="all").
    rejects : DataFrame
        One row per row that was not used: file ("enrollment" or "diagnoses"), row_number, column, reason.
    run : dict
        The run report: counts that add up, model ids, checksums, options; seconds are those of all shares together.
    """

    scored: DataFrame
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {name: name for name in share.TABLES}

    @property
    def payment_scores(self) -> DataFrame:
        """Payment risk scores of the enrollment rows."""
        return self._table("payment_scores")

    @property
    def model_scores(self) -> DataFrame:
        """Scores of the enrollment rows under each model."""
        return self._table("model_scores")

    @property
    def rejects(self) -> DataFrame:
        """Rows that were not used, each with its reason."""
        return self._table("rejects")

    def summary(self) -> pd.DataFrame:
        """Return rows, member months and mean scores by model and segment, as `riskadj.Scores.summary()` does.

        Workers add up their rows; no row of a member leaves them. [1.000 = average beneficiary]
        """
        frame: pd.DataFrame = summarise_sums(sums_of_scores(self.model_scores)).to_pandas()
        return frame

    def to_pandas(self, table: str | None = None) -> pd.DataFrame:
        """Bring one of `TABLES` to this machine as a pandas DataFrame; default: the first.

        Raises
        ------
        OptionError
            There is no such table.
        """
        name = named_table(table, list(self.TABLES), OptionError)
        frame: pd.DataFrame = self._table(name).toArrow().to_pandas()
        return frame

    def write(self, folder: str, *, overwrite: bool = False) -> None:
        """Write each table as Parquet below a folder that all workers reach, and the run report as JSON in `run`.

        Raises
        ------
        OutputExistsError, OutputError
            One of the tables is there already, or cannot be written.
        """
        for name, below in self.TABLES.items():
            write_parquet(self._table(name), f"{folder}/{below}", overwrite=overwrite)
        write_json(self.scored.sparkSession, self.run, f"{folder}/run", overwrite=overwrite)

    def release(self) -> None:
        """Give back what Spark keeps of the scores; the tables are then computed again when they are asked for."""
        self.scored.unpersist()

    def _table(self, name: str) -> DataFrame:
        return self.scored.where(f"{name} IS NOT NULL").select(f"{name}.*")

    def __repr__(self) -> str:
        """Return what was scored, without any member's data."""
        rows = self.run["counts"]["enrollment"]["rows_used"]
        models = ", ".join(model["model_id"] for model in self.run["models"])
        return f"<SparkScores: {rows:,} enrollment rows, payment year {self.run['payment_year']}, {models}>"


def score(
    spark: SparkSession,
    enrollment: Any,
    diagnoses: Any,
    *,
    payment_year: int,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    maps_dir: str | Path | None = None,
    drugs: Any = None,
    rows_per_share: int = ROWS_PER_SHARE,
    keep_in: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> SparkScores:
    """Score a population on Spark: the same columns and the same scores as `riskadj.score`.

    Two jobs run before this returns: one reads the enrollment, to learn which models its rows need; the other scores.

    Parameters
    ----------
    spark : SparkSession
        Classic or Connect; its workers need riskadj installed.
    enrollment, diagnoses : DataFrame, path or list of paths
        Extracts as EXTRACTS.md describes them; paths are Parquet that Spark can read. A whole-number column
        `row_number` tells where a row stood: of rows that contradict each other the first is used, and rejects are
        named by it. Without that column it is `monotonically_increasing_id()` + 1.
    payment_year, layout, columns
        As `riskadj.score` takes them.
    maps_dir : path, optional
        A folder of model tables on the machine that calls; it travels to the workers with the work.
    drugs : DataFrame, path or list of paths, optional
        Drugs extract, for models that have drug categories; a worker holds its share of it.
    rows_per_share : int
        Enrollment rows, roughly, that a worker holds at a time. [rows]
    keep_in : str, optional
        A folder that all workers reach, in which the scored rows are kept as Parquet. Default: Spark's own cache, which
        serverless clusters do not have.
    overwrite : bool
        Replace what `keep_in` holds.
    **options
        As `riskadj.score` takes them, but for `threads` (a worker scores its share with one).

    Returns
    -------
    SparkScores
        Risk scores are relative to 1.000, the average fee-for-service beneficiary.

    Raises
    ------
    MissingDependencyError
        If pyspark is not installed, or too old.
    RiskAdjError
        Of the kind, and in the words, of `riskadj.score`; options, columns and types are checked before any job runs.

    References
    ----------
    .. [1] Rules: those of the local engine, `riskadj.score`.
    """
    _require_spark()
    if rows_per_share < 1:
        raise OptionError(f"rows_per_share={rows_per_share}; it takes at least 1.")
    for name, instead in _NOT_HERE.items():
        if name in options:
            raise OptionError(f"{name}= is no option on Spark; {instead}.")
    checked = make_options(payment_year=payment_year, maps_dir=maps_dir, threads=1, **options)
    sources = {share.ENROLLMENT: enrollment, share.DIAGNOSES: diagnoses}
    sources |= {} if drugs is None else {share.DRUGS: drugs}
    task = share.Task(
        options=checked,
        layout=layout,
        columns={role: columns_of(role, columns) for role in sources},
        maps=None if checked.maps_dir is None else packed(checked.maps_dir),
    )
    task, sides = open_sides(spark, task, sources)
    rows_read, whole = _survey(task, sides[0])
    task = replace(task, whole=whole)
    n_shares = -(-rows_read // rows_per_share)
    scored = spread(sides, n_shares).mapInArrow(
        partial(share.score_batches, task), score_schema(task.schemas)
    )
    scored = kept(spark, scored, keep_in, overwrite=overwrite)
    try:
        return SparkScores(scored, _report(scored, task, n_shares))
    except errors.RiskAdjError:
        scored.unpersist()
        raise


def _survey(task: share.Task, enrollment: Side) -> tuple[int, Whole]:
    """Return the number of enrollment rows, and what every share is scored by."""
    reports = _reports(survey_shares(enrollment, partial(share.survey_batches, task)))
    surveys = [Survey.from_dict(report) for report in reports]
    options = task.options
    year = load_payment_year(options.program, options.payment_year, maps_dir=options.maps_dir)
    whole = whole_of(surveys, options, year, (share.ENROLLMENT,))
    return sum(survey.rows_read for survey in surveys), whole


def _report(scored: DataFrame, task: share.Task, n_shares: int) -> dict[str, Any]:
    report = share.joined_shares(_reports(scored), task.options)
    report["notes"] = [*task.notes, *(note for note in report["notes"] if note not in task.notes)]
    report["notes"].append(f"scored on Spark in {n_shares} shares of the members; rows stand in no order")
    return report


def _reports(frame: DataFrame) -> list[dict[str, Any]]:
    """Return the shares' reports; an error that ended a share is raised as what it was."""
    from pyspark.errors import PythonException

    try:
        rows = frame.where(f"{share.REPORT} IS NOT NULL").select(share.REPORT).collect()
    except PythonException as error:
        if "No module named 'riskadj" not in str(error):
            raise
        raise MissingDependencyError(
            "riskadj is not installed on Spark's workers; install it there too, in the same version as here."
        ) from None
    reports = [json.loads(row[0]) for row in rows]
    share.raise_first_error(reports)
    return reports


def _require_spark() -> None:
    extra = "install it with: pip install 'riskadj[spark]'"
    if find_spec("pyspark") is None:
        raise MissingDependencyError(f"pyspark is not installed; {extra}.")
    from pyspark import __version__

    if int(__version__.partition(".")[0]) < _OLDEST_SPARK:
        raise MissingDependencyError(
            f"pyspark {__version__} is too old; allowed: {_OLDEST_SPARK}.0 and newer; {extra}."
        )
