"""The solver of constrained least squares: optimal, exact at its bounds, and outspoken about collinear columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, nnls

from riskadj.calibration.constraints import ZERO, Inequality, Ties, bound, rows_of, tie_variables
from riskadj.calibration.options import CalibrationOptions
from riskadj.calibration.pooling import relatives_of
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


SHORE = ["F65_GT", "M65_GT", "ORIG_F", "ORIG_M", "HCC1", "HCC2", "HCC3", "HCC5", "HCC6", "HCC7", "HCC8", "HCC9", "N3",
         "N4P", "gHEART_HCC5"]  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "relatives"),
    [
        ("HCC2", ["HCC3", "HCC1"]),  # what it drops, then what drops it
        ("HCC9", ["HCC8", "HCC7", "HCC6"]),
        ("HCC5", []),
        ("F65_GT", ["M65_GT"]),  # never what is added to a cell
        ("ORIG_F", ["ORIG_M"]),
        ("N4P", ["N3"]),
        ("gHEART_HCC5", []),
    ],
)
def test_relatives_of_variables(variable: str, relatives: list[str]) -> None:
    assert relatives_of(TOY, SHORE)[variable] == relatives


def test_relatives_of_cells_differ_in_age_first() -> None:
    """Cells of new enrollees test other fields below 65 than from 65 on, and are cells all the same."""
    names = ["NEW_F0_64", "NEW_F65_GT", "NEW_M0_64", "NEW_M65_GT", "NEW_MCAID"]
    assert relatives_of(TOY, names)["NEW_MCAID"] == []
    assert set(relatives_of(TOY, names)["NEW_F0_64"]) == set(names[1:4])
    real = load_model("cms_hcc_v28", payment_year=2026)
    priced = [row["variable"] for row in real.records("relative_factors") if row["segment"] == "NE"]
    cells = relatives_of(real, priced)["NMCAID_NORIGDIS_NEF55_59"]
    assert cells[0] in ("NMCAID_NORIGDIS_NEF45_54", "NMCAID_NORIGDIS_NEF60_64")
    assert len(cells) == len(priced) - 1
    ins = [
        row["variable"]
        for row in real.records("relative_factors")
        if row["segment"] == "INS" and float(row["factor"])
    ]
    assert not {"LTIMCAID", "F65_69"} & set(relatives_of(real, ins)["LTIMCAID"])
    assert "LTIMCAID" not in relatives_of(real, ins)["F65_69"]


def tied(n_members: dict[str, int], **options: object) -> dict[str, str]:
    names = list(n_members)
    chosen = CalibrationOptions(min_members=10, **options)  # type: ignore[arg-type]
    ties = tie_variables(TOY, names, np.array(list(n_members.values())), chosen)
    return {
        name: f"{parameter} {status}"
        for name, parameter, status in zip(names, ties.parameter, ties.status, strict=True)
    }


def test_rare_variables_join_until_they_are_common() -> None:
    n_members = {
        "HCC1": 4,
        "HCC2": 5,
        "HCC3": 6,
        "HCC5": 3,
        "HCC6": 50,
        "HCC9": 0,
        "F65_GT": 9,
        "M65_GT": 0,
        "N3": 10,
    }
    assert tied(n_members) == {
        "HCC1": "0 pooled: rare, shares the factor of HCC2",
        "HCC2": "0 pooled: rare, shares the factor of HCC1",
        "HCC3": "0 pooled: rare, shares the factor of HCC2",
        "HCC5": "-1 zero: rare",
        "HCC6": "1 estimated",
        "HCC9": "1 pooled: rare, shares the factor of HCC6",
        "F65_GT": "2 pooled: rare, shares the factor of M65_GT",  # still rare, but somebody has it
        "M65_GT": "2 pooled: rare, shares the factor of F65_GT",
        "N3": "3 estimated",
    }
    zero = tied(n_members, rare="zero")
    assert zero["HCC1"] == zero["HCC9"] == "-1 zero: rare"
    assert zero["M65_GT"].endswith("shares the factor of F65_GT")
    assert tied({"F65_GT": 0, "M65_GT": 0})["F65_GT"].startswith("-1")
