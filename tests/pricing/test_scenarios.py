"""Plan designs compared: every number worked by hand, on claims of a few lines; the command line."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricing.benefits.claims import read_claims
from pricing.benefits.claims_continuance import value_on_claims
from pricing.benefits.design import CostSharing, PlanDesign
from pricing.benefits.induced_demand import InducedDemand, federal_induced_demand
from pricing.benefits.scenarios import compare
from pricing.errors import InputError
from pricing.worksheets import read_inputs
from tests.pricing.commands import run

#: A uses 1,000 of specialists, B 200 of imaging, C nothing.
CLAIMS = pa.table(
    {
        "claim_id": ["1", "2"],
        "claim_line_number": [1, 1],
        "member_id": ["A", "B"],
        "service_date": [date(2025, 3, 1), date(2025, 4, 1)],
        "service_category": ["specialist", "imaging"],
        "allowed_amount": [1000.0, 200.0],
    }
)
MEMBERS = {"member_id": ["A", "B", "C"], "months_enrolled": [12, 6, 6], "risk_score": [0.5, 3.0, 1.0]}
RICH, POOR = PlanDesign("rich", 100), PlanDesign("poor", 500, coinsurance=0.2)


def by_design(found, table="designs"):
    return {row["design"]: row for row in getattr(found, table).to_pylist()}


def test_amounts_are_per_member_and_month_of_everyone_covered():
    found = by_design(compare([RICH, POOR], CLAIMS, members=MEMBERS, year=2025))
    # rich: 100 + 100 of 1,200 over 24 months. poor: 500 + 20 % of 500, and 200.
    assert found["rich"]["member_paid_pmpm"] == pytest.approx(200 / 24)
    assert found["poor"]["deductible_pmpm"] == pytest.approx(700 / 24)
    assert found["poor"]["coinsurance_pmpm"] == pytest.approx(100 / 24)
    assert found["poor"]["plan_paid_pmpm"] == pytest.approx(400 / 24)
    assert found["poor"]["actuarial_value"] == pytest.approx(400 / 1200)
    assert found["poor"]["plan_paid_change"] == pytest.approx(400 / 1000 - 1)
    assert found["poor"]["utilization"] == 1
    assert found["poor"]["leverage"] is None


def test_without_members_everyone_with_claims_has_twelve_months_and_the_result_says_so():
    found = compare([RICH], CLAIMS)
    assert by_design(found)["rich"]["allowed_pmpm"] == pytest.approx(1200 / 24)
    assumed = {row["assumption"]: row["value"] for row in found.assumptions.to_pylist()}
    assert assumed["member months"] == "12 for each member with claims"
    assert assumed["induced demand"] == "none"
    assert assumed["deciles"] == "allowed amount of the claims"


def test_trend_leverage():
    found = by_design(compare([RICH, POOR], CLAIMS, trend=0.1))
    # poor, untrended: 400. Trended 1,100 and 220: 0.8 * 600 + 0 = 480. 20 % paid trend over 10 % allowed trend.
    assert found["poor"]["paid_trend"] == pytest.approx(0.2)
    assert found["poor"]["leverage"] == pytest.approx(2)
    # rich: 1,000 to 1,120.
    assert found["rich"]["leverage"] == pytest.approx(1.2)
    one = by_design(compare([RICH], CLAIMS, trend={"specialist": 0.1, "imaging": 0.0}))
    assert one["rich"]["paid_trend"] == pytest.approx(0.1)
    with pytest.raises(InputError, match="'imaging' is in one of trend and claims only"):
        compare([RICH], CLAIMS, trend={"specialist": 0.1})


def test_deciles_are_of_risk_and_show_who_is_better_off():
    found = compare([POOR, RICH], CLAIMS, members=MEMBERS, year=2025)
    rows = [row for row in found.deciles.to_pylist() if row["design"] == "rich"]
    # In order of risk: A (600 -> 100), C (nothing), B (200 -> 100).
    assert [row["change"] for row in rows] == [-500, 0, -100]
    assert [(row["better_off"], row["worse_off"], row["unchanged"]) for row in rows] == [
        (1, 0, 0), (0, 0, 1), (1, 0, 0),
    ]  # fmt: skip
    assert sum(row["members"] for row in rows) == 3


def test_the_distribution_of_what_members_pay():
    rows = compare([RICH], CLAIMS, members=MEMBERS, year=2025).distribution.to_pylist()
    assert {row["percentile"]: row["member_paid"] for row in rows}[50] == 100  # of 0, 100, 100


def test_the_base_is_the_one_named_and_stands_first():
    found = compare([RICH, POOR], CLAIMS, base="poor")
    assert found.designs["design"].to_pylist() == ["poor", "rich"]
    assert by_design(found)["rich"]["plan_paid_change"] == pytest.approx(1000 / 400 - 1)


def test_induced_demand_by_category():
    demand = InducedDemand({0.0: 1.0, 1.0: 2.0}, {"imaging": 0.0})
    found = compare([POOR, RICH], CLAIMS, induced_demand=demand)
    # Values 1/3 and 5/6: use of specialists by (1 + 5/6) / (1 + 1/3) = 1.375; imaging takes no part.
    factors = {
        (row["design"], row["service_category"]): row["utilization"] for row in found.utilization.to_pylist()
    }
    assert factors["rich", "specialist"] == pytest.approx(1.375)
    assert (factors["rich", "imaging"], factors["poor", "specialist"]) == (1, 1)
    rows = by_design(found)
    assert rows["rich"]["allowed_pmpm"] == pytest.approx((1375 + 200) / 24)
    assert rows["rich"]["utilization"] == pytest.approx(1575 / 1200)
    assert rows["rich"]["plan_paid_pmpm"] == pytest.approx((1275 + 100) / 24)
    assumed = {row["assumption"]: row["value"] for row in found.assumptions.to_pylist()}
    assert assumed["induced demand: response of imaging"] == "0"


def test_claims_that_come_to_nothing_have_no_shares():
    for amounts in ([0.0, 0.0], [10.0, -20.0]):
        nothing = CLAIMS.set_column(5, "allowed_amount", pa.array(amounts))
        with pytest.raises(InputError, match=r"allowed amounts of the claims come to .* needs more than 0"):
            compare([RICH, POOR], nothing)
        with pytest.raises(InputError, match=r"allowed amounts of the claims come to .* needs more than 0"):
            value_on_claims(nothing, RICH)


def test_an_account_makes_a_design_richer_and_more_used():
    account = PlanDesign("hra", 500, coinsurance=0.2, account="hra", account_contribution=300)
    found = compare([POOR, account], CLAIMS, induced_demand=InducedDemand({0.0: 1.0, 1.0: 2.0}))
    # Poor pays 400 of 1,200; the account adds 300 of A's cost and 200 of B's: values 1/3 and 3/4.
    assert by_design(found)["hra"]["utilization"] == pytest.approx((1 + 3 / 4) / (1 + 1 / 3))


def test_the_federal_curve_and_curves_that_are_none():
    demand = federal_induced_demand(2026)
    # Published: bronze 1.00 at 60 %, silver 1.03 at 70 %, gold 1.08 at 80 %, platinum 1.15 at 90 %.
    assert [demand.use(value) for value in (0.5, 0.6, 0.65, 0.8, 0.9)] == pytest.approx(
        [1, 1, 1.015, 1.08, 1.15]
    )
    halved = federal_induced_demand(2026, response={"imaging": 0.5})
    assert halved.factor(0.9, 0.6, "imaging") == pytest.approx(1.075)
    assert halved.factor(0.9, 0.6, "specialist") == pytest.approx(1.15)
    for curve in ({}, {0.6: 1.1, 0.7: 1.0}, {0.6: 0.0}, {0.6: 1.0, 0.7: float("nan")}):
        with pytest.raises(InputError, match="positive and do not fall"):
            InducedDemand(curve)
    with pytest.raises(InputError, match="between 0 and 1"):
        InducedDemand({0.6: 1.0}, {"imaging": 2.0})


def test_an_account_pays_cost_sharing_up_to_the_contribution():
    account = PlanDesign("hra", 500, account="hra", account_contribution=300)
    row = by_design(compare([account], CLAIMS))["hra"]
    assert row["account_pmpm"] == pytest.approx((300 + 200) / 24)
    assert row["actuarial_value"] == pytest.approx((500 + 500) / 1200)


def test_scaled_claims_keep_their_visits():
    claims = read_claims(CLAIMS)
    factors = [0.5 if name == "specialist" else 0.00001 for name in claims.service_names]
    assert sorted(claims.scaled(np.array(factors)).allowed.tolist()) == [1, 50_000]


def test_calls_that_are_refused():
    with pytest.raises(InputError, match="at least one design"):
        compare([], CLAIMS)
    with pytest.raises(InputError, match="different names"):
        compare([RICH, RICH], CLAIMS)
    with pytest.raises(InputError, match="base 'pour' is none of the designs: rich, poor; nearest: poor"):
        compare([RICH, POOR], CLAIMS, base="pour")
    with pytest.raises(InputError, match="no months enrolled"):
        compare([RICH], CLAIMS, members=MEMBERS | {"months_enrolled": [0, 0, 0]}, year=2025)


DESIGNS = """
[[design]]
name = "today"
deductible = 500
services.specialist = { copay = 40, deductible_applies = false }

