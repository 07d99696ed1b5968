"""Score a range of enrollment rows under one model: the rows of model_scores, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.extracts.dates import MISSING_DATE
from riskadj.extracts.enrollment import Enrollment
from riskadj.extracts.spans import OPEN_END
from riskadj.kernels.interactions import list_bits
from riskadj.scoring import payment_score
from riskadj.scoring.payment_score import ModelNumbers, Scores
from riskadj.scoring.plan import ScoringPlan, Words, set_bits
from riskadj.scoring.profiles import StatusProfiles
from riskadj.scoring.raw_score import RowSums, find_variables, sum_factors
from riskadj.tables.payment_year import PaymentYear, Policy

#: Rows scored at a time: small enough for the processor's cache.
ROWS_PER_CHUNK = 1 << 15


@dataclass(frozen=True)
class ScoredPopulation:
    """Everything that scoring reads and never changes: rows, profiles and captured condition bits.

    Attributes
    ----------
    enrollment : Enrollment
    member_of_row : ndarray of int32, shape (n_rows,)
    profiles : StatusProfiles
    policies : tuple of Policy
        Payment policies of the run; empty if the models were chosen by the caller.
    policy_of_profile : ndarray of int32, shape (n_profiles,)
        Position in `policies`; -1 throughout if the models were chosen by the caller.
    captured : ndarray of uint64, shape (n_members, n_captured_words)
    """

    enrollment: Enrollment
    member_of_row: npt.NDArray[np.int32]
    profiles: StatusProfiles
    policies: tuple[Policy, ...]
    policy_of_profile: npt.NDArray[np.int32]
    captured: Words
    year: PaymentYear

    @property
    def n_rows(self) -> int:
        """Number of enrollment rows that are scored."""
        return len(self.member_of_row)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield (begin, end) of each chunk of rows."""
        for begin in range(0, self.n_rows, ROWS_PER_CHUNK):
            yield begin, min(begin + ROWS_PER_CHUNK, self.n_rows)


@dataclass(frozen=True)
class ModelRun:
    """One model as this run uses it.

    Attributes
    ----------
    first_word : int
        Where the model's words begin in ``population.captured``.
    segment_of_profile : ndarray of int32, shape (n_profiles,)
    factor_columns : ndarray of int32, shape (n_profiles, n_segments)
    demographics : ndarray of uint64, shape (n_profiles, plan.n_words)
        As `profiles.demographics_of_profile` gives them.
    weights : tuple of Decimal or None
        Blend weight under each policy of the population; None where the policy does not use the model. Empty if the
        models were chosen by the caller: every row is scored with weight 1.
    """

    plan: ScoringPlan
    first_word: int
    segment_of_profile: npt.NDArray[np.int32]
    factor_columns: npt.NDArray[np.int32]
    demographics: Words
    normalization: ModelNumbers
    coding_intensity: ModelNumbers
    cost_sharing: ModelNumbers
    weights: tuple[Decimal | None, ...]

    @cached_property
    def hcc_mask(self) -> Words:
        """Bits of the payment HCCs, over all words of a row."""
        mask = np.zeros(self.plan.n_words, np.uint64)
        mask[: len(self.plan.payment_hccs)] = self.plan.payment_hccs
        return mask

    @cached_property
    def variable_names(self) -> pa.Array:
        """Names of the variables, by bit."""
        return from_strings(self.plan.variables)


@dataclass(frozen=True)
class ScoredRows:
    """Scores of some rows under one model and segment.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Enrollment rows.
    raw, normalized, payment : ndarray of int64, shape (n,)
        Scores [units of the year's last decimal].
    """

    rows: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int32]
    variables: Words
    sums: RowSums
    raw: Scores
    normalized: Scores
    payment: Scores


