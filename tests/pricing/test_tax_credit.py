"""The premium tax credit by hand: 2025 (26 USC 36B(b)(3)(A)(iii)), 2026 and 2027 (Rev. Proc. 2025-25, 2026-26)."""

from __future__ import annotations

import numpy as np
import pytest

from pricing.aca import applicable_percentage, premium_tax_credit, second_lowest_premium
from pricing.errors import InputError, UnknownRateError


@pytest.mark.parametrize(
    ("year", "income", "share"),
    [
        (2025, 1.0, 0.0), (2025, 1.5, 0.0), (2025, 1.75, 0.01), (2025, 2.0, 0.02), (2025, 3.5, 0.0725),
        (2025, 4.0, 0.085), (2025, 9.0, 0.085), (2026, 1.0, 0.021), (2026, 1.3299, 0.021), (2026, 1.33, 0.0314),
        (2026, 1.5, 0.0419), (2026, 3.0, 0.0996), (2026, 4.0, 0.0996),
    ],
)  # fmt: skip
def test_share_of_income(year: int, income: float, share: float):
    assert float(applicable_percentage(income, benefit_year=year)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("year", "income", "percent"),
    [
        (2025, 3.33, 6.83),  # 6 + 2.5 x 0.33 = 6.825
        (2025, 2.13, 2.52),
        (2026, 1.75, 5.40),  # 4.19 + 2.41 / 2 = 5.395
        (2026, 1.40, 3.57),  # 3.14 + 1.05 x 7 / 17 = 3.5724
        (2026, 2.10, 6.97),  # 6.60 + 1.84 / 5 = 6.968
        (2027, 1.415, 3.77),  # 3.23 + 1.07 / 2 = 3.765
        (2027, 4.0, 10.22),
    ],
)  # fmt: skip
def test_share_of_income_is_a_whole_number_of_hundredths_of_a_percent(
    year: int, income: float, percent: float
):
    """26 CFR 1.36B-3(g)(1): linear, and rounded to the nearest one-hundredth of one percent."""
    assert float(applicable_percentage(income, benefit_year=year)) == pytest.approx(percent / 100, abs=1e-12)


@pytest.mark.parametrize(("year", "income"), [(2025, 0.99), (2026, 0.99), (2026, 4.0001)])
def test_incomes_without_a_credit(year: int, income: float):
    assert np.isnan(applicable_percentage(income, benefit_year=year))
    words = {"benchmark_premium": 500.0, "household_income": 15_000.0, "benefit_year": year}
    assert float(premium_tax_credit(400.0, income_to_poverty=income, **words)) == 0.0


def test_credit_is_the_benchmark_less_the_contribution_and_at_most_the_premium():
    """200 %, 2026: 6.60 % of 31,300 dollars is 2,065.80 a year, 172.15 a month."""
    words = {"household_income": 31_300.0, "income_to_poverty": 2.0, "benefit_year": 2026}
    found = premium_tax_credit([500.0, 300.0, 500.0], benchmark_premium=[480.0, 480.0, 150.0], **words)
    assert found.tolist() == [307.85, 300.0, 0.0]


def test_benchmark_plan():
    assert second_lowest_premium([510.0, 480.0, 495.0]) == 495.0
    assert second_lowest_premium([480.0, 480.0, 495.0]) == 480.0
    assert second_lowest_premium([480.0]) == 480.0


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="at least one silver plan"):
        second_lowest_premium([])
    with pytest.raises(InputError, match="cannot be negative"):
        applicable_percentage(-0.1, benefit_year=2026)
    with pytest.raises(InputError, match="premiums and incomes cannot be negative"):
        premium_tax_credit(
            -1.0, benchmark_premium=1.0, household_income=1.0, income_to_poverty=2.0, benefit_year=2026
        )
    with pytest.raises(UnknownRateError, match="no ptc_percentage_first for 2020; it is known for 2021-2027"):
        applicable_percentage(2.0, benefit_year=2020)
