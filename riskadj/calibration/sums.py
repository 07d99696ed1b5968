"""Sums over enrollment rows: the normal equations of each segment, and the scores of its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from riskadj.calibration.design import Block, Design, Floats, Rows

Folds = npt.NDArray[np.int64]


@dataclass
class NormalEquations:
    """Sums of one segment, by fold; a regression without a fold is the total less that fold.

    Attributes
    ----------
    a : ndarray of float64, shape (n_folds, n_variables, n_variables)
        X'WX. [years]
    b : ndarray of float64, shape (n_folds, n_variables)
        X'Wy. [dollars]
    n_members_of_variable : ndarray of int64, shape (n_variables,)
    n_rows, n_members : int
    """

    a: Floats
    b: Floats
    n_members_of_variable: Rows
    n_rows: int = 0
    n_members: int = 0

    @classmethod
    def empty(cls, n_variables: int, n_folds: int) -> NormalEquations:
        """Return sums over no rows."""
        p = n_variables
        return cls(np.zeros((n_folds, p, p)), np.zeros((n_folds, p)), np.zeros(p, np.int64))

    def add(self, block: Block, cost: Floats, weight: Floats, fold: Folds) -> None:
        """Add the rows of a block: annualised costs, eligible fractions and folds, each of shape (n,)."""
        for number in np.unique(fold).tolist():
            rows = fold == number
            x = block.x[rows]
            weighted = x.multiply(weight[rows][:, None]).tocsr()
            self.a[number] += (weighted.T @ x).toarray()
            self.b[number] += weighted.T @ cost[rows]
        self.n_members_of_variable += np.asarray((block.by_member @ block.x > 0).sum(axis=0)).ravel()
        self.n_rows += len(block.rows)
        self.n_members += block.by_member.shape[0]

    def total(self) -> tuple[Floats, Floats]:
        """Return X'WX and X'Wy of every row."""
        return self.a.sum(axis=0), self.b.sum(axis=0)

    def without(self, fold: int) -> tuple[Floats, Floats]:
        """Return X'WX and X'Wy of the rows outside a fold."""
        others = np.arange(len(self.a)) != fold
        return self.a[others].sum(axis=0), self.b[others].sum(axis=0)


@dataclass(frozen=True)
class Observed:
    """The rows that are fitted, in order of member; arrays of shape (n_rows,).

    Attributes
    ----------
    rows : ndarray of int64
        Enrollment rows.
    cost : ndarray of float64
        [dollars a year]
    weight : ndarray of float64
        Eligible fraction. [years]
    fold : ndarray of int64
    segment : ndarray of int32
        Position in ``Design.segments``.
    """

    rows: Rows
    cost: Floats
    weight: Floats
    fold: Folds
    segment: npt.NDArray[np.int32]

    def at(self, at: Rows) -> tuple[Floats, Floats, Folds]:
        """Return cost, weight and fold of the rows at these positions."""
        return self.cost[at], self.weight[at], self.fold[at]

    def positions(self, n_rows: int) -> Rows:
        """Return the position of each enrollment row here, shape (n_rows,); -1 of rows that are not fitted."""
        result = np.full(n_rows, -1, np.int64)
        result[self.rows] = np.arange(len(self.rows))
        return result


def add_up(design: Design, observed: Observed, n_folds: int) -> list[NormalEquations]:
    """Return the normal equations of every segment."""
    sums = [NormalEquations.empty(len(segment.names), max(n_folds, 1)) for segment in design.segments]
    position_of = observed.positions(design.population.n_rows)
    for block in design.blocks(observed.rows):
        sums[block.segment].add(block, *observed.at(position_of[block.rows]))
    return sums


@dataclass
class SecondPass:
    """What a second look at the rows gives, once factors are known.

    Attributes
    ----------
    fitted, cross_validated : ndarray of float64, shape (n_rows,)
        Predicted costs, the second by factors fitted without the row's fold. [dollars a year]
    starting : ndarray of float64, shape (n_rows,)
        Raw risk scores of the starting model. [1.000 = average beneficiary]
    scores : list of ndarray of float64, shape (n_variables, n_variables), by segment
        As `inference.infer` takes them.
    of_hcc : ndarray of float64, shape (n_hccs, 6)
        Of the rows with each payment HCC: rows, weight, and weighted cost, fitted, cross-validated and starting.
    """

    fitted: Floats
    cross_validated: Floats
    starting: Floats
    scores: list[Floats] = field(default_factory=list)
    of_hcc: Floats = field(default_factory=lambda: np.zeros((0, 6)))


def look_again(
    design: Design, observed: Observed, factors: Sequence[Floats], fold_factors: Sequence[Floats]
) -> SecondPass:
    """Return predictions, the scores of members, and sums by HCC.

    Parameters
    ----------
    factors : sequence of ndarray, shape (n_variables,), by segment
        [dollars a year]
    fold_factors : sequence of ndarray, shape (n_variables, n_folds), by segment
        Factors fitted without each fold; without cross-validation the factors themselves. [dollars a year]
    """
    n_rows = len(observed.rows)
    result = SecondPass(*np.zeros((3, n_rows)))
    result.scores = [np.zeros((len(each), len(each))) for each in factors]
    result.of_hcc = np.zeros((design.plan.n_hccs, 6))
    position_of = observed.positions(design.population.n_rows)
    for block in design.blocks(observed.rows):
        at = position_of[block.rows]
        cost, weight, fold = observed.at(at)
        fitted = block.x @ factors[block.segment]
        by_fold = block.x @ fold_factors[block.segment]
        validated = by_fold[np.arange(len(at)), fold]
        starting = block.starting_scores
        result.fitted[at], result.cross_validated[at], result.starting[at] = fitted, validated, starting
        scores = block.by_member @ block.x.multiply((weight * (cost - fitted))[:, None]).tocsr()
        result.scores[block.segment] += (scores.T @ scores).toarray()
        columns = [np.ones(len(at)), weight, *(weight * each for each in (cost, fitted, validated, starting))]
        result.of_hcc += block.hccs.T @ np.column_stack(columns)
    return result
