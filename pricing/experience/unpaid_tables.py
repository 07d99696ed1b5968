"""The tables of an estimate of unpaid claims: months, factors, steps from paid to incurred, assumptions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pricing.experience.assumptions import FITTED, GIVEN, RULE, Assumption, assumption_table, chosen
from pricing.experience.development import Development
from pricing.experience.expected_claims import MIN_COMPLETION
from pricing.experience.large_claims import LargeUnpaid
from pricing.experience.months import as_dates
from pricing.experience.triangles import EXCESS, Triangle
from pricing.inputs import Numbers

#: Method of a month -> what people call it.
METHOD_WORDS = {
    "completion": "completion",
    "pmpm": "expected PMPM",
    "bornhuetter_ferguson": "Bornhuetter-Ferguson",
    "chain_ladder": "chain ladder",
    "development": "their own development",
}


def months_table(
    triangle: Triangle, numbers: Mapping[str, Numbers], methods: tuple[list[str], list[str]], errors: Numbers
) -> pa.Table:
    """Return one row per month incurred; `methods`: of the month, and of its large claims."""
    ultimate, exposure = numbers["ultimate"], numbers["member_months"]
    incurred = ultimate + triangle.large + numbers["large_unpaid"]
    expected = numbers["expected_pmpm"]
    return pa.table(
        {
            "month": as_dates(triangle.months),
            "member_months": pa.array(exposure),
            "lag_months": pa.array(triangle.months[-1] - triangle.months),
            "paid": pa.array(triangle.total),
            "completion": pa.array(numbers["completion"]),
            "method": pa.array(methods[0], pa.string()),
            "expected_pmpm": pa.array(expected, mask=np.isnan(expected)),
            "ultimate": pa.array(ultimate),
            "ibnr": pa.array(ultimate - triangle.total),
            "standard_error": pa.array(errors, mask=np.isnan(errors)),
            "large_paid": pa.array(triangle.large),
            "large_unpaid": pa.array(numbers["large_unpaid"]),
            "large_method": pa.array(methods[1], pa.string()),
            "incurred": pa.array(incurred),
            "incurred_pmpm": pa.array(incurred / exposure),
            "margin": pa.array(numbers["margin"]),
        }
    )


def factors_table(development: Development, large: LargeUnpaid) -> pa.Table:
    """Return one row per lag; the factors of large claims are null where they have none of their own."""
    is_unknown = np.isnan(large.completion)
    return pa.table(
        {
            "lag_months": pa.array(np.arange(len(development.completion), dtype=np.int32)),
            "age_to_age": pa.array(np.append(development.factors, development.tail)),
            "completion": pa.array(development.completion),
            "large_age_to_age": pa.array(large.age_to_age, mask=is_unknown),
            "large_completion": pa.array(large.completion, mask=is_unknown),
        }
    )


def steps_table(triangle: Triangle, months: pa.Table) -> pa.Table:
    """Return what leads from claims paid to claims incurred, each method a step."""
    sums = {
        name: months[name].to_numpy() for name in ("paid", "large_paid", "ibnr", "large_unpaid", "margin")
    }
    paid, large = float(sums["paid"].sum()), float(sums["large_paid"].sum())
    of_each = "what claims have" if triangle.large_part == EXCESS else "claims"
    taken = [
        (f"large claims taken out: {of_each} above {triangle.large_claim or 0:,.0f}", -large),
        ("paid, without large claims", None),
    ]
    added = [
        ("ultimate, without large claims", None),
        ("large claims paid", large),
        *_by_method("large claims not yet paid", months["large_method"], sums["large_unpaid"]),
    ]
    rows: list[tuple[str, float | None]] = [
        ("paid", paid + large),
        *(taken if triangle.large_claim else []),
        *_by_method("not yet paid", months["method"], sums["ibnr"]),
        *(added if triangle.large_claim else []),
        ("incurred", None),
        ("margin", float(sums["margin"].sum())),
        ("incurred with margin", None),
    ]
    running, dollars = 0.0, []
    for _, amount in rows:
        running += amount or 0.0
        dollars.append(running if amount is None else amount)
    return pa.table(
        {
            "step": [name for name, _ in rows],
            "dollars": np.array(dollars),
            "pmpm": np.array(dollars) / float(months["member_months"].to_numpy().sum()),
            "is_total": [amount is None for _, amount in rows],
        }
    )


def _by_method(name: str, methods: pa.ChunkedArray, amounts: Numbers) -> list[tuple[str, float | None]]:
    """Return a step for each method of the months, in order; none for months to which nothing is added."""
    every = np.array(methods.to_pylist())
    return [
        (f"{name}, by {METHOD_WORDS[method]}", float(amounts[every == method].sum()))
        for method in dict.fromkeys(every.tolist())
        if method != "none"
    ]


#: Option -> its default, unit and meaning.
_OPTIONS: Mapping[str, tuple[object, str, str]] = {
    "average": ("volume", "", "how age-to-age ratios are averaged"),
    "last": (None, "months", "latest ratios of each lag that are used; none: all"),
    "drop_high": (0, "ratios", "highest ratios of each lag left out"),
    "drop_low": (0, "ratios", "lowest ratios of each lag left out"),
    "tail": (1.0, "factor", "from the last lag to ultimate"),
    "min_completion": (MIN_COMPLETION, "share", "below it a month takes the method of immature months"),
    "immature": ("pmpm", "", "method of months below min_completion"),
    "trend_annual": (0.0, "a year", "of PMPM from the base months on"),
    "seasonality": (None, "factor", "of PMPM by calendar month"),
    "use_working_days": (False, "", "PMPM moves with the working days of service"),
    "margin": (0.0, "share", "explicit provision for adverse deviation, beside the estimate"),
}


def assumptions_of(triangle: Triangle, options: Mapping[str, object], *expected: Assumption) -> pa.Table:
    """Return every assumption of an estimate: its options, what was expected, what was read."""
    return assumption_table(
        [
            *(chosen(name, value, *_OPTIONS[name]) for name, value in options.items()),
            *expected,
            Assumption("valuation_date", triangle.valuation_date, "", GIVEN, "what was paid by then"),
            chosen("payment days", triangle.has_working_days, False, "", "payments at average working days"),
            Assumption("range", "Mack", "", RULE, "volume-weighted chain ladder; months by completion"),
        ]
    )


def expected_assumption(given: float | Mapping[str, float] | None, base_months: int) -> Assumption:
    """Return where the expected PMPM came from."""
    meaning = "per member and month, where a month takes its ultimate from it"
    if given is None:
        return Assumption("expected_pmpm", f"latest {base_months} mature months", "dollars", FITTED, meaning)
    words = "by month" if isinstance(given, Mapping) else given
    return Assumption("expected_pmpm", words, "dollars", GIVEN, meaning)
