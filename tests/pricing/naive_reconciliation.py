<<<<<<<< HEAD:tests/pricing/naive_revenue.py
"""The plain-Python twin of a revenue forecast: loops over months, cohorts and moves, read top to bottom."""
========
"""Naive twins of reconciliations and of draws: plain loops, read top to bottom."""
>>>>>>>> 6cb333e (wip: ACA revenue by month):tests/pricing/naive_reconciliation.py

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Cohort = tuple[str, str, str]  # contract, county, status
Assumption = Callable[[Cohort, int], float]


def cents(dollars: float) -> int:
    """Return whole cents, halves away from zero."""
    sign = -1 if dollars < 0 else 1
    return sign * math.floor(round(abs(dollars) * 100, 4) + 0.5)


def naive_forecast(
    members: list[tuple[Cohort, float]],
    *,
    rate: Callable[[Cohort, int], float],
    rebate: float,
    n_months: int,
    death: Assumption,
    lapse: Assumption,
    moves: Assumption,
    joins: Assumption,
    death_score: float,
    score_factor: Callable[[int], float],
    withheld: float,
) -> dict[tuple[Cohort, int], dict[str, Any]]:
    """Return members, score and cents of each cohort and month; who moves becomes "full_dual".

    Months count from the base month, 0. Members who move or join have the mean base score of their new cohort.
    """
    counts: dict[Cohort, float] = {}
    sums: dict[Cohort, float] = {}
    for cohort, score in members:
        counts[cohort] = counts.get(cohort, 0) + 1
        sums[cohort] = sums.get(cohort, 0) + score
    means = {cohort: sums[cohort] / counts[cohort] for cohort in counts}
    result: dict[tuple[Cohort, int], dict[str, Any]] = {}
    for month in range(n_months):
        if month:
            after, score_after = dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0.0)
            for cohort in counts:
                dying = counts[cohort] * death(cohort, month)
                leaving = (counts[cohort] - dying) * lapse(cohort, month)
                left = counts[cohort] - dying - leaving
                score = sums[cohort] * (1 - death(cohort, month) * death_score) * (1 - lapse(cohort, month))
                share = moves(cohort, month) if cohort[2] != "full_dual" else 0.0
                target = (cohort[0], cohort[1], "full_dual")
                after[cohort] += left * (1 - share) + joins(cohort, month)
                score_after[cohort] += score * (1 - share) + joins(cohort, month) * means[cohort]
                if share:
                    after[target] += left * share
                    score_after[target] += left * share * means[target]
            counts, sums = after, score_after
        for cohort in counts:
            mean = sums[cohort] / counts[cohort] if counts[cohort] else 0.0
            score = mean * score_factor(month)
            is_hospice = cohort[2] == "hospice"
            risk = 0.0 if is_hospice else counts[cohort] * rate(cohort, month) * score
            extra = counts[cohort] * rebate
            result[cohort, month] = {
                "members": counts[cohort],
                "score": score,
                "part_c_risk": cents(risk),
                "part_c_rebate": cents(extra),
                "part_c_sequestration": cents(-withheld * (risk + extra)),
            }
    return result
