"""Fit every segment of a model to the costs of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.calibration.constraints import Ties, inequalities, pool_negative_cells, tie_variables
from riskadj.calibration.costs import RowCosts
from riskadj.calibration.design import Design, Floats, Rows, SegmentVariables, rows_by_member
from riskadj.calibration.inference import Inference, infer
from riskadj.calibration.options import CalibrationOptions
from riskadj.calibration.solve import Dependence, Solution, collinear, solve, without
from riskadj.calibration.sums import NormalEquations, Observed, SecondPass, add_up, look_again
from riskadj.errors import CalibrationError, OptionError, nearest
from riskadj.tables.model import ModelTables


@dataclass(frozen=True)
class SegmentFit:
    """The fit of one segment.

    Attributes
    ----------
    variables : SegmentVariables
    sums : NormalEquations
    factors : ndarray of float64, shape (n_variables,)
        [dollars a year]
    fold_factors : ndarray of float64, shape (n_variables, n_folds)
        Fitted without each fold; without cross-validation the factors. [dollars a year]
    ties : Ties
        With every constraint that binds.
    inference : Inference
    """

    variables: SegmentVariables
    sums: NormalEquations
    factors: Floats
    fold_factors: Floats
    ties: Ties
    inference: Inference


@dataclass(frozen=True)
class ModelFit:
    """The fit of a model.

    Attributes
    ----------
    design : Design
    observed : Observed
    segments : dict of int to SegmentFit
        By position in ``design.segments``; those that were not fitted are absent.
    predictions : SecondPass
    n_capped : int
        Rows whose cost the cap cut.
    dollars_capped : float
        What it cut off. [dollars]
    """

    design: Design
    observed: Observed
    segments: dict[int, SegmentFit]
    predictions: SecondPass
    n_capped: int
    dollars_capped: float

    @property
    def denominator(self) -> float:
        """Mean predicted cost of the rows fitted: what a relative factor of 1 is worth. [dollars a year]"""
        weight = self.observed.weight
        return float(weight @ self.predictions.fitted / weight.sum())


def fit_model(design: Design, costs: RowCosts, options: CalibrationOptions) -> ModelFit:
    """Return the fit of a model to the costs of a population.

    Raises
    ------
    OptionError
        An equal group names a variable that the model does not have.
    CalibrationError
        A segment is too small, variables are collinear, or there is nothing to fit.
    """
    _check_equal(design, options)
    observed, n_capped, dollars_capped = _observe(design, costs, options)
    sums = add_up(design, observed, options.folds)
    solved = {
        number: _solve(design, number, sums[number], options)
        for number in np.unique(observed.segment).tolist()
    }
    nothing = [np.zeros(len(each.names)) for each in design.segments]
    factors, by_fold = nothing.copy(), [each[:, None] for each in nothing]
    for number, (_, of_segment, of_folds) in solved.items():
        factors[number], by_fold[number] = of_segment, of_folds
    predictions = look_again(design, observed, factors, by_fold)
    segments = {
        number: SegmentFit(
            design.segments[number], sums[number], factors[number], by_fold[number], ties,
            infer(
                factors[number], ties, sums[number].total()[0], predictions.scores[number],
                n_rows=sums[number].n_rows, n_members=sums[number].n_members,
            ),
        )
        for number, (ties, _, _) in solved.items()
    }  # fmt: skip
    return ModelFit(design, observed, segments, predictions, n_capped, dollars_capped)


def _check_equal(design: Design, options: CalibrationOptions) -> None:
    known = dict.fromkeys(name for segment in design.segments for name in segment.names)
    for name in (name for group in options.equal for name in group):
        if name not in known:
            raise OptionError(
                f"equal= names '{name}', which {design.plan.model.id} does not price{nearest(name, known)}."
            )


# --- which rows ------------------------------------------------------------------------------------------------------


def _observe(design: Design, costs: RowCosts, options: CalibrationOptions) -> tuple[Observed, int, float]:
    """Return the rows to fit with their folds, and what the cap cut off: rows, and dollars."""
    rows = rows_by_member(design.population, costs.usable)
    if not len(rows):
        raise CalibrationError(
            "no enrollment row has months to fit; give enrollment of the months of the costs."
        )
    segment = design.segment_of_rows(rows)
    is_large = _large_segments(design, rows, segment, options)[segment]
    rows, segment = rows[is_large], segment[is_large]
    cost, weight = costs.annualised(rows), costs.weight[rows]
    members = design.population.member_of_row[rows]
    generator = np.random.default_rng(options.seed)
    fold_of_member = generator.integers(max(options.folds, 1), size=int(members.max()) + 1)
    capped = cost if options.cost_cap is None else np.minimum(cost, options.cost_cap)
    if not capped.any():
        raise CalibrationError(
            "no enrollment row that can be fitted has any cost; check that the service dates of the costs lie in the "
            "months of the enrollment."
        )
    observed = Observed(rows, capped, weight, fold_of_member[members], segment)
    return observed, int((capped < cost).sum()), float(weight @ (cost - capped))


def _large_segments(
    design: Design, rows: Rows, segment: npt.NDArray[np.int32], options: CalibrationOptions
) -> npt.NDArray[np.bool_]:
    """Return which segments have members enough (bool, shape (n_segments,)).

    Raises
    ------
    CalibrationError
        Some that have members have too few, and they should not keep their starting factors; or all have too few.
    """
    members = design.population.member_of_row[rows].astype(np.int64)
    pairs = np.unique((segment.astype(np.int64) << 32) + members)
    n_members = np.bincount(pairs >> 32, minlength=len(design.segments))
    is_large = n_members >= max(options.min_segment_members, 1)
    small = np.flatnonzero(~is_large & (n_members > 0)).tolist()
    if small and (options.small_segments == "stop" or not is_large.any()):
        listed = ", ".join(f"{design.segments[number].name} {n_members[number]:,}" for number in small)
        what_to_do = (
            'give more members, lower min_segment_members, or pass small_segments="keep" to leave their factors as the '
            "starting model has them."
            if is_large.any()
            else "no segment has enough, so give more members or lower min_segment_members."
        )
        raise CalibrationError(
            f"segments with fewer than {options.min_segment_members:,} members: {listed}; {what_to_do}"
        )
    return is_large


# --- one segment -----------------------------------------------------------------------------------------------------


def _solve(
    design: Design, number: int, sums: NormalEquations, options: CalibrationOptions
) -> tuple[Ties, Floats, Floats]:
    """Return the ties, the factors, and the factors without each fold (shape (n_variables, n_folds))."""
    model, segment = design.plan.model, design.segments[number]
    ties = tie_variables(model, segment.names, sums.n_members_of_variable, options)
    a, b = sums.total()
    dependent = collinear(a, ties, segment.names)
    if dependent and options.collinear == "stop":
        raise CalibrationError(_collinear_words(segment.name, dependent))
    ties = without(ties, dependent, segment.names)
    ties, solution = _solve_pooling(model, segment.names, a, b, ties, options)
    if not options.folds:
        return solution.ties, solution.factors, solution.factors[:, None]
    folds = [_solve_fold(design, number, *sums.without(fold), ties, options) for fold in range(options.folds)]
    return solution.ties, solution.factors, np.column_stack(folds)


def _solve_pooling(
    model: ModelTables, names: Sequence[str], a: Floats, b: Floats, ties: Ties, options: CalibrationOptions
) -> tuple[Ties, Solution]:
    """Return the solution, and the ties it was found under.

    Every age and sex needs a factor: a demographic variable that would be negative shares that of its nearest cell.
    """
    while True:
        solution = solve(a, b, ties, inequalities(model, names, ties, options))
        pooled = pool_negative_cells(model, names, ties, solution.ties)
        if pooled is None:
            return ties, solution
        ties = pooled


def _solve_fold(
    design: Design, number: int, a: Floats, b: Floats, ties: Ties, options: CalibrationOptions
) -> Floats:
    """Return the factors without a fold; what the other folds cannot tell apart is held at zero."""
    model, names = design.plan.model, design.segments[number].names
    ties = without(ties, collinear(a, ties, names), names)
    return solve(a, b, ties, inequalities(model, names, ties, options)).factors


def _collinear_words(segment: str, dependent: Sequence[Dependence]) -> str:
    first = dependent[0]
    more = f" ({len(dependent) - 1:,} more like it)" if len(dependent) > 1 else ""
    return (
        f"segment {segment}: {first.name} is a sum of {', '.join(first.explained_by)} in these rows{more}, so that "
        'their factors cannot be told apart; tie them with equal=, raise min_members, or pass collinear="drop" to hold '
        f"{first.name} at zero."
    )
