"""Part D plans to bid with: three worked by hand, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A defined standard, a basic alternative and an enhanced plan, each with the same two enrollees' claims of 2026.
KINDS = {
    "plan_id": ["S", "B", "E"], "kind": ["defined_standard", "basic_alternative", "enhanced"],
    "base_member_months": [48.0, 48.0, 48.0], "deductible": [615.0, 515.0, 0.0],
}  # fmt: skip
DESIGNS = {
    "plan_id": ["B", "B", "E", "E"], "tier": ["1", "3", "1", "3"], "copay": [0.0, 0.0, 5.0, 40.0],
    "coinsurance": [0.3, 0.3, 0.0, 0.0],
}  # fmt: skip
CLAIMS = {
    "plan_id": [plan for plan in "SBE" for _ in range(3)],
    "enrollee_id": [f"{plan}{who}" for plan in "SBE" for who in "aab"],
    "tier": ["1", "1", "3"] * 3,
    "gross_cost": [615.0, 400.0, 9555.0] * 3,
    "is_applicable": [False, False, True] * 3,
}
PLANS = {
    "plan_id": ["S", "B", "E"], "plan_type": ["pdp", "mapd", "mapd"], "projected_risk_score": [1.0, 1.1, 0.9],
    "direct_administration": [10.0, 12.0, 14.0], "margin_share": [0.02, 0.03, 0.04], "dir_share": [0.2, 0.0, 0.1],
}  # fmt: skip


def random_plans(seed: int, n: int) -> dict[str, dict[str, list[Any]]]:
    """Return plans of every kind with claims, designs, trends and the rest of what they need to bid."""
    draw = np.random.default_rng(seed)
    ids = [f"S{place:04d}-001" for place in range(n)]
    kinds = [("defined_standard", "basic_alternative", "enhanced")[place % 3] for place in range(n)]
    rows = 60 * n
    plan = np.repeat(ids, 60)
    who = draw.integers(0, 12, rows)
    is_applicable = draw.random(rows) < 0.4
    tiers = ["1", "3", "5"]
    return {
        "kinds": {
            "plan_id": ids, "kind": kinds, "base_member_months": draw.integers(150, 400, n).astype(float).tolist(),
            "deductible": [615.0 if kind == "defined_standard" else 0.0 for kind in kinds],
            "credibility": draw.uniform(0.2, 1.0, n).tolist(),
            "manual_allowed_pmpm": draw.uniform(250, 500, n).tolist(),
            "induced_utilization": draw.uniform(1.0, 1.05, n).tolist(),
        },
        "claims": {
            "plan_id": plan.tolist(),
            "enrollee_id": [f"{one}:{number}" for one, number in zip(plan, who, strict=True)],
            "tier": draw.choice(tiers, rows).tolist(), "gross_cost": draw.gamma(0.6, 1200, rows).tolist(),
            "is_applicable": is_applicable.tolist(),
            "low_income": [("none", "full")[int(number) % 4 == 0] for number in who],
        },
        "designs": {
            "plan_id": np.repeat(ids, 3).tolist(), "tier": tiers * n, "copay": [3.0, 42.0, 0.0] * n,
            "coinsurance": [0.0, 0.0, 0.25] * n, "is_deductible_exempt": [True, False, False] * n,
        },
        "trends": {
            "plan_id": np.repeat(ids, 3).tolist(), "tier": tiers * n,
            "utilization_trend": draw.uniform(0.98, 1.05, 3 * n).tolist(),
            "unit_cost_trend": draw.uniform(1.0, 1.12, 3 * n).tolist(),
        },
        "plans": {
            "plan_id": ids[::-1], "plan_type": [("pdp", "mapd")[place % 2] for place in range(n)],
            "projected_risk_score": draw.uniform(0.8, 1.2, n).tolist(),
            "direct_administration": draw.uniform(5, 20, n).tolist(),
            "sales_and_marketing": draw.uniform(1, 8, n).tolist(),
            "margin_share": draw.uniform(-0.02, 0.06, n).tolist(),
            "supplemental_margin_share": draw.uniform(0.0, 0.06, n).tolist(),
            "dir_share": draw.uniform(0.0, 0.3, n).tolist(),
            "joins_demonstration": [place % 2 == 0 for place in range(n)],
            "previous_premium": draw.uniform(0, 60, n).tolist(),
        },
    }  # fmt: skip
