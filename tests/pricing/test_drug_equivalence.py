"""Actuarial equivalence of Part D designs by hand, and the subsidies of low and the amounts of high incomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pricing.errors import InputError
from pricing.medicare.drug_designs import DrugDesign, DrugTier
from pricing.medicare.equivalence import drug_equivalence
from pricing.medicare.low_income import income_related_amount, low_income_benchmark, low_income_premium

#: Two enrollees: 1,015 dollars of generics in two claims, and 3,015 dollars of one brand drug in three.
CLAIMS = {
    "enrollee_id": ["a", "a", "b", "b", "b"],
    "tier": ["1", "1", "3", "3", "3"],
    "gross_cost": [615.0, 400.0, 615.0, 1200.0, 1200.0],
    "is_applicable": [False, False, True, True, True],
}


def results_of(design: DrugDesign, claims: Any = CLAIMS, **options: Any) -> dict[str, dict[str, Any]]:
    found = drug_equivalence(claims, design=design, payment_year=2026, **options)
    return {row["test"]: row for row in found.table().to_pylist()}


def by_tier(kind: str, first: DrugTier, third: DrugTier, deductible: float | None = None) -> DrugDesign:
    return DrugDesign("own", kind, deductible, {"1": first, "3": third})


def test_the_standard_is_equivalent_to_itself():
    found = drug_equivalence(CLAIMS, design=DrugDesign("s"), payment_year=2026)
    assert found.is_met
    assert found.supplemental_value == 0.0


def test_average_cost_sharing_of_tiers_by_hand():
    """400 dollars at 10 % and 2,400 at 27.5 %: 700 of 2,800 is a quarter; at 28 % it is more."""
    name = "average cost sharing between deductible and threshold"
    equal = results_of(by_tier("actuarially_equivalent", DrugTier(0, 0.10), DrugTier(0, 0.275)))
    assert equal[name]["value"] == pytest.approx(0.25)
    assert all(row["is_met"] for row in equal.values())
    dear = results_of(by_tier("actuarially_equivalent", DrugTier(0, 0.10), DrugTier(0, 0.28)))
    assert dear[name]["value"] == pytest.approx(712 / 2800)
    assert not dear[name]["is_met"]
    assert not dear["value of total coverage"]["is_met"]


def test_values_by_hand():
    """Standard: enrollees pay 615 + 100 and 615 + 600; a deductible of 515 and 30 %: 515 + 150 and 515 + 750."""
    found = results_of(by_tier("basic_alternative", DrugTier(0, 0.3), DrugTier(0, 0.3), 515.0))
    total = found["value of total coverage"]
    assert total["limit"] == pytest.approx((4030 - 1930) / 2)
    # Costs above 515: 500 and 2,500 at 30 percent.
    assert total["value"] == pytest.approx((4030 - (515 + 150) - (515 + 750)) / 2)
    assert total["is_met"]
    assert found["basic: worth no more than the standard"]["is_met"]


def test_reinsurance_is_no_unsubsidized_value():
    rich = CLAIMS | {"gross_cost": [615.0, 400.0, 615.0, 1200.0, 9740.0]}
    found = results_of(DrugDesign("s"), rich)
    # b: 11,555 gross: 5,000 above 6,555, of which Medicare reinsures a fifth.
    assert found["value of total coverage"]["value"] == pytest.approx((1015 - 715 + 11_555 - 2100) / 2)
    assert found["unsubsidized value"]["value"] == pytest.approx((1015 - 715 + 11_555 - 2100 - 1000) / 2)


def test_payment_where_cost_equals_the_threshold():
    """(2,100 - 615) x 75 %; without deductible half of every cost is more, a deductible and 60 % is less."""
    name = "payment where cost equals the threshold"
    assert results_of(DrugDesign("s"))[name]["value"] == pytest.approx(1485 * 0.75)
    half = results_of(by_tier("basic_alternative", DrugTier(0, 0.5), DrugTier(0, 0.5), 0.0))[name]
    assert (half["value"], half["is_met"]) == (pytest.approx(1050.0), False)
    copay = results_of(by_tier("enhanced", DrugTier(10.0), DrugTier(10.0), 0.0))[name]
    # Two claims of a scaled to 2,100 / 1,015 scripts each, three of b to 2,100 / 3,015.
    paid = (20 * 2100 / 1015 + 30 * 2100 / 3015) / 2
    assert copay["value"] == pytest.approx(2100 - paid)


def test_enhanced_must_be_worth_more_and_basic_may_not():
    zero = by_tier("enhanced", DrugTier(5.0), DrugTier(40.0), 0.0)
    assert all(row["is_met"] for row in results_of(zero).values())
    basic = by_tier("basic_alternative", DrugTier(5.0), DrugTier(40.0), 0.0)
    assert not results_of(basic)["basic: worth no more than the standard"]["is_met"]
    same = by_tier("enhanced", DrugTier(0, 0.25), DrugTier(0, 0.25))
    assert not results_of(same)["enhanced: worth more than the standard"]["is_met"]
    assert drug_equivalence(CLAIMS, design=zero, payment_year=2026).supplemental_value > 0


def test_tolerance_is_the_callers():
    close = by_tier("actuarially_equivalent", DrugTier(0, 0.10), DrugTier(0, 0.276))
    name = "average cost sharing between deductible and threshold"
    assert not results_of(close)[name]["is_met"]
    assert results_of(close, tolerance=0.01)[name]["is_met"]


@pytest.mark.parametrize(
    ("year", "amounts"),
    [(2025, [0.0, 13.70, 35.30, 57.00, 78.60, 85.80]), (2026, [0.0, 14.50, 37.50, 60.40, 83.30, 91.00])],
)
def test_published_income_related_amounts(year: int, amounts: list[float]):
    """CMS's fact sheets on Medicare premiums of 2025 and 2026."""
    assert [income_related_amount(bracket, payment_year=year) for bracket in range(6)] == amounts
    with pytest.raises(InputError, match="income bracket 6 does not exist; there are 0 to 5"):
        income_related_amount(6, payment_year=year)


REGION = {
    "plan_id": ["a", "b", "c"], "basic_premium": [30.0, 50.0, 10.0], "low_income_enrollment": [300, 100, 0],
    "is_stand_alone": [False, True, False],
}  # fmt: skip


def test_low_income_benchmark():
    assert low_income_benchmark({**REGION, "is_stand_alone": [False] * 3}) == pytest.approx(35.0)
    assert low_income_benchmark(REGION) == 50.0  # at least the lowest stand-alone plan's
    with pytest.raises(InputError, match="nobody with low income"):
        low_income_benchmark({**REGION, "low_income_enrollment": [0, 0, 0]})


def test_premium_subsidy_and_de_minimis():
    subsidy, left = low_income_premium(
        [30.0, 37.0, 37.0, 37.01], benchmark=35.0, waives=[True, True, False, True], payment_year=2026
    )
    assert subsidy.tolist() == [30.0, 35.0, 35.0, 35.0]
    assert left == pytest.approx(np.array([0.0, 0.0, 2.0, 2.01]))
    # 33.13 less 31.13 is 2.0000000000000036 in floating point, and two dollars.
    assert low_income_premium(33.13, benchmark=31.13, waives=True, payment_year=2026)[1] == 0.0
    for premium, benchmark in ((-1.0, 35.0), (float("nan"), 35.0), (30.0, float("nan"))):
        with pytest.raises(InputError, match="cannot be negative or missing"):
            low_income_premium(premium, benchmark=benchmark, payment_year=2026)
