"""The design matrix: the engine's own variables of each enrollment row, some members at a time, as sparse rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.raw_score import find_variables, sum_factors
from riskadj.scoring.score_rows import ROWS_PER_CHUNK, ModelRun, ScoredPopulation, bit_lists

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SegmentVariables:
    """The variables that the starting model prices in one segment, each a column of the segment's design matrix.

    Attributes
    ----------
    name : str
        As relative_factors names it (a factor column).
    bits : ndarray of int64, shape (n_variables,)
        Bit of each variable in the plan.
    names : tuple of str
    starting_factors : ndarray of float64, shape (n_variables,)
        [1.000 = average beneficiary of the starting model]
    """

    name: str
    bits: Rows
    names: tuple[str, ...]
    starting_factors: Floats


@dataclass(frozen=True)
class Block:
    """Rows of one segment whose members are whole: no member's rows of the segment are in two blocks.

    Attributes
    ----------
    segment : int
        Position in ``Design.segments``.
    rows : ndarray of int64, shape (n,)
        Enrollment rows, in order of member.
    members : ndarray of int32, shape (n,)
    variables : ndarray of uint64, shape (n, n_words)
    """

    design: Design
    segment: int
    rows: Rows
    members: npt.NDArray[np.int32]
    variables: Words

    @cached_property
    def x(self) -> Any:
        """Design matrix (scipy CSR of 0 and 1, shape (n, n_variables of the segment))."""
        plan = self.design.plan
        return _incidence(self.variables, plan.priced[self.segment], self.design.segments[self.segment].bits)

    @property
    def hccs(self) -> Any:
        """Payment HCCs of each row, hierarchies applied (scipy CSR of 0 and 1, shape (n, n_hccs))."""
        return _incidence(self.variables, self.design.model.hcc_mask, np.arange(self.design.plan.n_hccs))

    @cached_property
    def by_member(self) -> Any:
        """Matrix that adds up rows of a member (scipy CSR of 0 and 1, shape (n_members, n))."""
        from scipy.sparse import csr_matrix

        begin = np.flatnonzero(np.r_[True, self.members[1:] != self.members[:-1]])
        n_rows = len(self.members)
        return csr_matrix(
            (np.ones(n_rows), np.arange(n_rows), np.r_[begin, n_rows]), shape=(len(begin), n_rows)
        )

    @property
    def starting_scores(self) -> Floats:
        """Raw risk scores of the starting model, not rounded. [1.000 = average beneficiary]"""
        plan, model = self.design.plan, self.design.model
        sums = sum_factors(plan, self.variables, np.full(len(self.rows), self.segment, np.int32))
        divisors = np.array([float(divisor) for divisor in plan.divisors])
        paid = model.segment_of_profile[self.design.population.profiles.of_row[self.rows]]
        scores: Floats = sums.total / 10**plan.decimals / divisors[paid]
        return scores


@dataclass(frozen=True)
class Design:
    """One model over one population: which variables each row has."""

    population: ScoredPopulation
    model: ModelRun

    @property
    def plan(self) -> ScoringPlan:
        """The starting model's plan."""
        return self.model.plan

    @cached_property
    def segments(self) -> tuple[SegmentVariables, ...]:
        """Each factor column of the model with its variables."""
        return tuple(_segment(self.plan, column) for column in range(len(self.plan.factor_columns)))

    def segment_of_rows(self, rows: Rows) -> npt.NDArray[np.int32]:
        """Return the segment (factor column) that pays each row."""
        profile = self.population.profiles.of_row[rows]
        found: npt.NDArray[np.int32] = self.model.factor_columns[
            profile, self.model.segment_of_profile[profile]
        ]
        return found

    def blocks(self, rows: Rows) -> Iterator[Block]:
        """Yield the rows (in order of member, as `rows_by_member` gives them) block by block."""
        members = self.population.member_of_row[rows]
        for begin, end in _whole_members(members):
            chunk, of_chunk = rows[begin:end], members[begin:end]
            variables = self._variables(chunk, of_chunk)
            segments = self.segment_of_rows(chunk)
            for segment in np.unique(segments).tolist():
                at = segments == segment
                yield Block(self, segment, chunk[at], of_chunk[at], variables[at])

    def _variables(self, rows: Rows, members: npt.NDArray[np.int32]) -> Words:
        population, model = self.population, self.model
        return find_variables(
            model.plan,
            population.captured,
            model.first_word,
            members,
            population.profiles.of_row[rows],
            population.profiles,
            model.demographics,
        )


def rows_by_member(population: ScoredPopulation, usable: npt.NDArray[np.bool_]) -> Rows:
    """Return the usable enrollment rows in order of member."""
    rows = np.flatnonzero(usable)
    return rows[np.argsort(population.member_of_row[rows], kind="stable")]


def _whole_members(members: npt.NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of chunks that end where a member ends."""
    begin = 0
    while begin < len(members):
        last = min(begin + ROWS_PER_CHUNK, len(members)) - 1
        end = int(np.searchsorted(members, members[last], side="right"))
        yield begin, end
        begin = end


def _segment(plan: ScoringPlan, column: int) -> SegmentVariables:
    bits = np.array([b for b in range(len(plan.variables)) if plan.factors[column, b]], np.int64)
    return SegmentVariables(
        plan.factor_columns[column],
        bits,
        tuple(plan.variables[bit] for bit in bits),
        plan.factors[column, bits] / 10.0**plan.decimals,
    )


def _incidence(variables: Words, mask: Words, bits: Rows) -> Any:
    """Return which of `bits` are on in each row; `mask` holds the same bits, or fewer."""
    from scipy.sparse import csr_matrix

    begin, found = bit_lists(variables, mask)
    column_of_bit = np.full(64 * variables.shape[1], -1, np.int32)
    column_of_bit[bits] = np.arange(len(bits))
    columns = column_of_bit[found]
    return csr_matrix((np.ones(len(columns)), columns, begin), shape=(len(variables), len(bits)))
