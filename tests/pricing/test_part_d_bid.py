"""Part D bids: three plans by hand, many against a naive twin, published averages, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pricing.errors import InputError, UnknownRateError
from pricing.medicare.drug_projection import DrugExperience, drug_experience
from pricing.medicare.part_d_bid import PartDBids, part_d_bids
from pricing.parameters import load_rates
from tests.pricing.naive_part_d import naive_part_d_bid
from tests.pricing.part_d_plans import CLAIMS, DESIGNS, KINDS, PLANS, random_plans

PAYERS = ("enrollee", "plan", "manufacturer", "reinsurance", "selected_drug_subsidy")


def experience_of(**changes: Any) -> DrugExperience:
    given = {"claims": CLAIMS, "designs": DESIGNS, "payment_year": 2026} | changes
    return drug_experience(given.pop("kinds", KINDS), **given)


def bids_of(plans: Any, **options: Any) -> PartDBids:
    return part_d_bids(plans, coverage=experience_of(), payment_year=2026, **options)


def rows_by_plan(table: Any) -> dict[str, dict[str, Any]]:
    return {row["plan_id"]: row for row in table.to_pylist()}


def test_worksheets_1_to_6_by_hand():
    """48 member months; enrollee a 1,015 dollars of generics, b 9,555 of a brand drug, 3,000 of it above 6,555."""
    found = experience_of()
    standard = rows_by_plan(found.coverage)["S"]
    assert standard["allowed"] == pytest.approx((1015 + 9555) / 48)
    assert standard["own_enrollee"] == pytest.approx((715 + 2100) / 48)
    assert standard["own_manufacturer"] == pytest.approx((594 + 600) / 48)
    assert standard["own_reinsurance"] == pytest.approx(600 / 48)
    assert standard["own_plan"] == pytest.approx((300 + 0.65 * 5940 + 0.6 * 3000) / 48)
    intervals = [row for row in found.intervals.to_pylist() if row["plan_id"] == "S"]
    assert [row["members"] for row in intervals] == [2.0, 0.0, 1.0, 1.0]
    assert [row["allowed"] for row in intervals] == pytest.approx([0, 0, 1015 / 48, 9555 / 48])
    tiers = [row for row in found.tiers.to_pylist() if row["plan_id"] == "S"]
    assert [row["base_scripts_per_1000"] for row in tiers] == pytest.approx([500.0, 250.0])
    assert [row["base_unit_cost"] for row in tiers] == pytest.approx([507.5, 9555.0])


def test_bids_by_hand():
    numbers = {name: values.tolist() for name, values in bids_of(PLANS).numbers.items()}
    # Standard: the plan pays 300 + 3,861 + 1,800 of 10,570; concessions of a fifth, less Medicare's fifth of 600.
    cost = (5961 - 0.2 * (10_570 - 600)) / 48
    assert numbers["basic_cost"][0] == pytest.approx(cost)
    assert numbers["reinsurance"][0] == pytest.approx(480 / 48)
    bid = (cost + 10) / 0.98
    assert numbers["standardised_bid"][0] == pytest.approx(bid)
    assert numbers["basic_premium"][0] == max(38.99 + bid - 239.27, 0.0) == 0.0
    assert numbers["direct_subsidy"][0] == pytest.approx(200.28)  # what the premium is below 0 by raises it
    # Enhanced: bid of the standard's own cost; the benefit beyond is supplemental.
    cost = (5961 - 0.1 * (10_570 - 600)) / 48
    assert numbers["basic_cost"][2] == pytest.approx(cost)
    # Copays: 2 x 5; 40 of b, whose threshold comes at 6,555 as in the standard: 40 x 6,555 / 9,555.
    enrollees = 10 + 40 * 6555 / 9555
    extra = (10_570 - enrollees - 594 - 600 - 600) / 48 - 5961 / 48
    assert numbers["supplemental_cost"][2] == pytest.approx(extra)
    expense = 14 * cost / (cost + extra)
    assert numbers["basic_bid"][2] == pytest.approx((cost + expense) / 0.96)
    assert numbers["supplemental_premium"][2] == pytest.approx((extra + 14 - expense) / 0.96)
    assert numbers["supplemental_premium"][:2] == [0.0, 0.0]
    below = 38.99 + numbers["standardised_bid"][2] - 239.27
    charged = max(numbers["supplemental_premium"][2] + below, 0.0)
    assert (below < 0, numbers["charged_supplemental_premium"][2]) == (True, pytest.approx(charged))
    assert numbers["rounded_supplemental_premium"][2] == pytest.approx(round(charged, 1))


def test_the_average_plan_has_the_published_premium_and_subsidy():
    """CMS, 2026: average bid 239.27, base premium 38.99, direct subsidy of the average plan 200.28."""
    covered = {"plan_id": ["a"], "kind": ["defined_standard"], "allowed": [239.27], "own_allowed": [239.27]}
    for who in ("standard", "own"):
        covered |= {f"{who}_{payer}": [239.27 if payer == "plan" else 0.0] for payer in PAYERS}
        covered[f"{who}_low_income_subsidy"] = [0.0]
    plan = {"plan_id": ["a"], "plan_type": ["pdp"], "projected_risk_score": [1.0], "margin_share": [0.0]}
    found = part_d_bids(plan, coverage=covered, payment_year=2026)
    assert found.numbers["basic_premium"][0] == pytest.approx(38.99)
    assert found.numbers["direct_subsidy"][0] == pytest.approx(200.28)
    assert found.numbers["total_premium"][0] == 39.0
    joined = part_d_bids(plan | {"joins_demonstration": [True]}, coverage=covered, payment_year=2026)
    assert joined.numbers["basic_premium"][0] == pytest.approx(28.99)
    assert joined.numbers["direct_subsidy"][0] == pytest.approx(200.28)


def random_bids(seed: int) -> tuple[dict[str, Any], PartDBids]:
    tables = random_plans(seed, 9)
    found = drug_experience(
        tables["kinds"], claims=tables["claims"], designs=tables["designs"], trends=tables["trends"],
        payment_year=2026,
    )  # fmt: skip
    return tables, part_d_bids(tables["plans"], coverage=found, payment_year=2026)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_bids_against_the_naive_twin(seed: int):
    tables, bids = random_bids(seed)
    assert bids.experience is not None
    covered = rows_by_plan(bids.experience.coverage)
    for place, plan in enumerate(tables["plans"]["plan_id"]):
        own = {name: values[place] for name, values in tables["plans"].items()}
        expected = naive_part_d_bid(own, covered[plan], average=239.27, base=38.99)
        found = {name: float(bids.numbers[name][place]) for name in expected}
        assert found == pytest.approx(expected, abs=1e-9), plan


@pytest.mark.parametrize("seed", [4, 5])
def test_every_dollar_is_somebodys(seed: int):
    tables, bids = random_bids(seed)
    numbers, covered = bids.numbers, bids.coverage
    payers = ("basic_enrollee", "manufacturer_discount", "selected_drug_subsidy", "reinsurance", "basic_cost")
    paid = sum(numbers[name] for name in payers)
    concessions = bids.plans["dir_share"] * covered["allowed"]
    assert paid + concessions == pytest.approx(covered["allowed"])
    assert numbers["direct_subsidy"] + numbers["premium_before_demonstration"] == pytest.approx(
        numbers["basic_bid"]
    )
    assert bids.build_up().value == pytest.approx(numbers["standardised_bid"])
    assert bids.experience is not None
    projected = rows_by_plan(bids.experience.coverage)
    for plan, months, z, manual in zip(*(tables["kinds"][name] for name in ("plan_id", "base_member_months", "credibility", "manual_allowed_pmpm")), strict=True):  # fmt: skip # noqa: E501
        lines = [row for row in bids.experience.tiers.to_pylist() if row["plan_id"] == plan]
        by_experience = sum(
            row["base_allowed"] * row["utilization_trend"] * row["unit_cost_trend"] for row in lines
        )
        assert projected[plan]["allowed"] == pytest.approx(z * by_experience + (1 - z) * manual)
        assert sum(row["allowed"] for row in lines) == pytest.approx(projected[plan]["allowed"])
        members = [row["members"] for row in bids.experience.intervals.to_pylist() if row["plan_id"] == plan]
        assert sum(members) == pytest.approx(months / 12)


def test_demonstration_limits_the_rise_of_the_premium():
    """CMS's fact sheet of July 29, 2024: the total premium does not fall below 0, nor rise by more than the limit."""
    tables, bids = random_bids(6)
    joins = np.array(tables["plans"]["joins_demonstration"])
    total = bids.numbers["basic_premium"] + bids.numbers["charged_supplemental_premium"]
    before = bids.numbers["premium_before_demonstration"] + bids.numbers["supplemental_premium"]
    most = np.array(tables["plans"]["previous_premium"]) + 50
    assert total[joins] == pytest.approx(np.minimum(np.maximum(before - 10, 0), most)[joins])
    assert (bids.numbers["demonstration"][~joins] == 0).all()


