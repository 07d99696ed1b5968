"""What cannot be priced is refused, in words: inputs whose refusal no other test looks at, each by one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricing import aca, benefits, contracts, experience, medicaid, medicare
from pricing.benefits.design import design_from_dict
from pricing.contracts.resampling import Pool
from pricing.contracts.terms import Benchmark
from pricing.errors import InputError, UnknownRateError
from pricing.medicare.smoothing import smoothed_payments
from pricing.parameters import COLUMNS, load_rates
from pricing.revenue import read_settlements
from pricing.revenue.distributions import correlated
from riskadj.errors import RiskAdjError

LOSS_RATIO = {
    "numerator": 80.0, "denominator": 100.0, "life_years": 10_000.0, "average_deductible": 500.0, "premium": 100.0,
    "market": "individual", "reporting_year": 2024,
}  # fmt: skip
MEMBER = {"member_id": ["a"], "amount": [1.0], "member_months": [1.0], "risk_score": [1.0], "region": ["x"]}
PANEL = {"member_id": ["a", "b"], "provider_id": ["A", "A"], "period": [2025, 2025], "member_months": [12.0, 12.0],
         "amount": [0.0, 0.0]}  # fmt: skip
CLAIMS = {
    "claim_id": ["1"], "claim_line_number": [1], "member_id": ["a"], "service_date": ["2025-01-05"],
    "service_category": ["inpatient"], "allowed_amount": [10.0], "units": [1.0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aca.high_cost_pool({"issuer_id": ["2"], "paid_amount": [1.0]}, {"issuer_id": ["1"], "premium": [1.0]},
                                    benefit_year=2025), "an issuer_id that premiums lacks in 1 of 1 rows"),
        (lambda: aca.loss_ratio(**LOSS_RATIO | {"numerator": -1.0}), "cannot be negative"),
        (lambda: aca.rating_rules("MA"), r"rating rules need benefit_year= or rates=\."),
        (lambda: aca.applicable_percentage([1.5, -0.1], benefit_year=2025), "poverty line cannot be negative"),
        (lambda: aca.aca_risk_corridor(85.0, 0.0, benefit_year=2015), "needs a target above 0"),
        (lambda: experience.buhlmann([[1.0, np.nan], [1.0, 2.0]]), "buhlmann needs every cell"),
        (lambda: experience.actual_to_expected(MEMBER, by="regoin"), "members lacks 'regoin'; it has: .*region"),
        (lambda: experience.actual_to_expected(MEMBER, by="amount", bands={"amount": [2, 1]}), "edges that rise"),
        (lambda: medicaid.capitation_rates({"rate_cell": ["a"], "base_pmpm": [1.0]}, {"rate_cell": [], "units": []},
                                           rating_year=2026, trend_months=12.0), "rate cells has no rows"),
        (lambda: medicare.low_income_premium(-1.0, benchmark=35.0, payment_year=2026), "cannot be negative"),
        (lambda: medicare.savings_payment(rate=1.0, risk_score=-1.0, deposit=0.0), "cannot be negative"),
        (lambda: medicare.defined_standard(np.inf, payment_year=2026), "must be finite and not negative"),
        (lambda: medicare.late_enrollment_penalty(-1, payment_year=2025), "months without coverage cannot be"),
        (lambda: smoothed_payments([[-1.0] * 12], payment_year=2026), "must be finite and not negative"),
        (lambda: contracts.attribute({"member_id": ["a"]}, methods=("assigned",)), "lacks 'assigned_provider_id'"),
        (lambda: contracts.attribute({"member_id": ["a"]}, methods=("plurality",)), "'plurality' needs visits"),
        (lambda: contracts.read_panel(PANEL | {"period": [2025.5, 2025.0]}), "column 'period': no whole year in 1"),
        (lambda: contracts.read_panel(PANEL | {"sex": ["F", "X"]}), "column 'sex': neither F nor M in 1 of 2"),
        (lambda: Pool.of(contracts.read_panel(PANEL), Benchmark(), period=2025), "chance needs two members at least"),
        (lambda: benefits.read_claims(CLAIMS | {"units": [1e12]}), "column 'units': no number of that size in 1 of 1"),
        (lambda: benefits.read_claims(CLAIMS | {"claim_line_number": [1 << 40]}), "'claim_line_number': no number of"),
        (lambda: design_from_dict("gold"), "plan is no table; give its limits"),
        (lambda: benefits.adjudicate(CLAIMS, benefits.PlanDesign("p")).lines, "call adjudicate with keep_lines=True"),
        (lambda: benefits.compare([benefits.PlanDesign("p")] * 2, CLAIMS), "need different names; given: p, p"),
    ],
)  # fmt: skip
def test_what_cannot_be_priced_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_a_program_without_rates_is_named_with_those_that_have_some() -> None:
    with pytest.raises(UnknownRateError, match=r"no rates for program 'chip'; known: aca, .*medicare"):
        load_rates("chip", 2026)


def test_a_negative_number_of_draws_is_refused() -> None:
    enrollees = {
        "state": ["CA"], "market": ["individual"], "issuer_id": ["1"], "plan_id": ["1"], "rating_area": ["1"],
        "metal_level": ["silver"], "age_years": [40], "months_enrolled": [12.0], "payment_risk_score": [1.0],
        "premium_pmpm": [500.0],
    }  # fmt: skip
    for options in ({"draws": -1}, {"seed": -1}):
        with pytest.raises(InputError, match="draws and seed must be 0 or more"):
            aca.simulate(enrollees, [], benefit_year=2026, **options)


HEADER = ",".join(COLUMNS) + "\n"
ROW = "part_d_deductible,,2028,2028,660,dollars a year,plan,memo,no\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameter,value\n", "own.csv: columns must be parameter, key, first_year, last_year, value"),
        (f"{HEADER}part_d_deductible,,2028\n", "own.csv, line 2: not the 9 cells of the header"),
        (
            f"{HEADER}{ROW.replace('2028,2028', '2028,soon')}",
            "line 2: first_year and last_year must be years",
        ),
        (f"{HEADER}{ROW.replace('2028,2028', '2028,2027')}", "line 2: last_year is before first_year"),
        (f"{HEADER}{ROW.replace('660', 'many')}", "line 2: 'many' is no number"),
        (f"{HEADER}{ROW.replace('660', 'Infinity')}", "line 2: 'Infinity' is no finite number"),
        (f"{HEADER}{ROW.replace(',no', ',perhaps')}", "line 2: verified must be yes or no"),
        (f"{HEADER}{ROW}{ROW}", "own.csv: part_d_deductible has two values for 2028"),
    ],
)
def test_parameters_of_ones_own_that_cannot_be_read(text: str, message: str, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(RiskAdjError, match=message):
        load_rates("medicare", 2028, overrides=own)


def test_a_file_of_parameters_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(InputError, match=rf"{path.name} cannot be read: "):
            load_rates("medicare", 2028, overrides=path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("high_cost = 1\n", r"write \[high_cost\.MARKET\] tables"),
        ("[high_cost]\nindividual = 1\n", r"high_cost\.individual is no table"),
        ("[high_cost.individual]\npayment = 1.0\n", r"high_cost\.individual lacks 'charge_rate'"),
        ("[high_cost.individual\n", "is not TOML: "),
    ],
)
def test_settlements_that_cannot_be_read(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "settlements.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_settlements(path)


def test_correlations_that_contradict_one_another_are_refused() -> None:
    """The first moves with both others, which move against each other."""
    contradictory = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]])
    with pytest.raises(InputError, match="the correlations contradict one another"):
        correlated(np.full((2, 3), 0.5), contradictory)
