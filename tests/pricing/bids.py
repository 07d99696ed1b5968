"""Plans to bid with: one worked by hand, and any number of random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

HAND = {
    "plans": {
        "plan_id": ["H0001-001"], "stars": [4.0], "base_member_months": [24_000], "projected_risk_score": [1.1],
        "direct_administration": [50.0], "sales_and_marketing": [30.0], "margin_share": [0.04],
        "part_d_basic_premium": [30.0], "part_b_buy_down": [15.0],
    },
    "experience": {
        "plan_id": ["H0001-001"] * 3,
        "service_category": ["inpatient", "professional", "dental"],
        "base_utilization_per_1000": [250, 40_000, 1_200],
        "base_unit_cost": [12_000, 180, 200],
        "utilization_trend": [1.02, 1.0, 1.0],
        "unit_cost_trend": [1.05, 1.0, 1.0],
        "effective_copay": [0.0, 5.0, 0.0],
        "effective_coinsurance": [0.05, 0.0, 0.5],
        "covered_share": [1.0, 1.0, 0.0],
        "ffs_cost_sharing_share": [0.08, 0.20, 0.0],
    },
    "service_area": {
        "plan_id": ["H0001-001"] * 2, "county_code": ["01001", "01003"], "member_months": [18_000, 6_000],
        "rate": [1000.0, 1100.0],
    },
}  # fmt: skip


def random_bids(seed: int, *, n_plans: int, n_counties: int = 3) -> dict[str, Any]:
    """Return plans, experience and service_area of plans that are all possible; rows in random order."""
    draw = np.random.default_rng(seed)
    ids = [f"H{place:04d}-001" for place in range(n_plans)]
    categories = ["inpatient", "professional", "dental"]
    n_lines, n_rows = n_plans * 3, n_plans * n_counties

    def around(center: float, n: int, spread: float = 0.2) -> list[float]:
        return (center * draw.uniform(1 - spread, 1 + spread, n)).tolist()

    plans = {
        "plan_id": ids,
        "stars": draw.choice([2.5, 3.0, 3.5, 4.0, 4.5, 5.0], n_plans).tolist(),
        "is_unrated": (draw.random(n_plans) < 0.1).tolist(),
        "is_new_plan": (draw.random(n_plans) < 0.1).tolist(),
        "is_snp": (draw.random(n_plans) < 0.3).tolist(),
        "base_member_months": draw.integers(500, 60_000, n_plans).tolist(),
        "projected_risk_score": around(1.0, n_plans),
        "esrd_subsidy": around(2.0, n_plans),
        "sales_and_marketing": around(20.0, n_plans),
        "direct_administration": around(45.0, n_plans),
        "insurer_fees": around(5.0, n_plans),
        "margin_share": draw.uniform(-0.03, 0.08, n_plans).tolist(),
        "supplemental_margin_share": draw.uniform(0.0, 0.05, n_plans).tolist(),
        "part_d_basic_premium": around(25.0, n_plans),
        "part_d_supplemental_premium": around(10.0, n_plans),
        "part_d_margin_share": draw.uniform(0.0, 0.05, n_plans).tolist(),
        "part_b_buy_down": draw.uniform(0.0, 40.0, n_plans).tolist(),
        "previous_total_beneficiary_cost": around(290.0, n_plans),
        "out_of_pocket_maximum": around(9_250.0, n_plans),
    }
    experience = {
        "plan_id": np.repeat(ids, 3).tolist(),
        "service_category": categories * n_plans,
        "base_utilization_per_1000": (
            np.tile([250, 40_000, 1_200], n_plans) * draw.uniform(0.8, 1.2, n_lines)
        ).tolist(),
        "base_unit_cost": (np.tile([12_000, 180, 200], n_plans) * draw.uniform(0.8, 1.2, n_lines)).tolist(),
        "utilization_trend": around(1.02, n_lines, 0.03),
        "population_change": around(1.0, n_lines, 0.02),
        "additive_utilization_per_1000": around(3.0, n_lines),
        "unit_cost_trend": around(1.04, n_lines, 0.03),
        "additive_pmpm": around(1.0, n_lines),
        "manual_utilization_per_1000": np.tile([240.0, 41_000.0, 1_100.0], n_plans).tolist(),
        "manual_unit_cost": np.tile([12_500.0, 185.0, 210.0], n_plans).tolist(),
        "effective_copay": np.tile([300.0, 4.0, 0.0], n_plans).tolist(),
        "effective_coinsurance": np.tile([0.0, 0.02, 0.3], n_plans).tolist(),
        "covered_share": np.tile([1.0, 0.98, 0.1], n_plans).tolist(),
        "ffs_cost_sharing_share": np.tile([0.08, 0.2, 0.2], n_plans).tolist(),
    }
    area = {
        "plan_id": np.repeat(ids, n_counties).tolist(),
        "county_code": [f"{place:05d}" for _ in ids for place in range(n_counties)],
        "member_months": draw.integers(1, 9_000, n_rows).tolist(),
        "rate": around(1100.0, n_rows, 0.25),
    }  # fmt: skip
    return {"plans": plans, "experience": shuffled(experience, draw), "service_area": shuffled(area, draw)}


def shuffled(table: dict[str, list[Any]], draw: np.random.Generator) -> dict[str, list[Any]]:
    order = draw.permutation(len(next(iter(table.values()))))
    return {name: [values[place] for place in order] for name, values in table.items()}