def test_checks_of_reviewers():
    plans = PLANS | {"margin_share": [0.02, -0.01, 0.04]}
    flagged = {
        (row["plan_id"], row["check"]) for row in bids_of(plans).checks.to_pylist() if row["is_flagged"]
    }
    assert ("B", "margin is not negative") in flagged
    assert ("S", "basic premium is not negative") in flagged
    assert ("S", "the design passes its tests of equivalence") not in flagged
    kinds = KINDS | {"kind": ["defined_standard", "basic_alternative", "basic_alternative"]}
    rich = part_d_bids(PLANS, coverage=experience_of(kinds=kinds), payment_year=2026)
    flagged = {(row["plan_id"], row["check"]) for row in rich.checks.to_pylist() if row["is_flagged"]}
    assert ("E", "the design passes its tests of equivalence") in flagged


def test_written_and_shown(tmp_path: Any):
    bids = bids_of(PLANS)
    bids.write(tmp_path / "out", chart=True)
    names = {path.stem for path in (tmp_path / "out").glob("*.parquet")}
    assert names == {"part_d_bids", "part_d_checks", "assumptions", "part_d_coverage", "part_d_tiers",
                     "part_d_intervals", "part_d_tests"}  # fmt: skip
    assert (
        pq.read_table(tmp_path / "out" / "part_d_bids.parquet").num_rows == bids.run["counts"]["plans"] == 3
    )
    assert bids.summary().shape == (3, 9)
    plan = bids.plans["plan_id"][1]
    assert bids.explain(plan).value == pytest.approx(bids.numbers["standardised_bid"][1:2])
    assert repr(bids).startswith("<Part D bids of 3 plans for 2026; ")
    assert "part_d_lis_copay" in bids.assumptions["parameter"].to_pylist()


