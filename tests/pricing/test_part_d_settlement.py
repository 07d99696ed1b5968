"""Part D after the year: averages and settlements by hand, and a bid that comes out as expected owes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pricing.errors import InputError
from pricing.medicare.drug_projection import drug_experience
from pricing.medicare.part_d_bid import part_d_bids
from pricing.medicare.part_d_premiums import national_average_bid
from pricing.medicare.part_d_settlement import settle_part_d
from tests.pricing.part_d_plans import CLAIMS, DESIGNS, KINDS, PLANS

BIDS = {
    "plan_id": list("abcde"), "plan_type": ["pdp", "mapd", "snp", "msa", "cost"],
    "standardised_bid": [240.0, 200.0, 999.0, 999.0, 999.0], "enrollment": [3_000, 1_000, 9_000, 9_000, 9_000],
}  # fmt: skip


def test_national_average_leaves_out_plans_that_do_not_count():
    assert national_average_bid(BIDS) == pytest.approx(230.0)
    with pytest.raises(InputError, match="nobody is enrolled in a plan that counts; these do: pdp, mapd"):
        national_average_bid({**BIDS, "enrollment": [0, 0, 9, 9, 9]})


#: Gross 10,000 with concessions of a fifth; reinsurance 1,000; the plan paid 5,000; a target of 4,000.
ACTUAL = {
    "plan_id": ["a"], "gross_cost": [10_000.0], "plan_paid": [5_000.0], "gross_reinsurance": [1_000.0],
    "price_concessions": [2_000.0], "low_income_subsidy": [350.0], "prospective_reinsurance": [900.0],
    "prospective_low_income_subsidy": [300.0], "direct_subsidy": [3_500.0], "basic_premiums": [1_000.0],
    "administration": [500.0],
}  # fmt: skip


def settled(**changes: Any) -> dict[str, float]:
    return settle_part_d(ACTUAL | changes, payment_year=2026).plans.to_pylist()[0]


def test_settlement_by_hand():
    """Costs 5,000 - (2,000 - 200) = 3,200: 20 % below 4,000; the plan pays half of 5 points and 80 % of 10."""
    row = settled()
    assert (row["dir_ratio"], row["allowable_reinsurance"]) == pytest.approx((0.2, 800.0))
    assert (row["reinsurance_due"], row["low_income_due"]) == pytest.approx((-100.0, 50.0))
    assert (row["risk_corridor_costs"], row["target_amount"]) == pytest.approx((3_200.0, 4_000.0))
    assert row["risk_corridor"] == pytest.approx(-(0.5 * 200 + 0.8 * 400))
    assert row["settlement"] == pytest.approx(-100 + 50 - 420)


def test_chart_has_the_parts_and_the_settlement():
    (axes,) = settle_part_d(ACTUAL, payment_year=2026).plot().axes
    parts = [bar.get_width() for bar in axes.patches]
    assert sorted(parts) == pytest.approx([-420.0, -100.0, 50.0])
    totals = [x for line in axes.lines for x in line.get_xdata() if x != 0]
    assert totals == pytest.approx([-470.0])


def test_induced_utilization_of_enhanced_plans_is_taken_out():
    row = settled(plan_paid=[6_050.0], induced_utilization=[1.0625])
    assert row["risk_corridor_costs"] == pytest.approx(4_000.0)
    assert row["risk_corridor"] == 0.0


def test_a_year_that_comes_as_the_bid_has_it_owes_nothing():
    found = drug_experience(KINDS, claims=CLAIMS, designs=DESIGNS, payment_year=2026)
    bids = part_d_bids(PLANS, coverage=found, payment_year=2026)
    numbers, months = bids.numbers, np.array(KINDS["base_member_months"])
    assert (numbers["premium_before_demonstration"] < 0).any()  # then it is given back to members, not kept
    gain = numbers["basic_bid"] * bids.plans["margin_share"]
    cost = bids.coverage["allowed"]
    year = {
        "gross_cost": cost, "plan_paid": numbers["basic_cost"] + numbers["retained_dir"],
        "gross_reinsurance": numbers["gross_reinsurance"], "price_concessions": bids.plans["dir_share"] * cost,
        "low_income_subsidy": numbers["low_income_subsidy"], "prospective_reinsurance": numbers["reinsurance"],
        "prospective_low_income_subsidy": numbers["low_income_subsidy"], "direct_subsidy": numbers["direct_subsidy"],
        "basic_premiums": numbers["premium_before_demonstration"],
        "administration": numbers["basic_non_benefit"] + gain,
    }  # fmt: skip
    rows = {name: (values * months).tolist() for name, values in year.items()}
    after = settle_part_d({"plan_id": PLANS["plan_id"], **rows}, payment_year=2026).plans
    assert after["settlement"].to_pylist() == pytest.approx([0.0] * 3, abs=1e-6)
    assert after["risk_corridor_costs"].to_pylist() == pytest.approx(after["target_amount"].to_pylist())


def test_written(tmp_path: Any):
    found = settle_part_d(ACTUAL, payment_year=2026)
    found.write(tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "part_d_settlement.parquet").equals(found.plans)
    assert set(found.assumptions["verified"].to_pylist()) == {True}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price_concessions": [10_001.0]}, "price concessions above gross cost in 1 of 1 rows"),
        ({"administration": [4_500.0]}, "administration takes the whole direct subsidy and premium"),
        ({"induced_utilization": [0.9]}, "column 'induced_utilization': below 1"),
    ],
)
def test_impossible_years(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        settled(**changes)
