"""Bids from base experience to premium: one by hand, many against a naive twin, and what CMS's checks flag."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pricing.errors import InputError
from pricing.medicare.bid import bid_result
from pricing.medicare.bid_worksheets import USES, BidFlow, bid_flow
from pricing.parameters import load_rates
from tests.pricing.bids import HAND, random_bids
from tests.pricing.naive_bids import naive_bid


def flow_of(tables: dict[str, Any], **options: Any) -> BidFlow:
    rest = {name: table for name, table in tables.items() if name != "plans"}
    return bid_flow(tables["plans"], **rest, payment_year=2026, **options)


def changed(table: str, **columns: Any) -> dict[str, Any]:
    tables = deepcopy(HAND)
    tables[table] |= columns
    return tables


def number(flow: BidFlow, name: str) -> float:
    return float(flow.numbers[name][0])


def test_a_bid_worked_by_hand():
    flow = flow_of(HAND)
    # Inpatient 255 x 12,600 / 12,000 = 267.75; professional 600; dental 20.
    assert flow.lines["allowed"] == pytest.approx([267.75, 600.0, 20.0])
    assert flow.lines["cost_sharing"] == pytest.approx([13.3875, 50 / 3, 10.0])
    assert number(flow, "covered_net") == pytest.approx(246.33 + 480.0)
    reduction = 21.42 - 13.3875 + 120 - 50 / 3
    assert number(flow, "cost_sharing_reduction") == pytest.approx(reduction)
    medical = reduction + 10.0
    expense = 80 * 726.33 / (726.33 + medical)
    bid = (726.33 + expense) / 0.96
    assert number(flow, "covered_revenue") == pytest.approx(bid)
    assert number(flow, "required_revenue") == pytest.approx((726.33 + medical + 80) / 0.96)
    assert number(flow, "total_margin_share") == pytest.approx(0.04)
    assert number(flow, "standardised_benchmark") == 1025.0
    rebate = (1025 * 1.1 - bid) * 0.65
    assert number(flow, "rebate") == pytest.approx(rebate)
    supplemental = (medical + 80 - expense) / 0.96
    # 194.6 dollars: all of supplemental benefits, Part D's 30 and Part B's 15 dollars; the rest is left.
    assert rebate > supplemental + 45
    assert number(flow, "rebate_unused") == pytest.approx(rebate - supplemental - 45)
    assert number(flow, "member_premium") == pytest.approx(0.0)
    assert number(flow, "part_b_premium") == pytest.approx(202.90 - 15)
    assert flow.isar == pytest.approx([1000 / 1025, 1100 / 1025])
    assert flow.payment_rates == pytest.approx(flow.isar * bid / 1.1)


def test_a_bid_above_its_benchmark_is_a_premium_to_the_dime():
    flow = flow_of(changed("service_area", rate=[600.0, 640.0]))
    bid = number(flow, "standardised_bid")
    assert number(flow, "basic_member_premium") == pytest.approx(bid - 610.0)
    assert number(flow, "rebate") == 0.0
    part_c = bid - 610.0 + number(flow, "supplemental_revenue")
    assert number(flow, "rounded_part_c_premium") == pytest.approx(round(part_c, 1))
    assert number(flow, "member_premium") == pytest.approx(round(part_c, 1) + 30.0)
    whole = flow_of(changed("service_area", rate=[600.0, 640.0]),
                    rates=load_rates("medicare", 2026, overrides={("premium_rounding", "part_c"): 1}))  # fmt: skip
    assert number(whole, "rounded_part_c_premium") == pytest.approx(round(part_c))


def rows_of(table: dict[str, list[Any]], plan: str) -> list[dict[str, Any]]:
    return [
        {name: values[place] for name, values in table.items()}
        for place, other in enumerate(table["plan_id"]) if other == plan
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_bids_against_the_naive_twin(seed: int):
    tables = random_bids(seed, n_plans=40)
    flow = flow_of(tables)
    for place, plan in enumerate(tables["plans"]["plan_id"]):
        (own,) = rows_of(tables["plans"], plan)
        expected = naive_bid(own, rows_of(tables["experience"], plan), rows_of(tables["service_area"], plan))
        found = {name: float(flow.numbers[name][place]) for name in expected}
        assert found == pytest.approx(expected, abs=1e-6), plan


def test_the_same_benchmark_savings_and_rebate_as_a_single_bid():
    tables = random_bids(5, n_plans=6)
    flow = flow_of(tables)
    for place, plan in enumerate(tables["plans"]["plan_id"]):
        (own,) = rows_of(tables["plans"], plan)
        rows = rows_of(tables["service_area"], plan)
        single = bid_result(
            {name: [row[name] for row in rows] for name in ("county_code", "member_months", "rate")},
            standardised_bid=float(flow.numbers["standardised_bid"][place]),
            projected_risk_score=own["projected_risk_score"], payment_year=2026, is_new_plan=own["is_new_plan"],
            stars=None if own["is_unrated"] else own["stars"],
        )  # fmt: skip
        assert flow.numbers["rebate"][place] == pytest.approx(single.rebate)
        own_rates = flow.payment_rates[flow.county_plans == place]
        assert own_rates == pytest.approx(single.counties["payment_rate"].to_numpy())


@pytest.mark.parametrize("order", [USES, USES[::-1]])
def test_every_dollar_of_rebate_goes_somewhere(order):
    flow = flow_of(random_bids(7, n_plans=60), rebate_order=order)
    spent = sum(flow.numbers[f"rebate_{use}"] for use in (*USES, "unused"))
    assert spent == pytest.approx(flow.numbers["rebate"])
    used_up = flow.numbers["rebate_unused"] > 0
    assert flow.numbers[f"rebate_{order[-1]}"][used_up] == pytest.approx(
        flow.numbers[f"{order[-1]}_room"][used_up]
    )


def test_the_build_up_ends_in_the_bid():
    flow = flow_of(random_bids(8, n_plans=10))
    assert flow.build_up().value == pytest.approx(flow.numbers["standardised_bid"])
    assert flow.build_up().level("projected allowed cost") == pytest.approx(flow.numbers["allowed"])
    third = flow.plans["plan_id"][2]
    assert flow.explain(third).value == pytest.approx(flow.numbers["standardised_bid"][2:3])
    with pytest.raises(InputError, match=f"has no '{third}x'; nearest: "):
        flow.explain(f"{third}x")


def test_fifty_plans_in_two_hundred_counties(tmp_path):
    flow = flow_of(random_bids(9, n_plans=50, n_counties=200))
    assert flow.service_area.num_rows == 10_000
    assert len(flow.summary()) == 50
    written = flow.write(tmp_path / "bids")
    assert pq.read_table(written / "bids.parquet").num_rows == 50
    assert flow.run["counts"] == {"plans": 50, "experience": 150, "service_area": 10_000}


def flags(flow: BidFlow) -> set[str]:
    return {row["check"] for row in flow.checks.to_pylist() if row["is_flagged"]}


def test_what_reviewers_would_flag():
    assert flags(flow_of(HAND)) == {"the rebate is used"}
    assert "margin is not negative" in flags(flow_of(changed("plans", margin_share=[-0.02])))
    dear = flow_of(changed("experience", effective_coinsurance=[0.05, 0.19, 0.5]))
    assert "cost sharing is at most original Medicare's" in flags(dear)
    for share, is_flagged in ((0.056, True), (0.054, False), (0.024, True)):
        found = flags(flow_of(changed("plans", part_d_margin_share=[share])))
        assert ("margins agree, Part D with medical benefits" in found) == is_flagged
    cost = number(flow_of(HAND), "total_beneficiary_cost")
    for before, is_flagged in ((cost - 40.5, True), (cost - 39.5, False)):
        found = flags(flow_of(changed("plans", previous_total_beneficiary_cost=[before])))
        assert ("rise of total beneficiary cost" in found) == is_flagged
    for maximum, is_flagged in ((9_250, False), (9_251, True)):
        found = flags(flow_of(changed("plans", out_of_pocket_maximum=[maximum])))
        assert ("the out-of-pocket maximum is within its limit" in found) == is_flagged


@pytest.mark.parametrize(("margin", "is_flagged"), [(0.03, False), (0.01, True)])
def test_margins_of_special_needs_plans(margin: float, is_flagged: bool):
    tables: dict[str, Any] = {}
    for name, table in HAND.items():
        twice = {column: [*values, *values] for column, values in table.items()}
        twice["plan_id"] = [*table["plan_id"], *["H0001-002"] * len(table["plan_id"])]
        tables[name] = twice
    tables["plans"] |= {"is_snp": [False, True], "margin_share": [0.04, margin]}
    assert ("margins agree, special needs with general plans" in flags(flow_of(tables))) == is_flagged


def test_unverified_limits_say_so():
    rows = {row["parameter"]: row for row in flow_of(HAND).assumptions.to_pylist()}
    for name in ("margin_consistency_points", "premium_rounding", "tbc_change_limit"):
        assert not rows[name]["verified"]
        assert rows[name]["source"]
    assert rows["rebate_percentage"]["verified"]


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("plans", {"stars": [7.0]}, r"stars are no rating from 1 to 5 in halves in 1 of 1 rows"),
        ("plans", {"margin_share": [1.0]}, "margin_share is a gain or loss of 100 percent of revenue or more"),
        ("plans", {"margin_share": [-1.5]}, "a gain or loss of 100 percent of revenue or more"),
        ("plans", {"projected_risk_score": [0.0]}, "column 'projected_risk_score': not above 0.0"),
        ("plans", {"part_b_buy_down": [300.0]}, "above the Part B premium of 202.90"),
        ("plans", {"base_member_months": [6_000]}, "lacks manual_utilization_per_1000 or manual_unit_cost"),
        ("service_area", {"rate": [1000.0, -5.0]}, r"column 'rate': not above 0.0 in 1 of 2 rows"),
        ("service_area", {"plan_id": ["H0001-001", "H0001-01"]}, "is not among the plans; nearest: H0001-001"),
        ("experience", {"additive_pmpm": [-999.0, 0, 0]}, "additive amounts make the projection negative"),
        ("experience", {"effective_copay": [0.0, 500.0, 0.0]}, "cost sharing exceeds allowed cost"),
        ("experience", {"effective_coinsurance": [0.5, 0.9, 1.0]}, "worth less than original Medicare's"),
    ],
)  # fmt: skip
def test_what_a_bid_refuses(table: str, columns: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        flow_of(changed(table, **columns))


def test_plans_without_rows_and_orders_that_lack_a_use():
    tables = random_bids(1, n_plans=3)
    tables["plans"] = {name: values[:2] for name, values in tables["plans"].items()}
    with pytest.raises(InputError, match="plan 'H0002-001' is not among the plans"):
        flow_of(tables)
    tables = random_bids(1, n_plans=2)
    keep = [place for place, plan in enumerate(tables["service_area"]["plan_id"]) if plan == "H0000-001"]
    tables["service_area"] = {
        name: [values[k] for k in keep] for name, values in tables["service_area"].items()
    }
    with pytest.raises(
        InputError, match=r"plans without a row in service area in 1 of 2 rows \(first rows: 2\)"
    ):
        flow_of(tables)
    with pytest.raises(InputError, match="rebate_order must name each of"):
        flow_of(HAND, rebate_order=("part_b",))


def test_order_of_rows_changes_nothing():
    tables = random_bids(4, n_plans=5)
    order = np.arange(15)[::-1]
    other = {
        **tables,
        "experience": {name: [v[k] for k in order] for name, v in tables["experience"].items()},
    }
    for name, values in flow_of(tables).numbers.items():
        assert flow_of(other).numbers[name] == pytest.approx(values), name