[[design]]
name = "richer"
deductible = 100
"""


def test_the_command_line(tmp_path):
    pq.write_table(CLAIMS, tmp_path / "claims.parquet")
    (tmp_path / "designs.toml").write_text(DESIGNS)
    words = (
        "benefits",
        "compare",
        "--claims",
        tmp_path / "claims.parquet",
        "--designs",
        tmp_path / "designs.toml",
    )
    status, out, err = run(*words, "--trend", "0.05", "--output", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "2 claim lines of 2 members, against today" in out
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [
        "assumptions.parquet", "compared_deciles.parquet", "compared_designs.parquet", "compared_designs.png",
        "compared_distribution.parquet", "compared_utilization.parquet", "run.json",
    ]  # fmt: skip
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["lines_read"] == report["lines_adjudicated"] == 2
    status, _, err = run(*words, "--output", tmp_path / "out")
    assert status == 2
    assert err.startswith("OutputExistsError")
    status, _, err = run(*words, "--output", tmp_path / "again", "--workbook", tmp_path / "compared.xlsx")
    assert (status, err) == (0, "")
    assert read_inputs(tmp_path / "compared.xlsx")["designs"]["design"].to_pylist() == ["today", "richer"]
    status, _, err = run(*words, "--base", "tody", "--output", tmp_path / "more")
    assert (status, "nearest: today" in err) == (2, True)


def test_designs_that_differ_in_name_only_do_not_differ():
    copays = {"specialist": CostSharing(copay=40)}
    found = compare([PlanDesign("one", services=copays), PlanDesign("two", services=copays)], CLAIMS)
    one, two = (dict(row, design="") for row in found.designs.to_pylist())
    assert one == two
    assert found.summary().shape[0] == 2
    assert "A" not in repr(found).replace("Comparison", "")


def test_care_that_no_design_covers_and_services_that_no_claim_has_are_told():
    """6.00 of 16.00 is out of the network; a misspelt service would be priced as if it had no terms."""
    claims = {
        "claim_id": ["a", "b"], "member_id": ["m", "m"], "service_date": ["2025-01-02", "2025-01-03"],
        "service_category": ["lab", "lab"], "allowed_amount": [10.0, 6.0], "network_tier": ["in", "out"],
    }  # fmt: skip
    plain = PlanDesign("plain", 0, 50, services={"labs": CostSharing(copay=1)})
    open_to_all = PlanDesign("open", 0, 50, out_of_network=PlanDesign("outside", 5, 100, 0.5))
    assert compare([plain, open_to_all], claims).run["warnings"] == [
        "plan design 'plain': no claim line is of labs",
        "37.5% of allowed amounts is out of the network, which has no terms in 'plain': not covered, members pay it; "
        "give out_of_network to cover it",
    ]
    assert compare([open_to_all], claims).run["warnings"] == []
