"""Regional benchmarks, medical savings accounts, optional supplemental packages: worked by hand."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from pricing.errors import InputError
from pricing.medicare.medical_savings import savings_deposits, savings_payment
from pricing.medicare.optional_packages import optional_benefits
from pricing.medicare.regional import regional_benchmark

REGION = {
    "county_code": ["1", "2", "3"],
    "rate": [900.0, 1000.0, 1200.0],
    "eligibles": [60_000, 30_000, 10_000],
}
BIDS = {"plan_id": ["R1", "R2"], "standardised_bid": [800.0, 950.0], "enrollment": [3_000, 1_000]}


def test_regional_benchmark_by_hand():
    """Counties: 540 + 300 + 120 = 960; plans: 600 + 237.50 = 837.50; half of each nearly: .46 and .54."""
    found = regional_benchmark(REGION, bids=BIDS, statutory_share=0.46)
    assert (found.statutory_amount, found.average_bid) == pytest.approx((960.0, 837.5))
    assert found.benchmark == pytest.approx(0.46 * 960 + 0.54 * 837.5)
    assert sum(found.table()["contribution"].to_pylist()) == pytest.approx(found.benchmark)


def test_plans_of_a_new_region_weigh_the_same():
    found = regional_benchmark(REGION, bids={**BIDS, "enrollment": [0, 0]}, statutory_share=0.0)
    assert found.benchmark == pytest.approx(875.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"statutory_share": 46.0}, "share of those who may join"),
        ({"counties": {**REGION, "eligibles": [0, 0, 0]}}, "nobody may join"),
        ({"counties": {**REGION, "rate": [900.0, -1.0, 1.0]}}, "column 'rate': not above"),
        ({"bids": {**BIDS, "plan_id": ["R1", "R1"]}}, "the same plan_id again"),
    ],
)
def test_impossible_regions(changes: dict[str, Any], message: str):
    given = {"counties": REGION, "bids": BIDS, "statutory_share": 0.46} | changes
    with pytest.raises(InputError, match=message):
        regional_benchmark(given.pop("counties"), **given)


AREA = {"county_code": ["1", "2"], "member_months": [60, 12], "rate": [1000.0, 1100.0]}


def test_savings_accounts_by_hand():
    """A premium of 800: 200 and 300 a month are saved; the plan is paid the rate at the score less those."""
    found = savings_deposits(AREA, msa_premium=800.0)
    assert found["deposit"].to_pylist() == pytest.approx([2400.0, 3600.0])
    paid = savings_payment(rate=[1000.0, 1100.0], risk_score=[1.0, 1.2], deposit=found["deposit"].to_pylist())
    assert paid.tolist() == pytest.approx([800.0, 1320.0 - 300.0])
    with pytest.raises(InputError, match=r"a rate below the premium of 1,050.00 in 1 of 2 rows"):
        savings_deposits(AREA, msa_premium=1050.0)
    with pytest.raises(InputError, match="must be above 0"):
        savings_deposits(AREA, msa_premium=0.0)
    for rate in (-1.0, float("nan")):
        with pytest.raises(InputError, match="cannot be negative or missing"):
            savings_payment(rate=rate, risk_score=1.0, deposit=0.0)


PACKAGES = {
    "plan_id": ["H1-001", "H1-001", "H2-001"], "package_id": ["dental", "vision", "dental"],
    "member_months": [1000, 500, 100], "allowed": [30.0, 8.0, 25.0], "cost_sharing": [6.0, 0.0, 5.0],
    "non_benefit": [3.0, 1.0, 9.0], "margin_share": [0.10, 0.02, 0.05],
}  # fmt: skip


def test_optional_packages_by_hand(tmp_path: Any):
    found = optional_benefits(PACKAGES, payment_year=2026)
    assert found.numbers["required_premium"] == pytest.approx([30.0, 9 / 0.98, 29 / 0.95])
    assert found.numbers["premium"].tolist() == [30.0, 9.2, 30.5]
    assert found.numbers["gain"] == pytest.approx([3.0, 0.2, 1.5])
    rows = {(row["plan_id"], row["check"]): row for row in found.checks.to_pylist()}
    margin = rows["H1", "margin of optional benefits"]
    assert margin["value"] == pytest.approx((3000 + 100) / (30_000 + 4600))
    retention = rows["H2", "retention of optional benefits"]
    assert (retention["value"], retention["is_flagged"]) == (pytest.approx(10.5 / 30.5), True)
    assert not rows["H1", "retention of optional benefits"]["is_flagged"]
    found.write(tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "optional_benefits.parquet").num_rows == 3
    assert not any(found.assumptions["verified"].to_pylist())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cost_sharing": [31.0, 0.0, 0.0]}, "cost sharing above the cost in 1 of 3 rows"),
        ({"margin_share": [1.0, 0.0, 0.0]}, "100 percent of premium or more in 1 of 3"),
        ({"package_id": ["dental"] * 3}, "the same plan_id, package_id again"),
    ],
)
def test_impossible_packages(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        optional_benefits(PACKAGES | changes, payment_year=2026)
