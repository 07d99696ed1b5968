"""A small panel and contract whose settlement is worked by hand in tests."""

from __future__ import annotations

from typing import Any

from pricing.contracts.terms import Benchmark, Contract, Sharing

#: Two groups, a baseline year and a performance year; dollars by member.
ROWS = [
    # provider, member, period, months, risk, amount
    ("A", "a1", 2024, 12.0, 1.0, 1200.0),
    ("A", "a2", 2024, 12.0, 1.0, 2400.0),
    ("B", "b1", 2024, 12.0, 2.0, 4800.0),
    ("A", "a1", 2025, 12.0, 1.0, 1000.0),
    ("A", "a2", 2025, 12.0, 1.5, 2300.0),
    ("B", "b1", 2025, 6.0, 2.0, 3000.0),
]
NAMES = ("provider_id", "member_id", "period", "member_months", "risk_score", "amount")


def panel(rows: Any = ROWS, **more: Any) -> dict[str, list[Any]]:
    """Return rows as a panel's columns."""
    return {name: list(column) for name, column in zip(NAMES, zip(*rows, strict=True), strict=True)} | more


def contract(**changes: Any) -> Contract:
    """Return a two-sided contract: 50 % of savings, 40 % of losses, at least 2 %, capped at 10 % and 5 %."""
    terms = {
        "sharing_rate": 0.5, "loss_rate": 0.4, "minimum_savings_rate": 0.02, "savings_cap": 0.1, "loss_cap": 0.05,
    }  # fmt: skip
    return Contract("two-sided", Benchmark(trend_annual=0.05), Sharing(**{**terms, **changes}))
