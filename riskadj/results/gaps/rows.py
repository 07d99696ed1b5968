"""Find gaps row by row under one model: prior conditions, what became of them this year, and what each is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from riskadj.kernels import hierarchies
from riskadj.kernels.interactions import leave_out, list_bits
from riskadj.results.gaps.suspects import Suspects
from riskadj.scoring.payment_score import NO_SCORE, Scores
from riskadj.scoring.plan import ScoringPlan, Words, set_bits
from riskadj.scoring.raw_score import find_hccs, switch_on_variables
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, rows_of_model, score_variables
from riskadj.scoring.service_dates import NO_FIRST, ServiceDates

STATUSES = ("open", "closed", "superseded", "suspect", "not_applicable")
OPEN, CLOSED, SUPERSEDED, SUSPECT, NOT_APPLICABLE = range(len(STATUSES))

Days = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GapInputs:
    """What gaps are found from.

    Attributes
    ----------
    prior, now : ServiceDates
        Conditions of the prior window and of this year's, of the same members and models.
    has_left : ndarray of bool, shape (n_members,)
    """

    run: ScoringRun
    prior: ServiceDates
    now: ServiceDates
    suspects: Suspects | None
    has_left: Flags


@dataclass(frozen=True)
class GapRows:
    """Gaps of one model, in order of enrollment row and HCC; arrays of shape (n_gaps,).

    Attributes
    ----------
    rows : ndarray of int64
        Enrollment rows.
    hccs : ndarray of int32
        Positions among the plan's variables.
    status : ndarray of int8
        Position in STATUSES.
    is_prior : ndarray of bool
        False: only suspected.
    change : ndarray of int64
        Payment risk score of the model with the HCC minus without it [units of the year's last decimal]; NO_SCORE.
    first_prior, last_prior, seen : ndarray of int32
        First and last service date in the prior window; first this year, of the HCC or of those that supersede it.
    """

    rows: Rows
    hccs: Days
    status: npt.NDArray[np.int8]
    is_prior: Flags
    change: Scores
    first_prior: Days
    last_prior: Days
    seen: Days

    @staticmethod
    def joined(parts: list[GapRows]) -> GapRows:
        """Return the gaps of several ranges of rows as one."""
        return GapRows(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in GapRows.__annotations__)
        )


@dataclass(frozen=True)
class RangeGaps:
    """Gaps of one range of enrollment rows, and the scores of its rows.

    Attributes
    ----------
    gaps : GapRows
    rows : ndarray of int64, shape (n,)
        Rows that the model scores.
    payment : ndarray of int64, shape (n,)
        Their payment risk scores as they are [units of the year's last decimal].
    mapped : ndarray of uint64, shape (n, plan.n_words)
        HCCs that this year's diagnoses give them, before requirements and hierarchies.
    new : ndarray of int64, shape (n_new,)
        Rows of payment HCCs of this year that the prior window does not have, one entry each.
    """

    gaps: GapRows
    rows: Rows
    payment: Scores
    mapped: Words
    new: Rows


def find_gaps(inputs: GapInputs, model: ModelRun, begin: int, end: int) -> RangeGaps:
    """Return the gaps of enrollment rows `begin` to `end` under one model."""
    rows, _ = rows_of_model(inputs.run.population, model, begin, end)
    work = _Work(inputs, model, rows)
    prior, suspected = work.prior(), work.suspected()
    local, hccs = _pairs(prior | suspected, model.plan)
    gaps = GapRows(
        rows=rows[local],
        hccs=hccs,
        status=work.status(local, hccs, prior),
        is_prior=_has(prior, local, hccs),
        change=work.change(local, hccs),
        **work.dates(local, hccs),
    )
    new, _ = _pairs(work.final & model.hcc_mask & ~work.prior_mapped(), model.plan)
    return RangeGaps(gaps, rows, work.payment, work.mapped, rows[new])


class _Work:
    """One range of rows under one model, on its way."""

    def __init__(self, inputs: GapInputs, model: ModelRun, rows: Rows) -> None:
        population = inputs.run.population
        self.inputs, self.model, self.rows, self.plan = inputs, model, rows, model.plan
        self.profile = population.profiles.of_row[rows]
        self.members = population.member_of_row[rows]
        self.mapped = self._find(inputs.now.captured)
        self.final = self.mapped.copy()
        switch_on_variables(self.plan, self.profile, model.demographics, self.final)
        self.payment = self.score(np.arange(len(rows)), self.final)

    def _find(self, captured: Words) -> Words:
        profiles = self.inputs.run.population.profiles
        return find_hccs(self.plan, captured, self.model.first_word, self.members, self.profile, profiles)

    def score(self, local: Rows, variables: Words) -> Scores:
        """Return the payment risk scores of rows under other variables."""
        segments = self.model.segment_of_profile[self.profile[local]]
        return score_variables(
            self.inputs.run.population, self.model, self.rows[local], self.profile[local], variables, segments
        ).payment

    def prior_mapped(self) -> Words:
        """Return the HCCs of the prior window, before requirements and hierarchies."""
        return self._find(self.inputs.prior.captured)

    def prior(self) -> Words:
        """Return the payment HCCs of the prior window that are left after hierarchies."""
        found = self.prior_mapped()
        switch_on_variables(self.plan, self.profile, self.model.demographics, found)
        return found & self.model.hcc_mask

    def suspected(self) -> Words:
        """Return the suspected payment HCCs."""
        if self.inputs.suspects is None:
            return np.zeros_like(self.mapped)
        found = self._find(self.inputs.suspects.captured) & self.model.hcc_mask
        leave_out(self.profile, self.model.demographics & self.plan.may_be_left_out, found)
        return found

    def status(self, local: Rows, hccs: Days, prior: Words) -> npt.NDArray[np.int8]:
        """Return what became of each pair of row and HCC."""
        status = np.where(_has(prior, local, hccs), OPEN, SUSPECT).astype(np.int8)
        status[self._is_dropped(local, hccs)] = SUPERSEDED
        status[_has(self.final, local, hccs)] = CLOSED
        status[~self._is_priced()[local] | self.inputs.has_left[self.members[local]]] = NOT_APPLICABLE
        return status

    def _is_priced(self) -> Flags:
        """Return which rows are paid under a segment that prices any payment HCC; new enrollees' do not."""
        segment = self.model.segment_of_profile[self.profile]
        column = self.model.factor_columns[self.profile, segment]
        prices = np.any(self.plan.priced & self.model.hcc_mask, axis=1)
        priced: Flags = prices[column] & (segment >= 0) & (column >= 0)
        return priced

    def _is_dropped(self, local: Rows, hccs: Days) -> Flags:
        """Return which HCCs this year's HCCs drop: they would meet their requirements, and yet not be left.

        An HCC that is dropped only by what it would itself bring in (by meeting a requirement) is none of these.
        """
        added = self.mapped[local]
        added[np.arange(len(local)), hccs >> 6] |= _bit(hccs)
        pairs = np.arange(len(local))
        hierarchies.apply_requirements(self.plan.required_hcc, self.plan.needs_any, added)
        is_met = _has(added, pairs, hccs)
        hierarchies.apply_hierarchies(self.plan.drops, self.plan.sequential, added)
        is_dropped: Flags = is_met & ~_has(added, pairs, hccs)
        return is_dropped & np.any(self._met()[local] & droppers_of(self.plan)[hccs], axis=1)

    def change(self, local: Rows, hccs: Days) -> Scores:
        """Return the payment risk score of each pair's row with the HCC minus without it."""
        flipped = self.mapped[local]
        was_on = _has(self.mapped, local, hccs)
        flipped[np.arange(len(local)), hccs >> 6] ^= _bit(hccs)
        switch_on_variables(self.plan, self.profile[local], self.model.demographics, flipped)
        other, own = self.score(local, flipped), self.payment[local]
        lacking = (other == NO_SCORE) | (own == NO_SCORE)
        return np.where(lacking, NO_SCORE, np.where(lacking, 0, other - own) * np.where(was_on, -1, 1))

    def dates(self, local: Rows, hccs: Days) -> dict[str, Days]:
        """Return the service dates of each pair."""
        first_prior, last_prior = self._dates_of(self.inputs.prior, local, hccs)
        seen = np.full(len(local), NO_FIRST, np.int32)
        closed = np.flatnonzero(_has(self.final, local, hccs))
        seen[closed] = self._dates_of(self.inputs.now, local[closed], hccs[closed])[0]
        dropped = np.flatnonzero(self._is_dropped(local, hccs))
        pair, droppers = _pairs(
            self._met()[local[dropped]] & droppers_of(self.plan)[hccs[dropped]], self.plan
        )
        np.minimum.at(seen, dropped[pair], self._dates_of(self.inputs.now, local[dropped[pair]], droppers)[0])
        return {"first_prior": first_prior, "last_prior": last_prior, "seen": seen}

    def _met(self) -> Words:
        """Return this year's HCCs that meet their requirements."""
        met = self.mapped.copy()
        hierarchies.apply_requirements(self.plan.required_hcc, self.plan.needs_any, met)
        return met

    def _dates_of(self, dates: ServiceDates, local: Rows, hccs: Days) -> tuple[Days, Days]:
        columns, profile = self.inputs.run.population.profiles.columns, self.profile[local]
        sexes = (1 << columns["sex"][profile]).astype(np.uint8)
        ages = columns["age_years"][profile]
        return dates.of_hccs(self.plan, self.model.first_word, hccs, self.members[local], ages, sexes)


def payment_if_closed(inputs: GapInputs, model: ModelRun, found: RangeGaps, closes: Flags) -> Scores:
    """Return the payment risk scores of a range's rows with the gaps `closes` closed (int64, shape (n,))."""
    work_rows = np.searchsorted(found.rows, found.gaps.rows[closes])
    affected, of_affected = np.unique(work_rows, return_inverse=True)
    hccs = found.gaps.hccs[closes]
    variables = found.mapped[affected]
    np.bitwise_or.at(variables, (of_affected, hccs >> 6), _bit(hccs))
    population = inputs.run.population
    rows = found.rows[affected]
    profile = population.profiles.of_row[rows]
    switch_on_variables(model.plan, profile, model.demographics, variables)
    payment = found.payment.copy()
    payment[affected] = score_variables(
        population, model, rows, profile, variables, model.segment_of_profile[profile]
    ).payment
    return payment


@lru_cache(maxsize=32)
def droppers_of(plan: ScoringPlan) -> Words:
    """Return, for each HCC, the HCCs that drop it (uint64, shape (n_hccs, plan.n_words))."""
    result = np.zeros((plan.n_hccs, plan.n_words), np.uint64)
    for hcc in range(plan.n_hccs):
        for dropped in _bits_on(plan.drops[hcc]):
            result[dropped] |= set_bits([hcc], plan.n_words)
    return result


def _bits_on(words: Words) -> Iterator[int]:
    for number, word in enumerate(words.tolist()):
        yield from (64 * number + bit for bit in range(64) if word >> bit & 1)


def _pairs(variables: Words, plan: ScoringPlan) -> tuple[Rows, Days]:
    """Return row and bit of every bit that is on, in order."""
    mask = set_bits(range(plan.n_hccs), plan.n_words)
    begin = np.zeros(len(variables) + 1, np.int32)
    list_bits(mask, variables, begin, np.zeros(0, np.int16))
    bits = np.zeros(begin[-1], np.int16)
    list_bits(mask, variables, begin, bits)
    return np.repeat(np.arange(len(variables)), np.diff(begin)), bits.astype(np.int32)


def _bit(hccs: Days) -> Words:
    """Return each HCC as a bit of its word."""
    bits: Words = np.uint64(1) << (hccs & 63).astype(np.uint64)
    return bits


def _has(variables: Words, local: Rows, hccs: Days) -> Flags:
    """Return whether each pair's row has the HCC."""
    found: Flags = (variables[local, hccs >> 6] & _bit(hccs)) != 0
    return found
