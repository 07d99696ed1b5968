"""One scoring run from extracts to scores: what to load, in which order, and what to count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, harmonise_ids
from riskadj.extracts.memory import give_back_memory
from riskadj.extracts.open import Extract
from riskadj.extracts.order import in_order
from riskadj.extracts.rejects import Rejects
from riskadj.extracts.write import ROW_GROUP_LEAST
from riskadj.scoring.capture import CaptureCounts
from riskadj.scoring.codes import CodeBook
from riskadj.scoring.drugs import DrugBook
from riskadj.scoring.eligible_diagnoses import CmsFilter, columns_of_filter
from riskadj.scoring.members import MemberIndex
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.payment_score import NO_SCORE, Scores, blend
from riskadj.scoring.rules import Rules
from riskadj.scoring.score_rows import (
    ROWS_PER_CHUNK,
    ModelRun,
    ScoredPopulation,
    labels,
    model_score_batch,
    model_score_schema,
    score_column,
    score_range,
    span_columns,
)

Progress = Callable[[str, int], None]

#: Ranges that stand ready: those of a row group, so that threads have work while the one before is written. Where every
#: segment is scored, one range fills a row group.
_READY = ROW_GROUP_LEAST // ROWS_PER_CHUNK


@dataclass
class Clock:
    """Seconds spent by phase."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to `phase`, and give back memory that it no longer needs."""
        give_back_memory()
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True)
class Drugs:
    """The drugs extract of a run, one code a row, and what became of its rows."""

    extract: Extract
    book: DrugBook
    counts: CaptureCounts


def common_id_type(id_type: pa.DataType, *others: Extract | None) -> pa.DataType | None:
    """Return the type to which the member ids of all extracts are cast; None: compare as they stand."""
    common = None
    for extract in others:
        if extract is not None:
            common = harmonise_ids(common or id_type, extract.id_type) or common
    return common


@dataclass(frozen=True)
class ScoringRun:
    """A run whose extracts have been read: everything that scores, reports and explanations are made from."""

    options: ScoreOptions
    rules: Rules
    population: ScoredPopulation
    models: tuple[ModelRun, ...]
    index: MemberIndex
    book: CodeBook
    counts: CaptureCounts
    rejects: Rejects
    extracts: tuple[Extract, Extract]
    drugs: Drugs | None
    window: tuple[date, date]
    claim_filter: CmsFilter | None
    clock: Clock

    @property
    def index_id_type(self) -> pa.DataType:
        """Type in which member ids of both extracts are compared."""
        drugs = self.drugs.extract if self.drugs else None
        id_type = common_id_type(self.population.enrollment.member_id.type, self.extracts[1], drugs)
        return id_type or self.population.enrollment.member_id.type

    def without_ids(self) -> ScoringRun:
        """Return the run where no diagnosis is to be looked up any more: scores alone are left to be made."""
        return replace(self, index=self.index.without_ids())

    @property
    def filter_columns(self) -> tuple[str, ...]:
        """Columns of the diagnoses extract that the claim filter reads."""
        return columns_of_filter(self.options.diagnosis_filter, self.rules.year)

    @property
    def model_score_schema(self) -> pa.Schema:
        """Schema of model_scores."""
        return model_score_schema(self.population.enrollment.member_id.type, lists=self.options.lists)

    def model_scores(
        self, payments: list[Scores], when_paid: Callable[[slice], None] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield model_scores, model after model.

        Parameters
        ----------
        payments : list of ndarray of int64
            Filled: payment scores of each model, shape (n_rows,); `empty_payments` makes them.
        when_paid : callable, optional
            Told each range of rows whose payment scores are there for every model.
        """
        last = len(self.models) - 1
        for position, rows, batches in self._scored(payments):
            yield from batches
            if when_paid and position == last:
                when_paid(rows)

    def _scored(self, payments: list[Scores]) -> Iterator[tuple[int, slice, list[pa.RecordBatch]]]:
        """Yield model after model, range after range; the next ones are scored while the caller writes."""
        every = self.options.segments == "all"

        def work(item: tuple[int, tuple[int, int]]) -> tuple[int, slice, list[pa.RecordBatch]]:
            position, rows = item
            model, batches = self.models[position], []
            for scored in score_range(self.population, model, *rows, every_segment=every):
                profile = self.population.profiles.of_row[scored.rows]
                paid = scored.segments == model.segment_of_profile[profile]
                payments[position][scored.rows[paid]] = scored.payment[paid]  # each range has rows of its own
                batches.append(model_score_batch(self.population, model, scored, lists=self.options.lists))
            return position, slice(*rows), batches

        items = product(range(len(self.models)), self.population.ranges())
        return in_order(work, items, self.options.threads, ready=1 if every else _READY)

    def empty_payments(self) -> list[Scores]:
        """Return one array per model for `model_scores` to fill."""
        return [np.full(self.population.n_rows, NO_SCORE, np.int64) for _ in self.models]

    def payment_scores(self, payments: list[Scores], rows: slice | None = None) -> pa.Table:
        """Return payment_scores: the blend of each row's models, as paid; of all rows, or of a range of them."""
        population, year = self.population, self.rules.year
        begin, end, _ = (rows or slice(None)).indices(population.n_rows)
        n_rows = end - begin
        columns = {
            **dict(
                zip(
                    ("member_id", "enrollment_start_date", "enrollment_end_date"),
                    span_columns(population.enrollment, np.arange(begin, end)),
                    strict=True,
                )
            ),
            "months_enrolled": from_numpy(population.enrollment.months_enrolled[begin:end], pa.int16()),
            "program": labels(np.zeros(n_rows, np.int8), [self.options.program]),
            "payment_year": from_numpy(np.full(n_rows, year.year, np.int16), pa.int16()),
            "payment_risk_score": score_column(self.blended(payments, begin, end), year.decimals),
            **{name: column.slice(begin, n_rows) for name, column in population.enrollment.extra.items()},
        }
        return pa.table(columns)

    def blended(self, payments: list[Scores], begin: int = 0, end: int | None = None) -> Scores:
        """Return the payment risk score of rows `begin` to `end` [units of the year's last decimal]."""
        return self.blend_rows(
            [payment[begin:end] for payment in payments], self.population.profiles.of_row[begin:end]
        )

    def blend_rows(self, payments: list[Scores], profiles: npt.NDArray[np.int32]) -> Scores:
        """Return the payment risk score of rows whose payment scores under each model are given.

        Parameters
        ----------
        payments : list of ndarray of int64, shape (n,)
            Payment scores of each model of the run [units of the year's last decimal].
        profiles : ndarray of int32, shape (n,)
            Status profiles, which say how the models blend.
        """
        population = self.population
        if not population.policies:
            return payments[0] if len(payments) == 1 else np.full(len(profiles), NO_SCORE, np.int64)
        position = {model.plan.model.id: number for number, model in enumerate(self.models)}
        policy_of_row = population.policy_of_profile[profiles]
        result = np.full(len(profiles), NO_SCORE, np.int64)
        for number, policy in enumerate(population.policies):
            rows = policy_of_row == number
            if rows.any():
                result[rows] = blend([(payments[position[name]][rows], w) for name, w in policy.blend])
        return result
