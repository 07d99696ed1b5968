"""Weighted least squares under constraints, from the normal equations alone.

Minimise  1/2 f'Af - b'f  over the factors f, where A = X'WX, b = X'Wy,  f = S p  (ties)  and  G p >= 0  (inequalities).

The dual is a problem of non-negative least squares: with LL' = S'AS and multipliers m >= 0, minimise
|L^-1 (S'b + G'm)|; then p = (S'AS)^-1 (S'b + G'm). Inequalities that bind are then made ties, and the tied normal
equations are solved as they stand, so that bounds and orders hold exactly and not to a tolerance.

References
----------
.. [1] C. L. Lawson and R. J. Hanson, Solving Least Squares Problems, chapter 23.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.calibration.constraints import COLLINEAR, ZERO, Inequality, Ties, bound, rows_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: A column depends on others if they leave unexplained no more than this share of its length, squared.
_DEPENDENT = 1e-9
#: An inequality binds if its multiplier is above this share of the largest gradient.
_BINDS = 1e-12
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Solution:
    """Factors of one segment, and the ties under which they solve the normal equations.

    Attributes
    ----------
    factors : ndarray of float64, shape (n_variables,)
        [dollars a year]
    ties : Ties
        Those given, and the inequalities that bind.
    """

    factors: Floats
    ties: Ties


def solve(a: Floats, b: Floats, ties: Ties, constraints: Sequence[Inequality]) -> Solution:
    """Return the factors that fit best under the constraints.

    Parameters
    ----------
    a : ndarray of float64, shape (n_variables, n_variables)
        X'WX. [years]
    b : ndarray of float64, shape (n_variables,)
        X'Wy. [dollars]
    ties : Ties
        Without collinear parameters (see `collinear`).
    constraints : sequence of Inequality
        Between the parameters of `ties`.

    Returns
    -------
    Solution
    """
    s, g = ties.matrix(), rows_of(constraints, ties.n_parameters)
    binding = _binding(s.T @ a @ s, s.T @ b, g)
    while True:
        held = bound(ties, [constraints[number] for number in np.flatnonzero(binding).tolist()])
        parameters = _tied(a, b, held)
        factors = held.matrix() @ parameters
        broken = (g @ _parameters(factors, ties) < 0) & ~binding
        if not broken.any():
            return Solution(factors, held)
        binding |= broken


def _binding(a: Floats, b: Floats, g: Floats) -> Flags:
    """Return which inequalities bind at the optimum: those with a multiplier above zero."""
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    if not g.size or not b.any():
        return np.zeros(len(g), np.bool_)
    scale = 1.0 / np.sqrt(np.diag(a))
    low = cholesky(a * np.outer(scale, scale), lower=True)
    gradient = b * scale / np.abs(b * scale).max()
    multipliers, _ = nnls(
        solve_triangular(low, (g * scale).T, lower=True) / np.abs(g * scale).max(),
        -solve_triangular(low, gradient, lower=True),
        maxiter=30 * len(g),
    )
    binds: Flags = multipliers > _BINDS
    return binds


def _tied(a: Floats, b: Floats, ties: Ties) -> Floats:
    """Return the parameters that solve the tied normal equations."""
    s = ties.matrix()
    return np.asarray(np.linalg.solve(s.T @ a @ s, s.T @ b), np.float64)


def _parameters(factors: Floats, ties: Ties) -> Floats:
    """Return the parameters of ties that are looser than those that the factors came from."""
    result: Floats = np.zeros(ties.n_parameters)
    free = ties.parameter != ZERO
    result[ties.parameter[free]] = factors[free]
    return result


@dataclass(frozen=True)
class Dependence:
    """One parameter that others before it explain wholly, by variable names; nothing explains one that is never on."""

    name: str
    explained_by: tuple[str, ...]


def collinear(a: Floats, ties: Ties, names: Sequence[str]) -> list[Dependence]:
    """Return every parameter that is a combination of parameters before it.

    Parameters
    ----------
    a : ndarray of float64, shape (n_variables, n_variables)
        X'WX.
    ties : Ties
    names : sequence of str, length n_variables
    """
    s = ties.matrix()
    reduced = s.T @ a @ s
    length = np.sqrt(np.diag(reduced))
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    reduced = reduced * np.outer(scale, scale)
    first_name = [names[int(np.flatnonzero(ties.parameter == number)[0])] for number in range(len(reduced))]
    kept: list[int] = []
    found = []
    for number in range(len(reduced)):
        across = reduced[kept, number]
        weights = np.linalg.solve(reduced[np.ix_(kept, kept)], across)
        if reduced[number, number] - across @ weights > _DEPENDENT:
            kept.append(number)
            continue
        explained = [first_name[kept[k]] for k in np.flatnonzero(np.abs(weights) > _NEGLIGIBLE)]
        found.append(Dependence(first_name[number], tuple(explained)))
    return found


def without(ties: Ties, dependent: Sequence[Dependence], names: Sequence[str]) -> Ties:
    """Return the ties with the dependent parameters held at zero."""
    parameters = [int(ties.parameter[names.index(each.name)]) for each in dependent]
    held = np.flatnonzero(np.isin(ties.parameter, parameters))
    return ties.joined([(number, ZERO) for number in parameters]).said(COLLINEAR, held)
