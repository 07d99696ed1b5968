"""Plain-Python twins of pricing.contracts: dictionaries and loops, exact fractions where money is shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any


def plurality(
    members: Sequence[str],
    lines: Iterable[Mapping[str, Any]],
    measure: str,
    ties: Sequence[str],
    group_of: Mapping[str, str],
    minimum: int = 1,
) -> dict[str, str | None]:
    """The group of each member: most visits (days that stand) or dollars; then what breaks ties, in order."""
    days: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    cents: dict[tuple[str, str], int] = defaultdict(int)
    lowest: dict[str, int] = {}
    kept = [line for line in lines if line["member_id"] in members and line["step"] > 0]
    net: dict[tuple[str, int, str, date], int] = defaultdict(int)
    for line in kept:
        group = group_of.get(line["provider_id"], line["provider_id"])
        visit = line["member_id"], line["step"], group, line["service_date"]
        net[visit] += -1 if line["allowed_amount"] < 0 else 1
    for (member, step, _, _), lines_left in net.items():
        if lines_left > 0:
            lowest[member] = min(step, lowest.get(member, 99))
    for line in kept:
        if line["step"] == lowest.get(line["member_id"]):
            pair = line["member_id"], group_of.get(line["provider_id"], line["provider_id"])
            days[pair][line["service_date"]] += -1 if line["allowed_amount"] < 0 else 1
            cents[pair] += round(100 * line["allowed_amount"])
    found: dict[str, str | None] = {}
    for member in members:
        choices = []
        for (who, group), counted in days.items():
            visits = [day for day, net in counted.items() if net > 0]
            if who == member and visits:
                facts = {
                    "visits": -len(visits), "amount": -cents[who, group],
                    "most_recent": -max(visits).toordinal(), "provider_id": group,
                }  # fmt: skip
                choices.append(([facts[name] for name in (measure, *ties)], group, len(visits)))
        enough = sum(visits for _, _, visits in choices) >= minimum
        found[member] = min(choices)[1] if choices and enough else None
    return found


def curve(points: Sequence[Sequence[float]], x: float) -> Fraction:
    """Height of a curve at x: linear between points, level outside, the later of two at one place."""
    exact = [(Fraction(str(a)), Fraction(str(b))) for a, b in points]
    at = Fraction(str(x))
    below = [point for point in exact if point[0] <= at]
    above = [point for point in exact if point[0] > at]
    if not below:
        return exact[0][1]
    if not above:
        return exact[-1][1]
    (x0, y0), (x1, y1) = below[-1], above[0]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def shared_cents(target: int, actual: int, terms: Mapping[str, Any], members: int, quality: float) -> int:
    """What the payer owes a group [cents], from a target and what came [cents]; halves away from zero."""
    gap = Fraction(target - actual)
    share = {name: Fraction(str(value)) for name, value in terms.items() if isinstance(value, float)}
    side = "savings" if gap >= 0 else "losses"
    least = share["minimum_savings_rate" if side == "savings" else "minimum_loss_rate"] * target
    if terms.get("minimum_rate_by_members"):
        least = curve(terms["minimum_rate_by_members"], members) * target
    if abs(gap) < least:
        return 0
    earned = curve(terms["quality"], quality) if terms.get("quality") else Fraction(1)
    rate = share["sharing_rate"] * earned if side == "savings" else share["loss_rate"]
    part = gap if terms["is_first_dollar"] else (abs(gap) - least) * (1 if gap >= 0 else -1)
    amount = part * rate
    amount = min(amount, share["savings_cap"] * target)
    amount = max(amount, -share["loss_cap"] * target)
    whole = int(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def benchmark_pmpm(
    rows: Iterable[Mapping[str, Any]], group: str, period: int, weights: Sequence[float], trend: float
) -> float:
    """Risk-adjusted history of one group, trended and weighted, at the risk score of the period."""
    total, weight_used = 0.0, 0.0
    years = sorted({row["period"] for row in rows if row["period"] < period})
    for year, weight in zip(years, weights, strict=True):
        own = [row for row in rows if row["period"] == year and row["provider_id"] == group]
        if own:
            exposure = sum(row["member_months"] * row["risk_score"] for row in own)
            rate = sum(row["amount"] for row in own) / exposure
            total += weight * rate * (1 + trend) ** (period - year)
            weight_used += weight
    now = [row for row in rows if row["period"] == period and row["provider_id"] == group]
    months = sum(row["member_months"] for row in now)
    return total / weight_used * sum(row["member_months"] * row["risk_score"] for row in now) / months


def episodes(
    lines: Sequence[Mapping[str, Any]], trigger: str, before: int, after: int, last: date
) -> list[tuple[str, str, date, int]]:
    """Member, provider, day of the trigger and cents of each episode whose window is over."""
    found: list[tuple[str, str, date, int]] = []
    for member in sorted({line["member_id"] for line in lines}):
        own = [line for line in lines if line["member_id"] == member]
        free_from = date.min
        for day in sorted({line["service_date"] for line in own if line["procedure_code"] == trigger}):
            begin, end = day - timedelta(days=before), day + timedelta(days=after)
            if begin < free_from:
                continue
            free_from = end + timedelta(days=1)
            if end > last:
                continue
            that_day = [one for one in own if one["service_date"] == day and one["procedure_code"] == trigger]
            who = max(that_day, key=lambda one: one["allowed_amount"])["provider_id"]
            cents = sum(
                round(100 * one["allowed_amount"]) for one in own if begin <= one["service_date"] <= end
            )
            found.append((member, who, day, cents))
    return found
