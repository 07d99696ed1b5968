"""What cannot be priced is refused, in words: inputs whose refusal no other test looks at, each by one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricing import aca, benefits, contracts, experience, medicaid, medicare
from pricing.benefits.design import design_from_dict
from pricing.contracts.resampling import Pool
from pricing.contracts.terms import Benchmark
from pricing.errors import InputError, UnknownRateError
from pricing.medicare.smoothing import smoothed_payments
from pricing.parameters import load_rates

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