def test_an_estimate_of_the_average_goes_before_the_tables():
    rates = load_rates("medicare", 2026, overrides={"part_d_national_average_bid": 100.0})
    found = bids_of(PLANS, rates=rates).numbers
    assert found["basic_premium"] == pytest.approx(38.99 + found["standardised_bid"] - 100.0)
    with pytest.raises(UnknownRateError, match="no part_d_national_average_bid for 2027"):
        part_d_bids(PLANS, coverage=experience_of().coverage, payment_year=2027)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin_share": [1.0, 0.0, 0.0]}, "a gain or loss of 100 percent of revenue or more in 1 of 3"),
        ({"joins_demonstration": [False, True, False]}, "join the demonstration but are no pdp in 1 of 3 rows"),
        ({"plan_id": ["S", "B", "X"]}, "plan 'E' is not among the plans"),
        ({"dir_share": [0.9, 0.0, 0.0]}, "basic coverage costs nothing after price concessions in 1 of 3"),
        ({"projected_risk_score": [0.0, 1.0, 1.0]}, "not above 0"),
    ],
)  # fmt: skip
def test_impossible_plans(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        bids_of(PLANS | changes)


def test_impossible_experience():
    with pytest.raises(InputError, match=r"plan 'B' is no defined standard; give its tiers"):
        experience_of(designs=None)
    with pytest.raises(InputError, match="plan 'Z' is not among the plans"):
        experience_of(claims=CLAIMS | {"plan_id": ["Z"] * 9})
    with pytest.raises(InputError, match="has claims of tier '3', and no row for it"):
        experience_of(trends={"plan_id": ["S", "B", "E"], "tier": ["1"] * 3})
    with pytest.raises(InputError, match="lacks manual_allowed_pmpm, and plan 'S' is not fully credible"):
        experience_of(kinds=KINDS | {"credibility": [0.5, 1.0, 1.0]})
    with pytest.raises(InputError, match="plan 'S' has more enrollees with claims than base_member_months"):
        experience_of(kinds=KINDS | {"base_member_months": [1.0, 48.0, 48.0]})
    covered = experience_of().coverage.to_pydict()
    covered["own_plan"][1] += 1.0
    with pytest.raises(InputError, match="payers of own coverage do not add up to own_allowed in 1 of 3"):
        part_d_bids(PLANS, coverage=covered, payment_year=2026)
