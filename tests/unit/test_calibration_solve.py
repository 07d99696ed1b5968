"""The solver of constrained least squares: optimal, exact at its bounds, and outspoken about collinear columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, nnls

from riskadj.calibration.constraints import ZERO, Inequality, Ties, bound, rows_of
from riskadj.calibration.pooling import partner_of
from riskadj.calibration.solve import collinear, solve, without
from riskadj.tables.model import load_model
from tests.members import TOY_MAPS

TOY = load_model("toy_hcc_v1", payment_year=2099, maps_dir=TOY_MAPS)


def problem(seed: int, p: int) -> tuple[np.ndarray, np.ndarray, list[Inequality]]:
    """Return A and b of random data whose best factors break many of the random inequalities."""
    generator = np.random.default_rng(seed)
    x = (generator.random((20 * p, p)) < 0.4).astype(float)
    x[:p] += np.eye(p)
    y = x @ generator.normal(200, 900, p) + generator.normal(0, 100, len(x))
    weight = generator.random(len(x)) + 0.1
    order = generator.permutation(p)
    chains = [(int(above), int(below)) for above, below in pairwise(order) if generator.random() < 0.6]
    chains += [(int(order[0]), int(order[-1]))] if p > 2 else []
    bounds = [(number, ZERO) for number in range(p)]
    return (x.T * weight) @ x, (x.T * weight) @ y, [*chains, *bounds]


@given(seed=st.integers(0, 10**6), p=st.integers(1, 12))
def test_solution_meets_the_conditions_of_karush_kuhn_and_tucker(seed: int, p: int) -> None:
    """Feasible; and the gradient is a combination, with multipliers of zero or more, of the constraints that bind."""
    a, b, constraints = problem(seed, p)
    factors = solve(a, b, Ties.free(p), constraints).factors
    g = rows_of(constraints, p)
    assert (g @ factors >= 0).all()
    gradient = a @ factors - b
    _, left_over = (
        nnls(g[g @ factors == 0].T, gradient) if (g @ factors == 0).any() else (0, np.abs(gradient).max())
    )
    assert left_over <= 1e-8 * np.abs(b).max()


@given(seed=st.integers(0, 10**6), p=st.integers(1, 10))
def test_bounds_alone_give_what_scipy_gives(seed: int, p: int) -> None:
    a, b, constraints = problem(seed, p)
    low = np.linalg.cholesky(a)
    expected = lsq_linear(low.T, np.linalg.solve(low, b), bounds=(0, np.inf), tol=1e-14, method="bvls").x
    factors = solve(a, b, Ties.free(p), [each for each in constraints if each[1] == ZERO]).factors
    np.testing.assert_allclose(factors, expected, atol=1e-6 * np.abs(expected).max(initial=1))


def test_two_means_by_hand() -> None:
    """Two groups of 1 and 3 years cost 10 and 30; ordered the other way they share the mean, 25."""
    a, b = np.diag([1.0, 3.0]), np.array([10.0, 90.0])
    assert solve(a, b, Ties.free(2), [(1, 0)]).factors.tolist() == [10.0, 30.0]
    held = solve(a, b, Ties.free(2), [(0, 1)])
    assert held.factors.tolist() == [25.0, 25.0]
    assert held.ties.status == ("equal: hierarchy order binds",) * 2
    assert solve(a, b, Ties.free(2).joined([(0, 1)]), []).factors.tolist() == [25.0, 25.0]


def test_negative_mean_is_held_at_zero() -> None:
    held = solve(np.diag([2.0, 1.0]), np.array([-4.0, 5.0]), Ties.free(2), [(0, ZERO), (1, ZERO)])
    assert held.factors.tolist() == [0.0, 5.0]
    assert held.ties.status == ("zero: would be negative", "estimated")


def test_no_costs_at_all_give_zeros() -> None:
    assert solve(np.eye(2), np.zeros(2), Ties.free(2), [(0, ZERO), (1, 0)]).factors.tolist() == [0.0, 0.0]


def test_ties_are_joined_through_chains_and_zero() -> None:
    ties = Ties.free(5).joined([(0, 1), (1, 2)])
    assert ties.parameter.tolist() == [0, 0, 0, 1, 2]
    assert ties.joined([(1, ZERO)]).parameter.tolist() == [0, 0, 0, ZERO, 1]
    assert ties.joined([(0, 1), (1, ZERO)]).parameter.tolist() == [ZERO, ZERO, ZERO, ZERO, 0]
    assert bound(ties, [(2, ZERO), (1, 2)]).parameter.tolist() == [0, 0, 0, ZERO, ZERO]


def test_collinear_columns_are_named() -> None:
    """The third column is the sum of the first two; the last is never on."""
    x = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 1, 1, 0]])
    names = ["F", "M", "ALL", "NEVER"]
    found = collinear(x.T @ x, Ties.free(4), names)
    assert [(each.name, each.explained_by) for each in found] == [("ALL", ("F", "M")), ("NEVER", ())]
    ties = without(Ties.free(4), found, names)
    assert ties.parameter.tolist() == [0, 1, ZERO, ZERO]
    assert ties.status[2] == "zero: collinear"


def test_nearly_collinear_columns_are_let_be() -> None:
    x = np.vstack([np.tile([[1.0, 1.0]], (10_000, 1)), [[1.0, 0.0]]])
    assert collinear(x.T @ x, Ties.free(2), ["A", "B"]) == []


@pytest.mark.parametrize(
    ("rare", "common", "partner"),
    [
        ("HCC1", ["HCC2", "HCC3"], "HCC2"),  # the HCC that it drops
        ("HCC9", ["HCC6", "HCC8"], "HCC8"),  # the nearest that drops it
        ("HCC6", ["HCC9", "HCC8"], "HCC8"),
        ("HCC5", ["HCC1"], None),
        ("F0_64", ["M0_64", "F65_GT"], "F65_GT"),  # the same sex
        ("F0_64", ["M0_64", "M65_GT", "LTIMCAID"], "M0_64"),
        ("ORIG_F", ["F65_GT", "ORIG_M"], "ORIG_M"),
        ("LTIMCAID", ["F0_64"], None),
        ("N4P", ["N3"], "N3"),
        ("gHEART_HCC5", ["HCC5", "HCC6"], None),
    ],
)
def test_rare_variables_have_partners(rare: str, common: list[str], partner: str | None) -> None:
    assert partner_of(TOY, rare, common) == partner
