"""Naive twins of reconciliations and of draws: plain loops, read top to bottom."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
WORD = 1 << 64


def naive_reconciliation(
    expected: Sequence[Row], actual: Sequence[Row], by: Sequence[str]
) -> dict[Any, dict[str, int]]:
    """Return cents by (month, labels) and cause, with fractions in place of floats; labels as in the rows.

    Rows have month, the columns of `by`, months, rate, score (mean values) and other (dollars a month), whole or
    fractions.
    """
    months = {row["month"] for row in expected} & {row["month"] for row in actual}
    sides = [[row for row in side if row["month"] in months] for side in (expected, actual)]
    before, after = ({(r["month"], *(r[name] for name in by)): r for r in side} for side in sides)

    def price(key: tuple[Any, ...], depth: int) -> tuple[Fraction, Fraction, Fraction]:
        """Return expected rate, score x rate and revenue per member month of a key's node, or of the one above it."""
        inside = [row for name, row in before.items() if depth < 0 or name[: depth + 1] == key[: depth + 1]]
        count = sum(Fraction(row["months"]) for row in inside)
        if not count:
            return price(key, depth - 1)
        rate = sum(Fraction(row["months"]) * row["rate"] for row in inside) / count
        scored = sum(Fraction(row["months"]) * row["rate"] * row["score"] for row in inside) / count
        paid = (
            sum(Fraction(row["months"]) * (row["rate"] * row["score"] + row["other"]) for row in inside)
            / count
        )
        return rate, scored, paid

    result = {}
    for key in sorted({*before, *after}):
        nothing = {"months": 0, "rate": 0, "score": 0, "other": 0}
        one, other = (Fraction(side.get(key, nothing)["months"]) for side in (before, after))
        old, new = before.get(key, nothing), after.get(key, nothing)
        level = one * (old["rate"] * old["score"] + old["other"])
        levels, last = [level], Fraction(0)
        for depth in range(len(by) + 1):
            here = price(key, depth)[2]
            level += (other - one) * (here - last)
            levels.append(level)
            last = here
        rate, scored, _ = price(key, len(by))
        score = new["score"] if new["rate"] and other else (scored / rate if rate else 0)
        level += other * (score * rate - scored)
        levels.append(level)
        level += other * (new["rate"] * new["score"] - score * rate)
        levels += [level, other * (new["rate"] * new["score"] + new["other"])]
        cents = [
            int((Decimal(x.numerator) * 100 / Decimal(x.denominator)).quantize(Decimal(1), ROUND_HALF_EVEN))
            for x in map(Fraction, levels)
        ]
        names = ("enrollment", *(f"{name}_mix" for name in by), "score", "rate", "other")
        result[key] = {"expected": cents[0], "actual": cents[-1]}
        result[key] |= {name: high - low for name, low, high in zip(names, cents, cents[1:], strict=False)}
    return result


def naive_word(counter: int) -> int:
    """Return the SplitMix64 word of a counter."""
    word = counter * 0x9E3779B97F4A7C15 % WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
    return word ^ (word >> 31)


def naive_count(word: int) -> int:
    """Return how often a member counts: the Poisson quantile of word / 2**64, by adding up probabilities."""
    count, total, term = 0, Fraction(0), Fraction(Decimal(math.exp(-1.0)))
    while True:
        total += term
        if word < round(total * WORD):
            return count
        count += 1
        term /= count


def naive_sums(
    keys: Sequence[int],
    units: Sequence[int],
    cohorts: Sequence[int],
    values: Sequence[Sequence[float]],
    n_cohorts: int,
) -> list[list[list[float]]]:
    """Return sums by draw, cohort and value."""
    result = []
    for key in keys:
        sums: dict[int, list[float]] = defaultdict(lambda: [0.0] * len(values[0]))
        for unit, cohort, row in zip(units, cohorts, values, strict=True):
            count = naive_count(naive_word((key + unit) % WORD))
            for place, value in enumerate(row):
                sums[cohort][place] += count * value
        result.append([sums[cohort] for cohort in range(n_cohorts)])
    return result
