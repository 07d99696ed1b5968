"""What each captured HCC is worth to its member, all that follows from it included, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.extracts.order import in_order
from riskadj.extracts.write import write_json, write_parquet
from riskadj.kernels.support import NOTHING
from riskadj.results import family
from riskadj.results.marginal.hashes import is_code
from riskadj.results.marginal.support import Support, columns_behind, find_support, is_single
from riskadj.results.marginal.value_by_hcc import HccTotals
from riskadj.results.rates import Dollars, rate_words, rates_of_rows
from riskadj.scoring.marginal_rows import MarginalRows, marginal_ranges, marginal_rows
from riskadj.scoring.payment_score import to_float
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_metadata, run_report
from riskadj.scoring.score_rows import labels, name_lists, score_column, span_columns, weights_of_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARGINAL_VALUES, VALUE_BY_HCC, VALUE_AT_RISK = "marginal_values", "value_by_hcc", "value_at_risk"

_LABEL = pa.dictionary(pa.int8(), pa.string())
_HCC = pa.dictionary(pa.int16(), pa.string())


@dataclass(frozen=True)
class MarginalValues:
    """What each captured HCC is worth to its member, and what it rests on.

    Attributes
    ----------
    marginal_values : pyarrow.Table
        One row per enrollment row, model and captured HCC: score with the HCC minus score without it (EXTRACTS.md).
        [1.000 = average beneficiary; dollars over the months of the row]
    value_by_hcc : pyarrow.Table
        One row per model and HCC: how many rows, what they are worth together, and how much of it rests on one claim or
        one record source alone.
    value_at_risk : pyarrow.Table
        One row per column behind the diagnoses, and per code of it: what rests on one value alone.
    run : dict
        What it was made from: the report of the scoring run, the rates, the columns behind the diagnoses, counts.
    """

    marginal_values: pa.Table
    value_by_hcc: pa.Table
    value_at_risk: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: name for name in (MARGINAL_VALUES, VALUE_BY_HCC, VALUE_AT_RISK)
    }
    to_pandas = family.to_pandas
    write = family.write

    def summary(self) -> pd.DataFrame:
        """Return value_by_hcc, what is worth most first."""
        frame: pd.DataFrame = self.value_by_hcc.to_pandas()
        return frame.sort_values("score_months", ascending=False, kind="stable").reset_index(drop=True)

    def plot(self) -> Figure:
        """Return a figure: the HCCs that are worth most, and how much of each rests on one claim or source alone."""
        from riskadj.results.plots.marginal import plot_value_by_hcc

        return plot_value_by_hcc(self.value_by_hcc, self.value_at_risk)

    def __repr__(self) -> str:
        """Return how much there is, without any member's data."""
        n_rows, n_hccs = self.marginal_values.num_rows, self.value_by_hcc.num_rows
        return f"<MarginalValues: {n_rows:,} captured HCCs of enrollment rows, {n_hccs:,} different ones>"


def marginal_values(
    run: ScoringRun,
    *,
    rate: float | str | None = None,
    by: Sequence[str] | None = None,
    source: Any = None,
) -> MarginalValues:
    """Return what every captured HCC of a run is worth to its member, and what it rests on.

    Parameters
    ----------
    run : ScoringRun
        Its diagnoses are read once more if `by` names columns.
    rate, source
        As `results.rates.rates_of_rows`. [dollars per member and month at a score of 1.000]
    by : sequence of str, optional
        Columns of the diagnoses to look behind each HCC; default: claim_id and record_source, where the extract has
        them. An empty one reads nothing and says nothing.

    Returns
    -------
    MarginalValues

    Raises
    ------
    OptionError, ExtractError
        A column or a rate cannot be used.
    """
    work = MarginalWork(run, rate, by, source)
    table = pa.Table.from_batches(work.batches(), work.schema).unify_dictionaries()
    return MarginalValues(table, work.totals.by_hcc(), work.totals.value_at_risk(), work.report())


def write_marginal_values(
    run: ScoringRun,
    path: Path,
    *,
    rate: float | str | None = None,
    by: Sequence[str] | None = None,
    source: Any = None,
) -> MarginalTotals:
    """Write what `marginal_values` returns into the directory `path`, a range of rows at a time, and a chart."""
    from riskadj.results.plots.marginal import plot_value_by_hcc

    work = MarginalWork(run, rate, by, source)
    metadata = run_metadata(run_report(run))
    write_parquet(path / f"{MARGINAL_VALUES}.parquet", work.batches(), schema=work.schema, metadata=metadata)
    totals = MarginalTotals(work.totals.by_hcc(), work.totals.value_at_risk(), work.report())
    write_parquet(path / f"{VALUE_BY_HCC}.parquet", totals.value_by_hcc, metadata=metadata)
    write_parquet(path / f"{VALUE_AT_RISK}.parquet", totals.value_at_risk, metadata=metadata)
    plot_value_by_hcc(totals.value_by_hcc, totals.value_at_risk).savefig(
        path / f"{MARGINAL_VALUES}.png", dpi=150
    )
    write_json(path / "run.json", totals.run)
    return totals


@dataclass(frozen=True)
class MarginalTotals:
    """What `MarginalValues` holds but the rows themselves, which are on disk."""

    value_by_hcc: pa.Table
    value_at_risk: pa.Table
    run: dict[str, Any]


