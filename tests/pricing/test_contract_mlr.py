"""Loss ratios of Medicare contracts: 42 CFR 422.2410 and 422.2440 by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.errors import InputError
from pricing.medicare.contract_mlr import contract_loss_ratios

#: Ratios of 84, 80, 84 and 70 percent: fully credible, half way between 24,000 and 60,000 months, on a step, too small.
CONTRACTS = {
    "contract_id": ["H1", "H2", "H3", "H4"], "member_months": [500_000, 42_000, 180_000, 2_399],
    "incurred_claims": [83.0, 80.0, 84.0, 70.0], "quality_improvement": [1.0, 0.0, 0.0, 0.0],
    "revenue": [110.0, 100.0, 100.0, 100.0], "taxes_and_fees": [10.0, 0.0, 0.0, 0.0],
    "years_below_before": [4, 2, 3, 6],
}  # fmt: skip


def test_ratios_by_hand():
    rows = contract_loss_ratios(CONTRACTS, payment_year=2026).contracts.to_pylist()
    assert [row["preliminary"] for row in rows] == pytest.approx([0.84, 0.80, 0.84, 0.70])
    assert [row["credibility"] for row in rows] == pytest.approx([0.0, 0.0215, 0.010, 0.0])
    assert [row["remittance"] for row in rows] == pytest.approx([1.0, 2.85, 0.0, 0.0])
    assert [row["years_below"] for row in rows] == [5, 3, 0, 0]
    assert [row["sanction"] for row in rows] == ["termination", "no new enrollment", "", ""]
    assert [row["is_credible"] for row in rows] == [True, True, True, False]


def test_part_d_has_a_table_of_its_own():
    one = {name: values[1:2] for name, values in CONTRACTS.items()}
    found = contract_loss_ratios(one, payment_year=2026, part="part_d")
    # 42,000 months between 24,000 (3.7 points) and 48,000 (2.6).
    assert found.contracts["credibility"].to_pylist() == pytest.approx([0.037 - 0.011 * 0.75])
    assert {"mlr_standard", "mlr_credibility_part_d"} <= set(found.assumptions["parameter"].to_pylist())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"taxes_and_fees": [110.0, 0.0, 0.0, 0.0]}, "taxes_and_fees take the whole revenue in 1 of 4 rows"),
        ({"revenue": [0.0, 1.0, 1.0, 1.0]}, "column 'revenue': not above"),
        ({"contract_id": ["H1"] * 4}, "the same contract_id again"),
    ],
)
def test_impossible_contracts(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        contract_loss_ratios(CONTRACTS | changes, payment_year=2026)


def test_a_part_that_is_none():
    with pytest.raises(InputError, match="part 'part_x' is none of part_c, part_d"):
        contract_loss_ratios(CONTRACTS, payment_year=2026, part="part_x")
