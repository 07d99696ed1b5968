"""The naive twin of Part D bids: one plan, one line after another, from what payers pay a month."""

from __future__ import annotations

from typing import Any


def naive_part_d_bid(
    plan: dict[str, Any], covered: dict[str, Any], *, average: float, base: float
) -> dict[str, float]:
    """Return bid, premiums and subsidies of one plan [dollars per member and month]."""
    who = "standard" if covered["kind"] == "enhanced" else "own"
    reinsurance = covered[f"{who}_reinsurance"]
    concessions = plan["dir_share"] * covered["allowed"]
    of_medicare = plan["dir_share"] * reinsurance
    cost = covered[f"{who}_plan"] - (concessions - of_medicare)
    extra = covered["own_plan"] - covered["standard_plan"] if covered["kind"] == "enhanced" else 0.0
    expense = plan["direct_administration"] + plan["sales_and_marketing"]
    bid = (cost + expense * cost / (cost + extra)) / (1 - plan["margin_share"])
    other = (extra + expense * extra / (cost + extra)) / (1 - plan["supplemental_margin_share"])
    standard = bid / plan["projected_risk_score"]
    premium = base + standard - average
    subsidy = bid - premium  # a premium below 0 raises it
    if plan["joins_demonstration"] and premium + other > 0:
        total = max(
            premium + other - 10, 0.0
        )  # of 2026: 10 dollars off, at most 50 more than the year before
        total = min(total, plan["previous_premium"] + 50)
        premium = total - other
    return {
        "basic_cost": cost, "supplemental_premium": other, "basic_bid": bid, "standardised_bid": standard,
        "direct_subsidy": subsidy, "basic_premium": premium if premium > 0 else 0.0,
        "charged_supplemental_premium": other if premium > 0 else max(other + premium, 0.0),
        "reinsurance": reinsurance - of_medicare,
    }  # fmt: skip
