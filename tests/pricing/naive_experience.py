"""Plain-Python twins of pricing.experience: days in sets, claims in dictionaries, read top to bottom."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Span = tuple[str, date, date, str]  # member, first day, last day, group


def group_of_day(spans: Sequence[Span], last: date) -> dict[tuple[str, date], str]:
    """Each covered day of each member and its group: of the first span, then the longer, then the upper."""
    found: dict[tuple[str, date], str] = {}
    order = sorted(range(len(spans)), key=lambda i: (spans[i][1], -spans[i][2].toordinal(), i))
    for position in order:
        member, day, end, group = spans[position]
        while day <= min(end, last):
            found.setdefault((member, day), group)
            day += timedelta(days=1)
    return found


def member_months(
    spans: Sequence[Span], months: Iterable[tuple[int, int]], convention: str
) -> dict[tuple[int, int, str], float]:
    """Member months by year, month and group."""
    months = list(months)
    covered = group_of_day(spans, date(months[-1][0], months[-1][1], 28) + timedelta(days=4))
    totals: dict[tuple[int, int, str], float] = defaultdict(float)
    for (_, day), group in covered.items():
        if (day.year, day.month) not in months:
            continue
        if convention == "days":
            totals[day.year, day.month, group] += 1 / calendar.monthrange(day.year, day.month)[1]
        elif day.day == {"first_day": 1, "mid_month": 15}[convention]:
            totals[day.year, day.month, group] += 1
    return dict(totals)


def incurred(
    lines: Iterable[Mapping[str, Any]], plan_of: Mapping[str, str], first: date, last: date
) -> dict[tuple[int, str, str], tuple[float, int, int, int]]:
    """Amount, lines, claims and units, net of reversals, by month, plan and service category."""
    kept: dict[tuple[int, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        if line["member_id"] in plan_of and first <= line["service_date"] <= last:
            kept[line["service_date"].month, plan_of[line["member_id"]], line["service_category"]].append(
                line
            )
    found = {}
    for cell, members in kept.items():
        balance: dict[str, int] = defaultdict(int)
        for line in members:
            balance[line["claim_id"]] += -1 if line["paid_amount"] < 0 else 1
        amount = sum(line["paid_amount"] for line in members)
        standing = sum(1 for lines_left in balance.values() if lines_left > 0)
        units = sum(-abs(line["units"]) if line["paid_amount"] < 0 else line["units"] for line in members)
        found[cell] = (amount, sum(balance.values()), standing, units)
    return found


def by_claim(lines: Iterable[Mapping[str, Any]], amount: str) -> float:
    """Sum of the amounts of the first row seen of each claim."""
    first: dict[str, float] = {}
    for line in lines:
        first.setdefault(line["claim_id"], float(line[amount]))
    return sum(first.values())


def triangle(lines: Iterable[Mapping[str, Any]], last: tuple[int, int]) -> dict[tuple[int, int, int], float]:
    """Paid by year and month of service and lag, of what was paid by the month `last`."""
    cells: dict[tuple[int, int, int], float] = defaultdict(float)
    for line in lines:
        service, paid = line["service_date"], line["paid_date"]
        if (paid.year, paid.month) <= last:
            lag = (paid.year - service.year) * 12 + paid.month - service.month
            cells[service.year, service.month, lag] += line["paid_amount"]
    return dict(cells)


def layers(
    lines: Iterable[Mapping[str, Any]], last: tuple[int, int], threshold: float
) -> tuple[dict[tuple[int, int, int], float], dict[tuple[int, int, int], float]]:
    """Paid by year and month of service and lag, of each claim up to a threshold and above it.

    A claim's payments count in the order of their months (of one month: by month of service); each adds what the claim
    then has up to the threshold and above it.
    """
    below: dict[tuple[int, int, int], float] = defaultdict(float)
    above: dict[tuple[int, int, int], float] = defaultdict(float)
    claims: dict[str, list[tuple[int, int, int, int, float]]] = defaultdict(list)
    for line in lines:
        service, paid = line["service_date"], line["paid_date"]
        if (paid.year, paid.month) <= last:
            claims[line["claim_id"]].append(
                (paid.year, paid.month, service.year, service.month, line["paid_amount"])
            )
    for payments in claims.values():
        so_far = 0.0
        for paid_year, paid_month, year, month, amount in sorted(payments, key=lambda each: each[:4]):
            lag = (paid_year - year) * 12 + paid_month - month
            excess = max(so_far + amount - threshold, 0.0) - max(so_far - threshold, 0.0)
            above[year, month, lag] += excess
            below[year, month, lag] += amount - excess
            so_far += amount
    return dict(below), dict(above)
