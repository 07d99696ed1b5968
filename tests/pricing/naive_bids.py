"""The bid of one plan in plain Python, a line at a time, read top to bottom."""

from __future__ import annotations

from typing import Any

USES = ("cost_sharing", "supplemental", "part_d_basic", "part_d_supplemental", "part_b")


def naive_bid(
    plan: dict[str, Any], lines: list[dict[str, Any]], counties: list[dict[str, Any]]
) -> dict[str, float]:
    """Return a plan's bid for 2026 (Part B premium 202.90, premiums rounded to ten cents)."""
    z = min(1.0, (plan["base_member_months"] / 24_000) ** 0.5)
    covered = supplemental = reduction = cost_sharing = 0.0
    for line in lines:
        use = line["base_utilization_per_1000"] * line["utilization_trend"] * line["population_change"]
        use += line["additive_utilization_per_1000"]
        allowed = use * line["base_unit_cost"] * line["unit_cost_trend"] / 12_000 + line["additive_pmpm"]
        manual = line["manual_utilization_per_1000"] * line["manual_unit_cost"] / 12_000
        allowed = z * allowed + (1 - z) * manual
        use = z * use + (1 - z) * line["manual_utilization_per_1000"]
        paid_by_member = use / 12_000 * line["effective_copay"] + allowed * line["effective_coinsurance"]
        of_medicare = allowed * line["covered_share"] * (1 - line["ffs_cost_sharing_share"])
        cost_sharing += paid_by_member
        covered += of_medicare
        supplemental += allowed - paid_by_member - of_medicare
        equivalent = allowed * line["covered_share"] * line["ffs_cost_sharing_share"]
        reduction += equivalent - paid_by_member * line["covered_share"]
    supplemental += plan["esrd_subsidy"]
    expense = plan["sales_and_marketing"] + plan["direct_administration"] + plan["insurer_fees"]
    part = covered / (covered + supplemental)
    bid = (covered + expense * part) / (1 - plan["margin_share"])
    other = (supplemental + expense * (1 - part)) / (1 - plan["supplemental_margin_share"])
    months = sum(county["member_months"] for county in counties)
    benchmark = sum(county["member_months"] * county["rate"] for county in counties) / months
    standard = bid / plan["projected_risk_score"]
    rebate = max(benchmark - standard, 0) * plan["projected_risk_score"] * rebate_share(plan)
    part_c = max(standard - benchmark, 0) + other
    part_d = plan["part_d_basic_premium"] + plan["part_d_supplemental_premium"]
    for room in (other * min(max(reduction, 0), supplemental) / supplemental, None):
        spent = min(rebate, part_c - max(standard - benchmark, 0) if room is None else room)
        rebate, part_c = rebate - spent, part_c - spent
    for room in (plan["part_d_basic_premium"], plan["part_d_supplemental_premium"]):
        spent = min(rebate, room)
        rebate, part_d = rebate - spent, part_d - spent
    bought = min(rebate, plan["part_b_buy_down"])
    premium = round(part_c, 1) + round(part_d, 1)
    return {
        "credibility": z, "cost_sharing": cost_sharing, "covered_revenue": bid, "supplemental_revenue": other,
        "standardised_bid": standard, "standardised_benchmark": benchmark, "part_c_premium": part_c,
        "part_d_premium": part_d, "rebate_part_b": bought, "rebate_unused": rebate - bought, "member_premium": premium,
        "total_beneficiary_cost": premium + 202.90 - bought + cost_sharing,
    }  # fmt: skip


def rebate_share(plan: dict[str, Any]) -> float:
    if plan["is_new_plan"]:
        return 0.65
    if plan["is_unrated"] or plan["stars"] < 3.5:
        return 0.5
    return 0.7 if plan["stars"] >= 4.5 else 0.65
