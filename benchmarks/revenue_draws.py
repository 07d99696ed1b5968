"""How long a thousand draws of 36 months' revenue take, and how much memory: members alone, then every source.

`python -m benchmarks.revenue_draws --members 1000000 --draws 1000` prints JSON. Members and terms are invented and
held in memory; before anything is timed, one thread must give what several give. "members" draws the members; "every
source" draws them, chance and three assumptions, and each source by itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.agreement import DisagreementError
from benchmarks.measure import DISTRIBUTIONS, machine
from pricing.revenue import (
    Assume,
    Distribution,
    Membership,
    RevenueDraws,
    RevenueForecast,
    Scenario,
    Uncertain,
    draw_revenue,
    forecast,
)
from pricing.revenue.cohorts import Cohorts

BASE_MONTH, MONTHS = 672, 36
COHORTS = 500
STATUSES = ("non_dual", "full_dual", "partial_dual", "institutional", "dialysis")
UNCERTAIN = (
    Uncertain("coding_trend", Distribution("normal", (0.02, 0.01))),
    Uncertain("lapse", Distribution("triangular", (0.005, 0.01, 0.02))),
    Uncertain("rate_trend", Distribution("normal", (0.04, 0.01))),
)


def make_forecast(members: int, cohorts: int, *, seed: int = 1) -> RevenueForecast:
    """Return a forecast of invented members, spread over counties and statuses."""
    random = np.random.default_rng(seed)
    counties = -(-cohorts // len(STATUSES))
    rows = [(f"{county:05d}", status) for county in range(counties) for status in STATUSES]
    table = pa.table({"county_code": [row[0] for row in rows], "status": [row[1] for row in rows]})
    scores = np.round(random.gamma(1.4, 0.75, members), 3)
    people = Membership(
        BASE_MONTH, Cohorts(table), random.integers(0, len(rows), members), scores, None, {}, {}
    )
    scenario = Scenario(
        "benchmark", (Assume("lapse", 0.01), Assume("death", 0.003), Assume("new_sales", members / 100))
    )
    terms = {"payment_rate": [1000.0], "esrd_payment_rate": [9000.0], "rebate_pmpm": [100.0]}
    return forecast(people, terms, scenario=scenario, n_months=MONTHS)


def measure(*, members: int, draws: int, cohorts: int) -> dict[str, Any]:
    """Return seconds and peak memory of each question."""
    made = make_forecast(members, cohorts)
    check_agreement(made)
    found: dict[str, Any] = {}
    for name, options in (("members", {}), ("every source", {"uncertain": UNCERTAIN, "chance": True})):
        begin = time.perf_counter()
        result = draw_revenue(made, draws=draws, **options)
        found[name] = {"seconds": time.perf_counter() - begin, "share_of_total": _spread(result)}
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # of ru_maxrss in a megabyte
    return {
        "members": members, "draws": draws, "months": MONTHS, "cohorts": len(made.cohorts), "questions": found,
        "peak_resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
    }  # fmt: skip


def _spread(result: RevenueDraws) -> float:
    """Return the standard deviation of all months' revenue as a share of it."""
    (whole,) = [row for row in result.years.to_pylist() if row["payment_year"] == "all"]
    return float(whole["standard_deviation"] / whole["mean"])


def check_agreement(made: RevenueForecast) -> None:
    """Refuse to go on unless threads give the draws that one gives."""
    one, several = (draw_revenue(made, draws=4, uncertain=UNCERTAIN, threads=threads) for threads in (1, 3))
    if one.draws != several.draws:
        raise DisagreementError("several threads give other draws than one")


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    options = parser.parse_args()
    found = measure(members=options.members, draws=options.draws, cohorts=options.cohorts)
    print(json.dumps({"machine": machine(DISTRIBUTIONS), "revenue_draws": found}, indent=2))


if __name__ == "__main__":
    main()