def score_range(
    population: ScoredPopulation, model: ModelRun, begin: int, end: int, *, every_segment: bool = False
) -> Iterator[ScoredRows]:
    """Yield the scores of rows `begin` to `end` under one model: one item for the paid segments, or one per segment."""
    rows, profile = rows_of_model(population, model, begin, end)
    variables = find_variables(
        model.plan,
        population.captured,
        model.first_word,
        population.member_of_row[rows],
        profile,
        population.profiles,
        model.demographics,
    )
    if not every_segment:
        yield score_variables(population, model, rows, profile, variables, model.segment_of_profile[profile])
        return
    for segment in range(len(model.plan.segments)):
        yield score_variables(
            population, model, rows, profile, variables, np.full(len(rows), segment, np.int32)
        )


def rows_of_model(
    population: ScoredPopulation, model: ModelRun, begin: int, end: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return which of the rows `begin` to `end` the model scores, and their status profiles."""
    profile = population.profiles.of_row[begin:end]
    rows = np.arange(begin, end, dtype=np.int64)
    used = _is_used(population, model, profile)
    return (rows, profile) if used.all() else (rows[used], profile[used])


def _is_used(
    population: ScoredPopulation, model: ModelRun, profile: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    if not model.weights:
        return np.ones(len(profile), np.bool_)
    uses = np.array([weight is not None for weight in model.weights] + [False])
    return uses[population.policy_of_profile[profile]]


def score_variables(
    population: ScoredPopulation,
    model: ModelRun,
    rows: npt.NDArray[np.int64],
    profile: npt.NDArray[np.int32],
    variables: Words,
    segments: npt.NDArray[np.int32],
) -> ScoredRows:
    """Return the scores that variables give: one for each enrollment row, or several for one in what-ifs.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Enrollment rows.
    profile, segments : ndarray of int32, shape (n,)
    variables : ndarray of uint64, shape (n, plan.n_words)
    """
    sums = sum_factors(model.plan, variables, model.factor_columns[profile, segments])
    raw = payment_score.raw_scores(sums.total, model.plan, segments, population.year.decimals)
    normalized = payment_score.normalize(raw, model.normalization, profile, segments)
    if model.cost_sharing.entries:
        payment = payment_score.share_costs(
            sums.total, model.plan, model.cost_sharing, profile, segments, population.year.decimals
        )
    else:
        payment = payment_score.adjust_for_coding(normalized, model.coding_intensity, profile, segments)
    return ScoredRows(rows, segments, variables, sums, raw, normalized, payment)


#: Columns of model_scores that are lists of names.
LISTS = ("hccs", "variables")


def model_score_schema(member_id: pa.DataType, *, lists: bool = True) -> pa.Schema:
    """Return the schema of model_scores (EXTRACTS.md), with or without its lists."""
    names = pa.list_(pa.dictionary(pa.int16(), pa.string()))
    return pa.schema(
        [
            ("member_id", member_id),
            ("enrollment_start_date", pa.date32()),
            ("enrollment_end_date", pa.date32()),
            ("months_enrolled", pa.int16()),
            ("model_id", _LABEL),
            ("segment", _LABEL),
            ("weight", pa.float64()),
            ("age_years", pa.uint8()),
            ("demographic_score", pa.float64()),
            ("disease_score", pa.float64()),
            ("raw_risk_score", pa.float64()),
            ("normalized_risk_score", pa.float64()),
            ("payment_risk_score", pa.float64()),
            *((name, names) for name in LISTS if lists),
        ]
    )


_LABEL = pa.dictionary(pa.int8(), pa.string())


def model_score_batch(
    population: ScoredPopulation, model: ModelRun, scored: ScoredRows, *, lists: bool = True
) -> pa.RecordBatch:
    """Return scored rows as a batch of model_scores, with or without its lists."""
    plan, decimals = model.plan, population.year.decimals
    profile = population.profiles.of_row[scored.rows]
    n_rows = len(scored.rows)
    demographic, disease = payment_score.parts_of(scored.sums, plan, scored.segments)
    columns = [
        *span_columns(population.enrollment, scored.rows),
        from_numpy(population.enrollment.months_enrolled[scored.rows], pa.int16()),
        labels(np.zeros(n_rows, np.int8), [plan.model.id]),
        labels(scored.segments.astype(np.int8), plan.segments),
        from_numpy(weights_of_rows(population, model, scored.rows, scored.segments), pa.float64()),
        from_numpy(population.profiles.columns["age_years"][profile], pa.uint8()),
        from_numpy(demographic, pa.float64()),
        from_numpy(disease, pa.float64()),
        score_column(scored.raw, decimals),
        score_column(scored.normalized, decimals),
        score_column(scored.payment, decimals),
    ]
    if lists:
        every = set_bits(range(len(plan.variables)), plan.n_words)
        columns.append(name_lists(scored.variables, model.hcc_mask, model.variable_names))
        columns.append(name_lists(scored.sums.scored, every, model.variable_names))
    return pa.RecordBatch.from_arrays(columns, schema=model_score_schema(columns[0].type, lists=lists))


def weights_of_rows(
    population: ScoredPopulation,
    model: ModelRun,
    rows: npt.NDArray[np.int64],
    segments: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Return the weight of each row in its blend; 0 where the segment is not the one that is paid."""
    profile = population.profiles.of_row[rows]
    if model.weights:
        weight_of_policy = np.array([float(value or 0) for value in model.weights])
        weight = weight_of_policy[population.policy_of_profile][profile]
    else:
        weight = np.ones(len(profile))
    return np.where(segments == model.segment_of_profile[profile], weight, 0.0)


def span_columns(enrollment: Enrollment, rows: npt.NDArray[np.int64]) -> list[pa.Array]:
    """Return member_id, enrollment_start_date and enrollment_end_date of the given rows."""
    begin, end = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
    whole = end - begin == len(rows) and bool(
        (np.diff(rows) == 1).all()
    )  # a row may stand there several times
    ids = enrollment.member_id
    ids = ids.slice(begin, end - begin) if whole else ids.take(from_numpy(rows, pa.int64()))
    return [ids, _dates(enrollment.start_date[rows]), _dates(enrollment.end_date[rows])]


def _dates(days: npt.NDArray[np.int32]) -> pa.Array:
    return _masked(days, pa.date32(), (days == MISSING_DATE) | (days == OPEN_END))


def _masked(values: npt.NDArray[Any], arrow_type: pa.DataType, missing: npt.NDArray[np.bool_]) -> pa.Array:
    return from_numpy(values, arrow_type, valid=~missing if missing.any() else None)


def labels(indices: npt.NDArray[np.int8], names: Sequence[str]) -> pa.DictionaryArray:
    """Return a dictionary column; a negative index is null."""
    return pa.DictionaryArray.from_arrays(_masked(indices, pa.int8(), indices < 0), from_strings(names))


def score_column(scores: Scores, decimals: int) -> pa.Array:
    """Return integer scores as a float64 column, null where there is none."""
    values, lacking = payment_score.to_float(scores, decimals)
    return _masked(values, pa.float64(), lacking)


def bit_lists(variables: Words, mask: Words) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
    """Return the masked bits that are on, row after row: where each row begins, shape (n_rows + 1,), and the bits."""
    begin = np.zeros(len(variables) + 1, np.int32)
    list_bits(mask, variables, begin, np.zeros(0, np.int16))
    bits = np.zeros(begin[-1], np.int16)
    list_bits(mask, variables, begin, bits)
    return begin, bits


def name_lists(variables: Words, mask: Words, names: pa.Array) -> pa.Array:
    """Return, for each row, the list of names of the masked bits that are on."""
    begin, bits = bit_lists(variables, mask)
    values = pa.DictionaryArray.from_arrays(from_numpy(bits, pa.int16()), names)
    return pa.ListArray.from_arrays(from_numpy(begin, pa.int32()), values)
