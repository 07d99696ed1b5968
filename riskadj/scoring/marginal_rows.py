"""Score rows again with one HCC taken away: what each captured HCC is worth to its row, under each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.kernels.interactions import list_bits
from riskadj.scoring.payment_score import NO_SCORE, Scores
from riskadj.scoring.plan import Words, set_bits
from riskadj.scoring.raw_score import find_hccs, switch_on_variables
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, ScoredRows, rows_of_model, score_variables

#: Enrollment rows worked on at a time: with several HCCs each they still fit into the processor's cache.
ROWS_PER_RANGE = 1 << 14


@dataclass(frozen=True)
class MarginalRows:
    """Captured HCCs of a range of enrollment rows under one model, each with what the scores are without it.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Enrollment row of each HCC; the HCCs of a row stand together, in ascending order.
    hccs : ndarray of int16, shape (n,)
        Their numbers in the plan.
    segments : ndarray of int32, shape (n,)
    is_kept : ndarray of bool, shape (n,)
        Left after requirements and hierarchies.
    comes_back : ndarray of uint64, shape (n, n_words)
        HCCs that are left after requirements and hierarchies once this one is gone, and were not before.
    raw, model, payment : ndarray of int64, shape (n,)
        Score with the HCC minus score without it: the model's raw risk score, the model's payment risk score, and the
        payment risk score of the row, blended as paid [units of the year's last decimal]; NO_SCORE where there is none.
    """

    model_run: ModelRun
    rows: npt.NDArray[np.int64]
    hccs: npt.NDArray[np.int16]
    segments: npt.NDArray[np.int32]
    is_kept: npt.NDArray[np.bool_]
    comes_back: Words
    raw: Scores
    model: Scores
    payment: Scores


@dataclass(frozen=True)
class ScoredPart:
    """One model's share of a range of enrollment rows, in the segments that pay.

    Attributes
    ----------
    profile : ndarray of int32, shape (n,)
    mapped : ndarray of uint64, shape (n, n_words)
        The HCCs of its rows, before requirements and hierarchies.
    scored : ScoredRows
    """

    model: ModelRun
    profile: npt.NDArray[np.int32]
    mapped: Words
    scored: ScoredRows


def marginal_ranges(run: ScoringRun) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of each range of enrollment rows."""
    n_rows = run.population.n_rows
    for begin in range(0, n_rows, ROWS_PER_RANGE):
        yield begin, min(begin + ROWS_PER_RANGE, n_rows)


def marginal_rows(run: ScoringRun, begin: int, end: int) -> Iterator[MarginalRows]:
    """Yield the value of every captured HCC of rows `begin` to `end`, model after model, in the segments that pay.

    The HCC is taken from what the diagnoses give the row; requirements, hierarchies, groups, interactions and counts
    are worked out anew by the functions that score, so HCCs that it had dropped come back.
    """
    parts = [score_part(run, model, begin, end) for model in run.models]
    payments, blended = payments_of(run, parts, begin, end)
    for position, part in enumerate(parts):
        item, hccs = hccs_on(part.model, part.mapped)
        without = _score_without(run, part, item, hccs)
        at = without.rows - begin
        others = [payment[at] for payment in payments]
        others[position] = without.payment
        after = run.blend_rows(others, run.population.profiles.of_row[without.rows])
        before, hcc_mask = part.scored, set_bits(range(part.model.plan.n_hccs), part.model.plan.n_words)
        yield MarginalRows(
            model_run=part.model,
            rows=without.rows,
            hccs=hccs,
            segments=without.segments,
            is_kept=has_bit(before.variables[item], hccs),
            comes_back=without.variables & ~before.variables[item] & hcc_mask,
            raw=difference(before.raw[item], without.raw),
            model=difference(before.payment[item], without.payment),
            payment=difference(blended[at], after),
        )


def payments_of(
    run: ScoringRun, parts: Sequence[ScoredPart], begin: int, end: int
) -> tuple[list[Scores], Scores]:
    """Return the payment scores of rows `begin` to `end` under each model, and blended as paid."""
    payments = [np.full(end - begin, NO_SCORE, np.int64) for _ in parts]
    for payment, part in zip(payments, parts, strict=True):
        payment[part.scored.rows - begin] = part.scored.payment
    return payments, run.blend_rows(payments, run.population.profiles.of_row[begin:end])


def score_part(run: ScoringRun, model: ModelRun, begin: int, end: int) -> ScoredPart:
    """Return the rows `begin` to `end` that a model pays, their HCCs and their scores."""
    population = run.population
    rows, profile = rows_of_model(population, model, begin, end)
    pays = model.segment_of_profile[profile] >= 0
    if not pays.all():
        rows, profile = rows[pays], profile[pays]
    members = population.member_of_row[rows]
    mapped = find_hccs(
        model.plan, population.captured, model.first_word, members, profile, population.profiles
    )
    return ScoredPart(model, profile, mapped, _score(run, model, rows, profile, mapped.copy()))


def _score_without(
    run: ScoringRun, part: ScoredPart, item: npt.NDArray[np.int32], hccs: npt.NDArray[np.int16]
) -> ScoredRows:
    """Score the rows `item` of a part, each without one of its HCCs."""
    mapped = part.mapped[item]
    mapped[np.arange(len(item)), hccs >> 6] &= ~(np.uint64(1) << (hccs & 63).astype(np.uint64))
    return _score(run, part.model, part.scored.rows[item], part.profile[item], mapped)


def _score(
    run: ScoringRun,
    model: ModelRun,
    rows: npt.NDArray[np.int64],
    profile: npt.NDArray[np.int32],
    variables: Words,
) -> ScoredRows:
    switch_on_variables(model.plan, profile, model.demographics, variables)
    return score_variables(run.population, model, rows, profile, variables, model.segment_of_profile[profile])


def hccs_on(model: ModelRun, variables: Words) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
    """Return each HCC that is on: its row of `variables`, and the HCC, in order of both."""
    mask = set_bits(range(model.plan.n_hccs), model.plan.n_words)
    begins = np.zeros(len(variables) + 1, np.int32)
    list_bits(mask, variables, begins, np.zeros(0, np.int16))
    hccs = np.zeros(begins[-1], np.int16)
    list_bits(mask, variables, begins, hccs)
    return np.repeat(np.arange(len(variables), dtype=np.int32), np.diff(begins)), hccs


def has_bit(variables: Words, bits: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Return whether each row of `variables` has its bit on."""
    words = variables[np.arange(len(bits)), bits >> 6]
    return (words >> (bits & 63).astype(np.uint64)) & np.uint64(1) != 0


def difference(before: Scores, after: Scores) -> Scores:
    """Return before minus after; NO_SCORE where either is."""
    return np.where((before == NO_SCORE) | (after == NO_SCORE), NO_SCORE, before - after)