@dataclass
class MarginalWork:
    """The work of one run: batches of marginal_values as they come, and totals by HCC beside them."""

    run: ScoringRun
    rate: float | str | None
    by: Sequence[str] | None
    source: Any
    rates: Dollars | None = field(init=False)
    behind: Support = field(init=False)
    totals: HccTotals = field(init=False)

    def __post_init__(self) -> None:
        """Read the rates and what the HCCs rest on; every error of the call is raised here."""
        columns = columns_behind(self.run, self.by)
        self.rates = rates_of_rows(self.run, self.rate, source=self.source)
        self.behind = find_support(self.run, columns)
        self.totals = HccTotals(self.run.models, columns)
        self.run.clock.lap("what HCCs rest on")

    @property
    def schema(self) -> pa.Schema:
        """The schema of marginal_values."""
        found = [("dollars", pa.float64())]
        for name in self.behind.columns:
            found.append((f"is_single_{name}", pa.bool_()))
            found += [(f"only_{name}", pa.dictionary(pa.int16(), pa.string()))] * is_code(name)
        return pa.schema(
            [
                ("member_id", self.run.population.enrollment.member_id.type),
                ("enrollment_start_date", pa.date32()),
                ("enrollment_end_date", pa.date32()),
                ("months_enrolled", pa.int16()),
                ("model_id", _LABEL),
                ("segment", _LABEL),
                ("weight", pa.float64()),
                ("hcc", _HCC),
                ("is_kept", pa.bool_()),
                ("comes_back", pa.list_(_HCC)),
                ("marginal_raw_score", pa.float64()),
                ("marginal_model_score", pa.float64()),
                ("marginal_payment_score", pa.float64()),
                *found,
            ]
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield marginal_values, a range of enrollment rows at a time and model after model in it."""

        def work(rows: tuple[int, int]) -> list[tuple[MarginalRows, pa.RecordBatch]]:
            return [(found, self._batch(found)) for found in marginal_rows(self.run, *rows)]

        for pairs in in_order(work, marginal_ranges(self.run), self.run.options.threads):
            for found, batch in pairs:
                self.totals.add(found, batch)
                yield batch
        self.run.clock.lap("marginal values")

    def report(self) -> dict[str, Any]:
        """Return what the tables were made from."""
        return {
            **run_report(self.run),
            "rate": rate_words(self.run, self.rate),
            "rests_on": list(self.behind.columns),
            "marginal": self.totals.counts(),
        }

    def _batch(self, found: MarginalRows) -> pa.RecordBatch:
        population, model, decimals = self.run.population, found.model_run, self.run.population.year.decimals
        months = population.enrollment.months_enrolled[found.rows]
        columns = [
            *span_columns(population.enrollment, found.rows),
            from_numpy(months, pa.int16()),
            labels(np.zeros(len(found.rows), np.int8), [model.plan.model.id]),
            labels(found.segments.astype(np.int8), model.plan.segments),
            from_numpy(weights_of_rows(population, model, found.rows, found.segments), pa.float64()),
            pa.DictionaryArray.from_arrays(from_numpy(found.hccs, pa.int16()), model.variable_names),
            from_numpy(found.is_kept, pa.bool_()),
            name_lists(found.comes_back, _every_bit(found), model.variable_names),
            score_column(found.raw, decimals),
            score_column(found.model, decimals),
            score_column(found.payment, decimals),
            self._dollars(found, months),
        ]
        columns += self._rests_on(found)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _dollars(self, found: MarginalRows, months: npt.NDArray[np.int16]) -> pa.Array:
        scores, lacking = to_float(found.payment, self.run.population.year.decimals)
        if self.rates is None:
            return from_numpy(scores, pa.float64(), valid=np.zeros(len(scores), np.bool_))
        return from_numpy(scores * self.rates[found.rows] * months, pa.float64(), valid=~lacking)

    def _rests_on(self, found: MarginalRows) -> list[pa.Array]:
        columns: list[pa.Array] = []
        values = self.behind.of_hccs(self.run, found.model_run, found.rows, found.hccs)
        for name, hashes, words in zip(self.behind.columns, values.T, self.behind.labels, strict=True):
            single = is_single(hashes)
            columns.append(
                from_numpy(single, pa.bool_(), valid=hashes != NOTHING)
            )  # drugs alone: no diagnosis
            columns += [_labels(hashes, single, words)] if is_code(name) else []
        return columns


def _labels(
    hashes: npt.NDArray[np.uint64], single: npt.NDArray[np.bool_], names: dict[int, str]
) -> pa.DictionaryArray:
    """Return the value that an HCC rests on alone; null where there are several, or the only one is blank."""
    known = np.array(sorted(names), np.uint64)
    at = np.minimum(np.searchsorted(known, hashes), max(len(known) - 1, 0))
    has = single & (known[at] == hashes) if len(known) else np.zeros(len(hashes), np.bool_)
    words = from_strings([names[int(one)] for one in known])
    return pa.DictionaryArray.from_arrays(from_numpy(at.astype(np.int16), pa.int16(), valid=has), words)


def _every_bit(found: MarginalRows) -> npt.NDArray[np.uint64]:
    return np.full(found.comes_back.shape[1], ~np.uint64(0))
