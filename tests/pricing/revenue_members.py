"""Memberships for the tests of revenue: few members, scores that a person can add up."""

from __future__ import annotations

from typing import Any

from pricing.revenue import Membership, members_of_scores

MONTH = "2026-01"


def membership(rows: list[dict[str, Any]], **options: Any) -> Membership:
    """Return the membership of rows with payment_risk_score; ids, contract, plan and county are filled in."""
    filled = [
        {
            "member_id": f"m{number}", "contract_id": "H0001", "plan_id": "001", "county_code": "01000",
            "enrollment_start_date": "2026-01-01", **row,
        }
        for number, row in enumerate(rows)
    ]  # fmt: skip
    table = {name: [row.get(name) for row in filled] for name in {key for row in filled for key in row}}
    return members_of_scores(table, base_month=MONTH, **options)


def one_member(score: float = 1.0, **columns: Any) -> Membership:
    """Return a plan of one member."""
    return membership([{"payment_risk_score": score, **columns}])
